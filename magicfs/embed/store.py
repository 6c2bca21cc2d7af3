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
from dataclasses import dataclass
from pathlib import Path

from magicfs.domain.models import ModelSpec, Precision
from magicfs.embed import manifest as manifests
from magicfs.embed.known import DEFAULT_MODEL, STAND_IN, automatic_precision
from magicfs.embed.manifest import Manifest, pull_command
from magicfs.errors import ModelCorrupt, ModelError, ModelMissing

logger = logging.getLogger(__name__)

_BUILDING = ".building-"
_DISCARDED = ".discarded-"
_LOCK = ".lock"
_STAND_INS = "stand-ins.json"

Progress = Callable[[str], None]
"""Told in plain words what a pull is doing."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that is whole and on this machine."""

    spec: ModelSpec
    folder: Path
    origin: str
    """Where its files came from."""
    stands_in_for: str | None = None
    """The model that was asked for, when this one is used in its place."""
    notice: str = ""
    """Why it stands in, in one sentence for a person."""

    @property
    def tokenizer_path(self) -> Path:
        """Its `tokenizer.json`: cuts nothing and pads nothing, so that it measures texts of any length."""
        return self.folder / "tokenizer.json"


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
        for folder in (self._folder(name, one) for one in _precisions(name, precision)):
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
            notice = self._stand_ins().get(name)
            if notice is None:
                raise
            return _standing_in(self.find(STAND_IN, precision), name, notice)

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
                return self._pull(_canonical(name), precision, say)
        except OSError as error:
            raise ModelError(f"cannot store a model in {self.directory} ({error.strerror or error})") from error

    def _pull(self, name: str, precision: str, say: Progress) -> StoredModel:
        from magicfs.embed.hub import HubUnreachable

        try:
            model = self._ready(name, precision, say) or self._build(name, precision, say)
        except HubUnreachable as error:
            if name != DEFAULT_MODEL:
                raise ModelError(f"{name} cannot be had: {error}") from error
            notice = f"{STAND_IN} is in use instead of {name}: {error}"
            say(notice)
            model = self._ready(STAND_IN, precision, say) or self._build(STAND_IN, precision, say)
            self._record_stand_in(name, notice)
            return _standing_in(model, name, notice)
        self._record_stand_in(name, None)
        return model

    def _ready(self, name: str, precision: str, say: Progress) -> StoredModel | None:
        """The model if it is there, whole and up to date."""
        from magicfs.embed.recipes import folder_origin

        try:
            model = self.find(name, precision)
            self.verify(model, full=True)
        except ModelMissing:
            return None
        except ModelCorrupt as error:
            say(f"{error.args[0].partition(':')[0]}; building it anew")
            return None
        if Path(name).is_absolute() and model.origin != folder_origin(Path(name)):
            say(f"{name} has changed; storing it anew")
            return None
        return model

    def _build(self, name: str, precision: str, say: Progress) -> StoredModel:
        from magicfs.embed import hub, recipes
        from magicfs.embed.assemble import assemble

        wanted = _precisions(name, precision)[0]
        building = self.directory / f"{_BUILDING}{os.getpid()}"
        building.mkdir(mode=0o700)
        try:
            say(f"preparing {name} ({wanted})")
            if Path(name).is_absolute():
                draft = recipes.from_folder(Path(name), building)
            elif name == STAND_IN and recipes.package_installed():
                draft = recipes.from_package(building)
            else:
                draft = hub.from_hub(name, building)
            manifest = assemble(draft, building, wanted, say)
            return self._put_in_place(building, manifest)
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def _put_in_place(self, building: Path, manifest: Manifest) -> StoredModel:
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
    return StoredModel(model.spec, model.folder, model.origin, stands_in_for=name, notice=notice)


def _precisions(name: str, wanted: str) -> tuple[Precision, ...]:
    """What `wanted` allows, best first. Raises `ModelError`."""
    if wanted == "auto":
        best = automatic_precision(name)
        return best, *(other for other in Precision if other is not best)
    try:
        return (Precision(wanted),)
    except ValueError as error:
        raise ModelError(f"{wanted} is no precision: use auto, int8 or fp32") from error


def _canonical(name: str) -> str:
    """An absolute path for a folder, fastembed's spelling for a hub model."""
    from magicfs.embed.hub import canonical_name

    path = Path(name).expanduser()
    if path.is_dir():
        return str(path.resolve())
    if path.is_absolute():
        raise ModelError(f"{name} is no folder: give one with model.onnx and tokenizer.json")
    return canonical_name(name)


def _flush(path: Path) -> None:
    """Make a file or directory survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
