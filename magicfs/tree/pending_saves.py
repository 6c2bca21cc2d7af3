"""The pending save of a result: a new file beside its real file, which has the content that a program has saved.

A scratch file has one as long as it is to become the content of a result; `scratch.directories` decides when. Whoever
prepares or replaces holds the `content` of the scratch file, and generators stop between two steps of that, so that
they can be given up there. `drop` is safe in any thread at any time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from magicfs.tree.locations import FileLocation
from magicfs.tree.saving import Replacement

MAX_PREPARATIONS = 16
"""A file that programs have closed more often, and write on, is not prepared each time."""


@dataclass(frozen=True, slots=True)
class ResultPlace:
    """A result that can be saved."""

    name: bytes
    """Its name in the directory of the query."""
    location: FileLocation
    """Its real file."""


class SavedFile(Protocol):
    """The file whose content is saved."""

    changes: int
    """How often it has changed."""

    def open_content(self) -> int:
        """A descriptor to read the content. May block."""


class PendingSave:
    """The save of a file as a result that is still to come. At most one new file lies beside the real one."""

    def __init__(self, result: ResultPlace, *, records: Path) -> None:
        """`records` is that of `Replacement`."""
        self.result = result
        self._records = records
        self._lock = threading.Lock()
        self._prepared: tuple[Replacement, int] | None = None
        """The new file, and the changes of the saved one that it has."""
        self._preparations = 0
        self._is_dropped = False

    def preparing(self, file: SavedFile) -> Generator[None]:
        """Write the content beside the real file, as `replacing` does, for a save that may come soon.

        The program that closes the file learns so what fails. Raises `OSError`.
        """
        if self._preparations >= MAX_PREPARATIONS:
            return
        self._preparations += 1
        changes = file.changes
        replacement = yield from self.replacing(file)
        with self._lock:
            if not self._is_dropped:
                self._prepared = replacement, changes
                return
        replacement.close()

    def replacing(self, file: SavedFile) -> Generator[None, None, Replacement]:
        """The new file with the content, which the caller commits and closes. Raises `OSError`.

        It is the prepared one if neither the content nor the real file has changed since, or is written now.
        """
        prepared = self._take()
        if prepared is not None:
            replacement, changes = prepared
            if changes == file.changes and replacement.is_current():
                return replacement
            replacement.close()
        replacement = Replacement(self.result.location, records=self._records)
        source = file.open_content()
        try:
            yield from replacement.prepare(source)
        except BaseException:
            replacement.close()
            raise
        finally:
            os.close(source)
        return replacement

    def drop(self) -> None:
        """Remove what is prepared: the file is not to be saved any more, or it is. May block."""
        with self._lock:
            self._is_dropped = True
        prepared = self._take()
        if prepared is not None:
            prepared[0].close()

    def _take(self) -> tuple[Replacement, int] | None:
        with self._lock:
            prepared, self._prepared = self._prepared, None
        return prepared
