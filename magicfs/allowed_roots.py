"""`AllowedRoots`: the directories that somebody has added as roots on this machine, in a file of the state directory.

The index of a cluster says which roots a host has, and other hosts write to the index. So one of them could name any
directory of this machine as a root, and read it. A host of a cluster therefore reads no root that was not added on it:
its agent, its extract workers, and what serves its files to others ask here. Without the file, on a machine that is in
no cluster or in one with servers of its own, every root is allowed. Any thread and process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from magicfs.errors import ConfigError
from magicfs.linux.locks import take_lock

FILE_NAME = "roots.json"

NOT_ADDED = "it was not added on this machine: run 'magicfs roots add DIR' there"
"""Why a root is not read."""


class AllowedRoots:
    """The roots that this machine lets be read. The file is read again when it has changed."""

    def __init__(self, home: Path) -> None:
        """`home` is the state directory."""
        self._path = home / FILE_NAME
        self._lock = home / "run" / "roots.lock"
        self._version: tuple[int, int, int] | None = None
        self._paths: frozenset[bytes] | None = None

    def allows(self, path: bytes) -> bool:
        """Whether the root at an absolute path may be read. Raises `ConfigError` when the file cannot be read."""
        paths = self._read()
        return paths is None or path in paths

    @property
    def is_limited(self) -> bool:
        """Whether this machine allows certain roots only."""
        return self._read() is not None

    def limit(self, paths: Iterable[bytes]) -> None:
        """Allow these roots only from now on, unless certain ones are allowed already."""
        with self._changing() as present:
            if present is None:
                self._write(frozenset(paths))

    def add(self, path: bytes) -> None:
        """Allow a root, which somebody adds on this machine."""
        if self.is_limited:
            with self._changing() as present:
                self._write((present or frozenset()) | {path})

    def remove(self, path: bytes) -> None:
        """Allow a root no more."""
        if self.is_limited:
            with self._changing() as present:
                self._write((present or frozenset()) - {path})

    @contextmanager
    def _changing(self) -> Iterator[frozenset[bytes] | None]:
        descriptor = take_lock(self._lock)
        try:
            yield self._read()
        finally:
            os.close(descriptor)

    def _read(self) -> frozenset[bytes] | None:
        try:
            status = os.stat(self._path)
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            if version != self._version:
                words = json.loads(self._path.read_text(encoding="utf-8"))
                self._paths, self._version = frozenset(os.fsencode(word) for word in words), version
        except FileNotFoundError:
            self._paths = self._version = None
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"{self._path} cannot be read ({error}): restore it, or add the roots anew") from error
        return self._paths

    def _write(self, paths: Collection[bytes]) -> None:
        draft = self._path.with_name(f"{FILE_NAME}.new")
        words = [os.fsdecode(path) for path in sorted(paths)]
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            # Escapes stand for the bytes of a path that are no text.
            json.dump(words, file, ensure_ascii=True)
        draft.replace(self._path)
