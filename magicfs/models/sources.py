"""Where the files of a model come from: a local folder or the model hub; `packages` has the third source.

Used by the store while it pulls a model. Each `from_...` function fills an empty folder and returns what it put there;
`prepare` turns that folder into a stored model. Calls may block on the network for minutes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicfs.embedding.manifest import sha256_of
from magicfs.errors import ModelCorrupt, ModelError
from magicfs.models.catalog import MULTILINGUAL_MODEL, prefixes_of

if TYPE_CHECKING:
    from fastembed.common.model_description import DenseModelDescription
    from fastembed.text.text_embedding_base import TextEmbeddingBase

MODEL_FILE = "model.onnx"
DOWNLOADS = "downloads"
"""The folder in the folder of a model in which the hub's files arrive."""
PROBE_SECONDS = 4.0
"""The longest wait for a first answer of the hub; a name server that does not answer takes far longer to fail."""
MAX_REASON_CHARACTERS = 160

_SETTINGS_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
)


class HubUnreachable(ModelError):
    """The model hub does not answer, or does not give the files."""


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files of a model in a folder, before they are prepared. Fields as in `ModelManifest`."""

    name: str
    fastembed_name: str | None
    pooling: str | None
    model_file: str
    query_prefix: str
    passage_prefix: str
    origin: str
    weights: tuple[Path, ...]
    """The files that have the weights before they are prepared."""
    has_written_graph: bool = False
    """Whether the graph was written here, and not by those who published the model."""


def from_folder(source: Path, into: Path) -> SourceFiles:
    """Copy a local model: `model.onnx` (or `onnx/model.onnx`), `tokenizer.json`, and settings where there are any.

    Raises `ModelError` that names a missing file.
    """
    model = _model_file(source)
    try:
        for path in _weights_of(model):
            shutil.copyfile(path, into / path.name)
        copy_settings(source, into)
    except OSError as error:
        raise ModelError(f"{source} cannot be copied ({error.strerror}): check its files and permissions") from error
    prompts = read_json(source / "config_sentence_transformers.json").get("prompts") or {}
    return SourceFiles(
        name=str(source),
        fastembed_name=None,
        pooling=_pooling(source),
        model_file=MODEL_FILE,
        query_prefix=prompts.get("query", ""),
        passage_prefix=prompts.get("document", prompts.get("passage", "")),
        origin=folder_origin(source),
        weights=tuple(_weights_of(into / MODEL_FILE)),
    )


def folder_origin(source: Path) -> str:
    """The origin of a local model, which changes with each of its files. Raises `ModelError`."""
    settings = [source / name for name in _SETTINGS_FILES if (source / name).is_file()]
    lines = [f"{path.relative_to(source)} {sha256_of(path)}" for path in [*_weights_of(_model_file(source)), *settings]]
    return f"folder {source}, content {hashlib.sha256(repr(lines).encode()).hexdigest()[:16]}"


def _weights_of(model: Path) -> list[Path]:
    """A model's file and those with its external data."""
    return [model, *sorted(model.parent.glob(f"{model.name}[._]data*"))]


def _model_file(source: Path) -> Path:
    for needed in (MODEL_FILE, "tokenizer.json"):
        if not any((source / place / needed).is_file() for place in ("", "onnx")):
            raise ModelError(
                f"{source} is not a model, it has no {needed}: name a folder that has {MODEL_FILE} and tokenizer.json"
            )
    direct = source / MODEL_FILE
    return direct if direct.is_file() else source / "onnx" / MODEL_FILE


def copy_settings(source: Path, into: Path) -> None:
    """Copy the tokenizer and the settings that exist."""
    for name in _SETTINGS_FILES:
        if (source / name).is_file():
            (into / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / name, into / name)


def _pooling(source: Path) -> str | None:
    """The pooling that the folder's settings name; None without settings. Raises `ModelError` for any other."""
    settings = read_json(source / "1_Pooling" / "config.json")
    for key, pooling in (("cls_token", "cls"), ("mean_tokens", "mean"), ("lasttoken", "last-token")):
        if settings.get(f"pooling_mode_{key}"):
            return pooling
    if settings:
        raise ModelError(f"{source} pools in a way that is not supported: use mean, cls or last-token pooling")
    return None


