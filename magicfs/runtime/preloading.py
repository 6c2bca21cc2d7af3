"""`PreloadedModules`: the modules that supervisord imports for its parts, and whether they are those on the disk.

Used by `supervisord`, in a process with one thread.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterable
from contextlib import suppress

Version = tuple[int, int, int]
"""What changes when a file does: inode, time of the last change in nanoseconds, and size."""


class PreloadedModules:
    """The modules in memory, each with the version that its file had when it was imported."""

    def __init__(self, wanted: Iterable[str]) -> None:
        """`wanted` are names of modules."""
        self.have_begun = False
        """Whether the first of the wanted modules was imported."""
        self._wanted = list(wanted)
        self._versions: dict[str, Version] = {}

    @property
    def are_wanted(self) -> bool:
        """Whether there is something to import."""
        return bool(self._wanted)

    def load_all(self) -> None:
        """Import all that is not imported yet."""
        while self._wanted:
            self.load_next()

    def load_next(self) -> None:
        """Import the next of the wanted modules, if there is one."""
        if not self._wanted:
            return
        self.have_begun = True
        # Imports make no garbage, and looking for some takes a tenth of the time.
        gc.disable()
        self.load(self._wanted.pop(0))
        if not self._wanted:
            gc.collect()
            # Else the first collection of each fork would copy it all.
            gc.freeze()
            gc.enable()

    def load(self, name: str) -> None:
        """Import a module that parts have in common. One that cannot be imported is left to the part that needs it."""
        # Else numpy starts threads when it is imported. Parts that are executed get it too, and compute as forks do.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        # A part that needs it fails with a message in its own log.
        with suppress(Exception):
            importlib.import_module(name)
        paths = {path for module in list(sys.modules.values()) if (path := getattr(module, "__file__", None))}
        new = paths - self._versions.keys()
        self._versions.update({path: version for path in new if (version := _version(path)) is not None})

    def are_current(self) -> bool:
        """Whether the files of all modules in memory are as they were when they were imported."""
        return all(_version(path) == version for path, version in self._versions.items())


def _version(path: str) -> Version | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
