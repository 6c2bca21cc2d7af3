"""The manifest of a stored model, `model.json`: read, written, and compared with the files of its folder.

Used by the model store and by the embedder. It is the last file that is written while a model is prepared, so a folder
without a readable manifest is not a model. Reads and hashes files, loads no model. Safe in any thread.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from magicfs.domain.models import FileChecksum, ModelManifest, ModelSpec, Precision
from magicfs.errors import ModelCorrupt, ModelMissing

FILE_NAME = "model.json"
FORMAT = 1
"""Increased when a change of the manifest or of the preparation requires that stored models are prepared again."""
TOKENIZER = "tokenizer.json"
SIF = "sif"
"""The pooling of a graph that has it built in, with more weight for rare tokens: see `magicfs.models.pooling`."""
SIF_AND_TOKENS = "sif-tokens"
"""The same of a graph that gives the vectors of tokens too: see `magicfs.models.token_vectors`."""
FORMS = ("mean", SIF, SIF_AND_TOKENS)
"""The poolings that versions of MagicFS gave a model, each better than those before it."""
DERIVED = "derived/"
"""Files below are made from others of the folder, so they do not say what a model is."""
UNIGRAM_FOLDER = f"{DERIVED}unigram"
"""The files of `magicfs.embedding.unigram`, in the folder of a model."""


def pull_command(name: str) -> str:
    """The command that fixes a missing or damaged model."""
    return f"magicfs model pull {shlex.quote(name)}"


def use_command(name: str) -> str:
    """The command that makes an index use a model."""
    return f"magicfs model use {shlex.quote(name)}"


def remake_advice(name: str) -> str:
    """How an index gets new vectors from the model of that name that this machine has, for a message.

    It names both roles: `use_command` would make a multilingual model the active one.
    """
    return (
        f"make all vectors anew ('{use_command(name)}', or for the multilingual model "
        "MAGICFS_MULTILINGUAL=never, then always)"
    )


def checksums_of(folder: Path) -> dict[str, FileChecksum]:
    """Size and hash of every file below `folder` except the manifest, by relative path."""
    return {
        str(path.relative_to(folder)): FileChecksum(path.stat().st_size, sha256_of(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / FILE_NAME
    }


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def with_digest(manifest: ModelManifest) -> ModelManifest:
    """The manifest with the digests of the model in its spec: of its files, and of how they are used.

    The weights count as they were before they were rounded, because versions of onnxruntime round differently. Names,
    the source and the calibration are not part of a digest, because they do not change a vector.
    """
    former = _digest(manifest, {"model_file": manifest.model_file, "files": _hashes(manifest, rounded=True)})
    digest = former
    if manifest.weights:
        source = {"weights": manifest.weights, "precision": str(manifest.spec.precision)}
        digest = _digest(manifest, {**source, "files": _hashes(manifest, rounded=False)})
    tokenizer = manifest.files.get(TOKENIZER)
    spec = replace(
        manifest.spec,
        digest=digest,
        former_digest="" if digest == former else former,
        tokenizer="" if tokenizer is None else tokenizer.sha256,
    )
    return replace(manifest, spec=spec)


def _hashes(manifest: ModelManifest, *, rounded: bool) -> dict[str, str]:
    """The hashes of the files by name, with `rounded` those of the weights too."""
    files = [(name, record) for name, record in manifest.files.items() if not name.startswith(DERIVED)]
    return {name: record.sha256 for name, record in files if rounded or not name.startswith(manifest.model_file)}


def _digest(manifest: ModelManifest, files: dict[str, Any]) -> str:
    identity = {
        **files,
        "format": FORMAT,
        "fastembed_name": manifest.fastembed_name,
        "pooling": manifest.pooling,
        "query_prefix": manifest.spec.query_prefix,
        "passage_prefix": manifest.passage_prefix,
        "max_tokens": manifest.spec.max_tokens,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def is_better_form_of(manifest: ModelManifest, spec: ModelSpec) -> bool:
    """Whether a model is that of `spec` with the pooling that this version gives it, and an older one did not."""
    former = FORMS[: FORMS.index(manifest.pooling)] if manifest.pooling in FORMS else ()
    return any(with_digest(replace(manifest, pooling=pooling)).spec.is_model(spec) for pooling in former)


def write(folder: Path, manifest: ModelManifest) -> None:
    """Write the manifest into `folder`."""
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> ModelManifest:
    """The manifest of the model in `folder`. Raises `ModelMissing` or `ModelCorrupt`.

    The manifest of a model that an older version prepared has no digest: it is computed. One of its versions had one
    centre for all questions.
    """
    try:
        stored = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        return _parse(stored)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelMissing(f"no model in {folder}: run 'magicfs model pull'") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelCorrupt(f"the model in {folder} has no readable {FILE_NAME}: run 'magicfs model pull'") from error


def _parse(stored: dict[str, Any]) -> ModelManifest:
    if stored.pop("format") != FORMAT:
        raise ValueError("another format")
    spec = stored.pop("spec")
    files = stored.pop("files")
    former_centre = stored.pop("question_centre", None)
    if former_centre:
        stored.setdefault("question_centres", [former_centre])
    manifest = ModelManifest(
        spec=ModelSpec(
            **{**spec, "precision": Precision(spec["precision"]), "languages": tuple(spec.get("languages", ()))}
        ),
        files={name: FileChecksum(**record) for name, record in files.items()},
        **stored,
    )
    identified = with_digest(manifest)
    if manifest.spec.digest not in {"", identified.spec.digest}:
        raise ValueError("another digest")
    return identified


def check(folder: Path, manifest: ModelManifest, *, full: bool) -> None:
    """Compare the files with the manifest: their sizes, and with `full` their hashes. Raises `ModelCorrupt`."""
    hint = f"run '{pull_command(manifest.spec.name)}'"
    for name, record in manifest.files.items():
        path = folder / name
        try:
            intact = path.stat().st_size == record.size and (not full or sha256_of(path) == record.sha256)
        except OSError as error:
            raise ModelCorrupt(f"{manifest.spec.label} lacks its file {name}: {hint}") from error
        if not intact:
            raise ModelCorrupt(f"{manifest.spec.label} is damaged ({name}): {hint}")
