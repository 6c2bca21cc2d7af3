"""`AllowedRoots`: the directories that somebody has added as roots on this machine, in a file of the state directory.

The index of a cluster says which roots a host has, and other hosts write to the index. So one of them could name any
directory of this machine as a root, and read it. A host of a cluster therefore reads no root that was not added on it:
its agent, its extract workers, and what serves its files to others ask here. Without the file, on a machine that is in
no cluster or in one with servers of its own, every root is allowed. Any thread and process.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from magicfs.state_directory.state_file import StateFile

FILE_NAME = "roots.json"

NOT_ADDED = "it was not added on this machine: run 'magicfs roots add DIR' there"
"""Why a root is not read."""


class AllowedRoots:
    """The roots that this machine lets be read. The file is read again when it has changed."""

    def __init__(self, home: Path) -> None:
        """`home` is the state directory."""
        self._file: StateFile[frozenset[bytes]] = StateFile(
            home,
            FILE_NAME,
            parse=lambda words: frozenset(os.fsencode(word) for word in words),
            advice="restore it, or add the roots anew",
        )

    def allows(self, path: bytes) -> bool:
        """Whether the root at an absolute path may be read. Raises `ConfigError` when the file cannot be read."""
        paths = self._file.read()
        return paths is None or path in paths

    @property
    def is_limited(self) -> bool:
        """Whether this machine allows certain roots only."""
        return self._file.read() is not None

    def limit(self, paths: Iterable[bytes]) -> None:
        """Allow these roots only from now on, unless certain ones are allowed already."""
        with self._file.changing() as present:
            if present is None:
                self._write(frozenset(paths))

    def add(self, path: bytes) -> None:
        """Allow a root, which somebody adds on this machine."""
        if self.is_limited:
            with self._file.changing() as present:
                self._write((present or frozenset()) | {path})

    def remove(self, path: bytes) -> None:
        """Allow a root no more."""
        if self.is_limited:
            with self._file.changing() as present:
                self._write((present or frozenset()) - {path})

    def _write(self, paths: Collection[bytes]) -> None:
        self._file.write([os.fsdecode(path) for path in sorted(paths)])
