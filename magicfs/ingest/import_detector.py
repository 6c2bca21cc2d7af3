"""Tells an import from what a person saves: the files of an import must not delay those that somebody waits for.

Used by the scanner for the files that events name. Pure policy, without disk and database. Threads may share a
detector.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from magicfs.domain.files import SeenFile
from magicfs.domain.ids import RootId
from magicfs.ingest.paths import parent_directory
from magicfs.ingest.recent_counter import RecentCounter

IMPORT_WINDOW_SECONDS = 10.0
IMPORT_FILES = 50
IMPORT_FILES_PER_DIRECTORY = 10
"""Events for more than `IMPORT_FILES` files of a root within the window are an import. During an import, files get the
usual priority in a directory with more than `IMPORT_FILES_PER_DIRECTORY` of these events, and in a new directory."""


class ImportDetector:
    """The files that events have named within the window, by root, and by root and directory."""

    def __init__(self) -> None:
        self._saved = RecentCounter(window_s=IMPORT_WINDOW_SECONDS)
        self._paths = RecentCounter(window_s=IMPORT_WINDOW_SECONDS)

    def is_import(self, root: RootId, files: int) -> bool:
        """Count `files` that events have named, and return whether there are more lately than a person saves."""
        self._saved.add(root, files)
        return self._saved.count(root) > IMPORT_FILES

    def split(self, root: RootId, seen: Sequence[SeenFile]) -> tuple[list[SeenFile], list[SeenFile]]:
        """Count files that events have named. Returns those that a person saved, and those of an import.

        A file that changes all the time counts once within the window: some logs are no import.
        """
        new = [file.path for file in seen if not self._paths.count((root, file.path))]
        for path in new:
            self._paths.add((root, path), 1)
        for directory, count in Counter(map(parent_directory, new)).items():
            self._saved.add((root, directory), count)
        if not self.is_import(root, len(new)):
            return list(seen), []
        imported = {
            directory
            for directory in {parent_directory(file.path) for file in seen}
            if self._saved.count((root, directory)) > IMPORT_FILES_PER_DIRECTORY
        }
        saved = [file for file in seen if parent_directory(file.path) not in imported]
        return saved, [file for file in seen if parent_directory(file.path) in imported]
