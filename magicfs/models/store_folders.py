"""The folders in the directory of a model store, each complete or absent.

Used by the store, which knows what a folder holds. A model is prepared in a sibling folder and renamed into place under
a file lock, so that another process sees a whole model or none. Safe in any thread and process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from magicfs.domain.models import DIGEST_CHARACTERS, ModelSpec
from magicfs.embedding import manifest as manifests
from magicfs.errors import ModelCorrupt, ModelError
from magicfs.linux.locks import take_lock, try_lock
from magicfs.models.catalog import precisions_of
from magicfs.models.model_folders import folder_name, is_folder_of, normalized_name, pulled_at

_PREPARING = ".building-"
_DISCARDED = ".discarded-"
_LOCK = ".lock"


class StoreFolders:
    """The folders in one directory, which the first lock creates."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def of_model(self, name: str, precision: str) -> tuple[Path, ...]:
        """The folders of the models of that name: the preferred precision first, then what was pulled last.

        Raises `ModelCorrupt` when the store cannot be read.
        """
        name = normalized_name(name)
        precisions = precisions_of(name, precision)
        try:
            entries = [Path(entry) for entry in os.scandir(self.directory)]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ModelCorrupt(f"{self.directory} cannot be read ({error.strerror}): change its permissions") from error
        entries.sort(key=pulled_at, reverse=True)
        return tuple(folder for each in precisions for folder in entries if is_folder_of(folder.name, name, each))

    @contextmanager
    def preparing(self) -> Iterator[Path]:
        """A new folder to prepare a model in. What is not put in place is removed."""
        folder = self.directory / f"{_PREPARING}{os.getpid()}"
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def put_in_place(self, prepared: Path, spec: ModelSpec) -> Path:
        """Rename a prepared folder to its final name, which is returned, after its files are on the disk."""
        folder = self._folder_for(spec)
        for path in prepared.rglob("*"):
            _fsync(path)
        # It is damaged, or equal. Processes that have the old files open keep them.
        self.discard(folder)
        prepared.rename(folder)
        _fsync(self.directory)
        return folder

    def _folder_for(self, spec: ModelSpec) -> Path:
        """The folder of a model: the one that has it already, under whatever name, or a new one."""
        for folder in self.of_model(spec.name, spec.precision):
            with suppress(ModelError):
                if manifests.read(folder).spec.is_model(spec):
                    return folder
        return self.directory / f"{folder_name(spec.name, spec.precision)}--{spec.digest[:DIGEST_CHARACTERS]}"

    def discard(self, folder: Path) -> None:
        """Remove a folder, in one step for everybody who looks for it."""
        if folder.exists():
            discarded = self.directory / f"{_DISCARDED}{os.getpid()}"
            folder.rename(discarded)
            shutil.rmtree(discarded, ignore_errors=True)

    @contextmanager
    def locked(self, report: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock that lets one pull at a time work here; what interrupted ones have left is removed first.

        Creates the directory. Raises `OSError`.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = try_lock(self.directory / _LOCK)
        if descriptor is None:
            report("waiting for another pull to end")
            descriptor = take_lock(self.directory / _LOCK)
        try:
            self._remove_unfinished()
            yield
        finally:
            os.close(descriptor)

    def _remove_unfinished(self) -> None:
        """Remove the folders of interrupted pulls. The caller holds the lock, so no pull is at work in them."""
        for prefix in (_PREPARING, _DISCARDED):
            for path in self.directory.glob(f"{prefix}*"):
                shutil.rmtree(path, ignore_errors=True)


def _fsync(path: Path) -> None:
    """Write a file or directory to the disk, so that it survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