def from_hub(name: str, into: Path) -> SourceFiles:
    """Download a model into the folder `into`. Raises `HubUnreachable`."""
    description = _description(name)
    _probe(description)
    downloads = into / DOWNLOADS
    folder = _download(description, downloads)
    for file in (description.model_file, *description.additional_files):
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, into / file)
    copy_settings(folder, into)
    shutil.rmtree(downloads)
    prefixes = prefixes_of(description.model)
    return SourceFiles(
        name=description.model,
        fastembed_name=description.model if _downloader(description) else None,
        pooling=None if _downloader(description) else "mean",
        model_file=description.model_file,
        query_prefix=prefixes.query,
        passage_prefix=prefixes.passage,
        origin=f"model hub, {description.sources.hf or description.sources.url}",
        weights=tuple(_weights_of(into / description.model_file)),
    )


def _description(name: str) -> DenseModelDescription:
    if name.lower() == MULTILINGUAL_MODEL.lower():
        return _multilingual_description()
    for _, description in _supported_models():
        if description.model.lower() == name.lower():
            return description
    raise ModelError(f"{name} is not a model that fastembed knows and not a folder: check the spelling")


def _multilingual_description() -> DenseModelDescription:
    """What fastembed needs to know to download the model, which is not on its list."""
    from fastembed.common.model_description import DenseModelDescription, ModelSource

    return DenseModelDescription(
        model=MULTILINGUAL_MODEL,
        sources=ModelSource(hf=MULTILINGUAL_MODEL),
        model_file=f"onnx/{MODEL_FILE}",
        description="",
        license="mit",
        size_in_GB=0.47,
        dim=384,
    )


def _downloader(description: DenseModelDescription) -> type[TextEmbeddingBase] | None:
    """The class of fastembed that has a model on its list; None for a model that none has."""
    return next((kind for kind, supported in _supported_models() if supported == description), None)


def _supported_models() -> Iterator[tuple[type[TextEmbeddingBase], DenseModelDescription]]:
    """Yield the models that fastembed knows, each after the class that has it on its list."""
    from fastembed import TextEmbedding

    for kind in TextEmbedding.EMBEDDINGS_REGISTRY:
        for description in kind._list_supported_models():  # noqa: SLF001  the public list has no types
            yield kind, description


def _probe(description: DenseModelDescription) -> None:
    """Ask the hub for the model. In a thread, because a name server that does not answer blocks for long."""
    if os.environ.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "ON", "YES", "TRUE"}:
        raise HubUnreachable("the model hub is switched off by HF_HUB_OFFLINE")
    failure: list[Exception] = []
    done = threading.Event()

    def ask() -> None:
        from huggingface_hub import model_info

        try:
            model_info(description.sources.hf or description.model, timeout=PROBE_SECONDS)
        except Exception as error:  # noqa: BLE001  reported below
            failure.append(error)
        done.set()

    threading.Thread(target=ask, name="hub-probe", daemon=True).start()
    if not done.wait(PROBE_SECONDS):
        raise HubUnreachable(f"the model hub did not answer within {PROBE_SECONDS:.0f} seconds")
    if failure:
        raise HubUnreachable(f"the model hub cannot be reached ({_reason(failure[0])})") from failure[0]


def _download(description: DenseModelDescription, downloads: Path) -> Path:
    from fastembed.text.onnx_embedding import OnnxTextEmbedding
    from loguru import logger as fastembed_logger

    fastembed_logger.disable("fastembed")
    try:
        downloads.mkdir()
        kind: Any = _downloader(description) or OnnxTextEmbedding
        return Path(kind.download_model(description, str(downloads), retries=1))
    except Exception as error:
        raise HubUnreachable(f"the download of {description.model} failed ({_reason(error)})") from error
    finally:
        fastembed_logger.enable("fastembed")


def _reason(error: Exception) -> str:
    """The message of another library's error on one line, cut: some fill a screen."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= MAX_REASON_CHARACTERS else f"{words[:MAX_REASON_CHARACTERS]}..."


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when the file does not exist. Raises `ModelCorrupt`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelCorrupt(f"{path.name} cannot be read ({error}): get a whole copy of the model") from error
    if not isinstance(content, dict):
        raise ModelCorrupt(f"{path.name} is not a JSON object: get a whole copy of the model")
    return content
