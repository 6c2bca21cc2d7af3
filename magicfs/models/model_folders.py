"""The folders of a model store: how the folder of a model is named, and what its manifest says of the model.

Used by the store, which looks for folders, makes and removes them. Reads manifests, loads no model. Safe in any thread.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from magicfs.domain.models import ModelManifest, Precision, StoredModel
from magicfs.embedding import manifest as manifests
from magicfs.models.catalog import PACKAGE_ORIGIN, has_outliers, languages_of, weighs_tokens


def read_stored(folder: Path) -> StoredModel:
    """The model in a folder, by its manifest. Raises `ModelMissing` or `ModelCorrupt`."""
    return stored_in(manifests.read(folder), folder)


def stored_in(manifest: ModelManifest, folder: Path) -> StoredModel:
    """A model in its folder. The catalog knows the languages of models whose files state none."""
    spec = manifest.spec
    if not spec.languages:
        spec = replace(spec, languages=languages_of(manifest.fastembed_name or spec.name))
    return StoredModel(spec, folder, manifest.origin)


def is_current(model: StoredModel) -> bool:
    """Whether this version would prepare a model as it is."""
    manifest = manifests.read(model.folder)
    is_rounded = model.spec.precision is Precision.INT8
    from_package = manifest.origin.startswith(PACKAGE_ORIGIN)
    has_outliers_inside = is_rounded and from_package and has_outliers(model.spec.name) and not manifest.outliers_apart
    return bool(manifest.weights) and not has_outliers_inside and not lacks_pooling(manifest)


def lacks_pooling(manifest: ModelManifest) -> bool:
    """Whether an older version prepared a model without the pooling that it has here."""
    knows_tokens = any(name.startswith(f"{manifests.UNIGRAM_FOLDER}/") for name in manifest.files)
    if not (weighs_tokens(manifest.spec.name) and knows_tokens):
        return False
    # Only graphs that are written here have the layer whose token vectors are compared.
    is_written_here = manifest.origin.startswith(PACKAGE_ORIGIN)
    return manifest.pooling == "mean" or (is_written_here and manifest.pooling == manifests.SIF)


def folder_name(name: str, precision: Precision) -> str:
    """The name of a model's folder in older versions, and the first part of its name in this one."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "--", name).strip("-.")
    if Path(name).is_absolute():
        readable = f"{Path(name).name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{readable.lower()}--{precision}"


def is_folder_of(folder: str, name: str, precision: Precision) -> bool:
    """Whether a folder of the store has this name because of a model's name and precision."""
    return re.fullmatch(re.escape(folder_name(name, precision)) + r"(--[0-9a-f]+)?", folder) is not None


def pulled_at(folder: Path) -> float:
    """When a model was last pulled: the time of its manifest; 0 without one."""
    try:
        return (folder / manifests.FILE_NAME).stat().st_mtime
    except OSError:
        return 0.0


def normalized_name(name: str) -> str:
    """The absolute path if `name` is a local folder; the name of a hub model as it is."""
    path = Path(name).expanduser()
    if path.is_absolute() or name.startswith(".") or (path / "tokenizer.json").is_file():
        return str(path.resolve())
    return name
