"""The directory of a query as a place to save in: the results, and the scratch files that programs make meanwhile.

Used by `tree.Tree` for `search/`. A result is replaced by a scratch file that is renamed onto it, or by one that is
created in its place after it was renamed away. Results are not removed. Methods that may block run in the thread pool
of the index, changes of a result in that of its file system.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

from magicfs.domain.results import Hit
from magicfs.tree.locations import FileLocation
from magicfs.tree.nodes import (
    RENAME_NOREPLACE,
    Caller,
    Directory,
    Entry,
    Handle,
    InMemoryListing,
    Node,
    ThreadPool,
    not_found,
)
from magicfs.tree.real_files import RealFile
from magicfs.tree.scratch import ScratchDirectories
from magicfs.tree.searches import QueryDirectory


class EditableQueryDirectory(QueryDirectory):
    """The results of one query, which programs save as they save files anywhere, with their scratch files."""

    def __init__(self, scratch: ScratchDirectories, query: bytes, *arguments: Any, **named: Any) -> None:
        """The directory of a query that `QueryDirectory` makes of the other arguments, with its scratch files."""
        super().__init__(query, *arguments, **named)
        self._scratch = scratch.of_query(query)

    def lookup_cached(self, name: bytes) -> Entry | None:
        """What `QueryDirectory` returns; None for a scratch file too."""
        if name in self._scratch:
            return None
        if self._scratch.has_moved(name):
            raise not_found(name)
        return super().lookup_cached(name)

    def lookup(self, name: bytes) -> Entry:
        """The entry of a scratch file or of a result. May block."""
        if name in self._scratch:
            # A file in place of a result may have become the result meanwhile.
            with contextlib.suppress(FileNotFoundError):
                return self._scratch.entry(name)
        if self._scratch.has_moved(name):
            raise not_found(name)
        return super().lookup(name)

    def list(self) -> InMemoryListing:
        """The results, and then the scratch files. May block."""
        results = [entry for _, entry in super().list().batch(0, sys.maxsize)]
        shown = [
            entry for entry in results if not self._scratch.has_moved(entry.name) and entry.name not in self._scratch
        ]
        return InMemoryListing([*shown, *self._scratch.entries()])

    def access(self, mode: int) -> bool:
        """True: files can be made here."""
        del mode
        return True

    def change_pool(self, *names: bytes) -> ThreadPool:
        """The pool of the file system of a result among the names: its file may be large, or its disk slow."""
        for name in names:
            hit = self._names.get(self._query, name)
            if hit is not None:
                return FileLocation(host=hit.host, root=hit.root_path, path=hit.path).thread_pool
        return self.thread_pool

    def create_file(self, name: bytes, *, mode: int, flags: int, caller: Caller) -> tuple[Entry, Handle]:
        """Create a scratch file, or the new content of a result that was renamed away. May block."""
        hit = self._changeable(name)
        if hit is None or name in self._scratch:
            return self._scratch.create(name, mode=mode, flags=flags, caller=caller)
        if not self._scratch.has_moved(name):
            # The kernel does not know the result yet.
            number = errno.EEXIST if flags & os.O_EXCL else errno.ESTALE
            raise OSError(number, os.strerror(number), name)
        return self._scratch.create_in_place(name, self._file(hit).location, flags=flags, caller=caller)

    def make_link(self, name: bytes, target: bytes, *, caller: Caller) -> Entry:
        """Make a symbolic link among the scratch files. May block."""
        if self._changeable(name) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        return self._scratch.link(name, target, caller=caller)

    def remove(self, name: bytes, *, is_directory: bool) -> None:
        """Remove a scratch file; a result cannot be removed. May block."""
        if is_directory or name not in self._scratch:
            raise refused(name)
        self._scratch.settle(name, is_saved=False)
        self._scratch.remove(name)

    def rename(self, name: bytes, target: Directory, new_name: bytes, *, flags: int) -> Sequence[Node]:
        """Rename a scratch file, save it as a result, or free the name of a result. May block."""
        if not isinstance(target, EditableQueryDirectory) or target.key != self.key:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        self._scratch.settle(name, is_saved=True)
        self._scratch.settle(new_name, is_saved=False)
        hit, replaced = self._present(name), self._present(new_name)
        if flags & RENAME_NOREPLACE and (replaced is not None or new_name in self._scratch):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
        if flags & ~RENAME_NOREPLACE:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if name in self._scratch:
            result = replaced or self._changeable(new_name)
            if result is None or new_name in self._scratch:
                self._scratch.rename(name, new_name)
            else:
                self._scratch.save(name, self._file(result).location, new_name)
        elif hit is not None and self._changeable(new_name) is None:
            content = self._file(hit).open(os.O_RDONLY)
            with contextlib.closing(content):
                self._scratch.move_away(name, content, new_name)
        else:
            raise refused(name) if hit is not None else not_found(name)
        return []

    def _present(self, name: bytes) -> Hit | None:
        """The result of that name unless it was renamed away."""
        return None if name in self._scratch or self._scratch.has_moved(name) else self._hit(name)

    def _changeable(self, name: bytes) -> Hit | None:
        """The result of that name, even if it was renamed away. Raises `EPERM` for a generated file."""
        if name in self._generated_files or self._context_file(name) is not None:
            raise refused(name)
        return self._hit(name)

    def _file(self, hit: Hit) -> RealFile:
        """The real file of a result. Raises `EHOSTUNREACH` for one of another host."""
        node = self._view.found(b"", hit).node
        if not isinstance(node, RealFile) or not node.is_local:
            raise OSError(errno.EHOSTUNREACH, f"the file is on {hit.host}")
        return node


def refused(name: bytes) -> OSError:
    """The error for what must not happen to a result or a generated file."""
    return OSError(errno.EPERM, os.strerror(errno.EPERM), name)
