"""The directory of a query as a place to save in: the results, and beside them what programs make while they save one.

Used by `tree.Tree` for `search/`. A name is that of a result, of a scratch file or of nothing; docs/adr/0028 says what
each change of it does. Here is decided what happens; `scratch.directories` does it. Methods that may block run in the
pool of the state directory, and what waits for a real file in that of its file system.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from magicfs.domain.results import Hit
from magicfs.tree.directories import RENAME_NOREPLACE, Caller, Directory, Entry, InMemoryListing
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.names import MAX_NAME_BYTES, is_result_name
from magicfs.tree.nodes import Handle, Node, ThreadPool, not_found, read_only, refused, stale
from magicfs.tree.pending_saves import ResultPlace
from magicfs.tree.real.files import RealFile
from magicfs.tree.results.searches import QueryDirectory, QuerySources
from magicfs.tree.scratch.directories import ScratchDirectory
from magicfs.tree.scratch.files import ScratchFile
from magicfs.tree.scratch.handles import ScratchHandle
from magicfs.tree.scratch.names import entry_of
from magicfs.tree.scratch.scratch import Scratch
from magicfs.tree.steps import WAIT_SECONDS, Steps, acquiring, timed_out, waiting


@dataclass(frozen=True, slots=True)
class GivenListing(InMemoryListing):
    """The entries of such a directory. The names of results are given as they are read."""

    scratch: ScratchDirectory

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """The slice of the entries."""
        return [
            (position, self.scratch.kernel_names.listed(entry) if isinstance(entry.node, FileNode) else entry)
            for position, entry in InMemoryListing.batch(self, start, count)
        ]


class EditableQueryDirectory(QueryDirectory):
    """The results of one query, which programs save as they save files anywhere, with their scratch files."""

    def __init__(self, scratch: Scratch, query: bytes, sources: QuerySources) -> None:
        super().__init__(query, sources)
        self._scratch = scratch.of_query(query)

    def lookup_cached(self, name: bytes) -> Entry | None:
        """The entry of a scratch file, or what `QueryDirectory` returns."""
        entry = self._scratch.find(name)
        if entry is not None:
            return entry_of(name, entry) if self._scratch.finishing(name) is None else None
        if self._scratch.has_moved(name):
            raise not_found(name)
        result = super().lookup_cached(name)
        return result if result is None or self.is_generated(name) else self._scratch.kernel_names.looked_up(result)

    def lookup_pool(self, name: bytes) -> ThreadPool | None:
        """The pool of the real file that is being saved, or that of the index."""
        return self._pool_of(name) if self._scratch.find(name) is not None else self.thread_pool

    def lookup(self, name: bytes) -> Entry:
        """The entry of that name, after what is being saved there. May block."""
        while (entry := self._scratch.find(name)) is not None:
            finishing = self._scratch.finishing(name)
            if finishing is None:
                return entry_of(name, entry)
            if not finishing.wait(WAIT_SECONDS):
                raise timed_out()
        if self._scratch.has_moved(name):
            raise not_found(name)
        return self._scratch.kernel_names.looked_up(super().lookup(name))

    def list(self) -> InMemoryListing:
        """The results, but for those that were renamed away, and then the scratch files. May block."""
        results = super().list().entries
        scratch = self._scratch.entries()
        hidden = {entry.name for entry in scratch}
        shown = [entry for entry in results if entry.name not in hidden and not self._scratch.has_moved(entry.name)]
        return GivenListing([*shown, *scratch], self._scratch)

    def access(self, mode: int) -> bool:
        """True: files can be made here."""
        del mode
        return True

    def change_pool(self, *names: bytes) -> ThreadPool:
        """The pool of a result among the names, or that of the state directory."""
        results = (self._pool_of(name) for name in names if self._known(name) is not None)
        return next(results, self._scratch.thread_pool)

    def create_file(self, name: bytes, *, mode: int, flags: int, caller: Caller) -> tuple[Entry, Handle]:
        """Create a scratch file, or the new content of a result that was renamed away. May block.

        Raises `ESTALE` for a name that only a result can have, if it is not known or its file is gone.
        """
        del caller
        with self._scratch.changed():
            if self._scratch.find(name) is not None:
                raise _exists(name, flags)
            hit = self._known(name)
            if hit is not None and not self._scratch.has_moved(name):
                raise _exists(name, flags)
            if hit is not None:
                file, handle = self._scratch.create_content(self._place(name, hit), mode=mode, flags=flags)
            else:
                self._require_free(name)
                file, handle = self._scratch.create(name, mode=mode, flags=flags)
        return entry_of(name, file)._replace(attributes=handle.last_attributes), handle

    def undo_create(self, entry: Entry, handle: Handle) -> None:
        """Remove what `create_file` has made too late for the program. May block."""
        if isinstance(entry.node, ScratchFile) and isinstance(handle, ScratchHandle):
            self._scratch.undo_create(entry.node, handle)

    def make_link(self, name: bytes, target: bytes, *, caller: Caller) -> Entry:
        """Make a symbolic link among the scratch files. May block."""
        del caller
        with self._scratch.changed():
            if self._scratch.find(name) is not None or self._known(name) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
            self._require_free(name)
            return entry_of(name, self._scratch.link(name, target))

    def add_name(self, name: bytes, node: Node) -> Entry:
        """Raise `EPERM`: there are no hard links here."""
        del node
        raise refused(name)

    def removal_steps(self, name: bytes, *, is_directory: bool) -> Steps[None]:
        """Remove a scratch file. The steps raise `EPERM` for a result."""
        return Steps(self.change_pool(name), self._removing(name, is_directory=is_directory))

    def _removing(self, name: bytes, *, is_directory: bool) -> Generator[None]:
        yield from self._settling(name)
        yield from acquiring(self._scratch.changing)
        try:
            if self._scratch.find(name) is None:
                raise not_found(name) if self._scratch.has_moved(name) else refused(name)
            if is_directory:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
            self._scratch.remove(name)
        finally:
            self._scratch.changing.release()

    def rename_steps(self, name: bytes, target: Directory, new_name: bytes, *, flags: int) -> Steps[Sequence[Node]]:
        """Rename a scratch file, save it as a result, or copy a result and free its name."""
        return Steps(self.change_pool(new_name, name), self._renaming(name, target, new_name, flags))

    def _renaming(
        self, name: bytes, target: Directory, new_name: bytes, flags: int
    ) -> Generator[None, None, Sequence[Node]]:
        if not isinstance(target, EditableQueryDirectory) or target.key != self.key:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        if flags & ~RENAME_NOREPLACE:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        yield from self._settling(name)
        yield from self._settling(new_name)
        yield from acquiring(self._scratch.changing)
        try:
            if flags & RENAME_NOREPLACE and self._is_there(new_name):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
            result = self._known(new_name)
            if result is None:
                self._require_free(new_name)
            if self._scratch.find(name) is None:
                yield from self._moving_result(name, new_name, is_free=result is None)
            elif result is None:
                self._scratch.rename(name, new_name)
            else:
                yield from self._scratch.saving_as(name, self._place(new_name, result))
        finally:
            self._scratch.changing.release()
        return []

    def _moving_result(self, name: bytes, new_name: bytes, *, is_free: bool) -> Generator[None]:
        """Copy a result to a scratch file, and free its name. It cannot replace another result."""
        hit = self._known(name)
        if hit is None or self._scratch.has_moved(name):
            raise not_found(name)
        if not is_free:
            raise refused(name)
        file = self._file(hit)
        yield from self._scratch.kernel_names.expiring(name)
        content = file.open(os.O_RDONLY)
        try:
            yield from self._scratch.copying(self._place(name, hit), content.descriptor, new_name)
        finally:
            content.close()

    def _settling(self, name: bytes) -> Generator[None]:
        """Wait until what the last program has closed is saved."""
        while (finishing := self._scratch.finishing(name)) is not None:
            yield from waiting(finishing)

    def _is_there(self, name: bytes) -> bool:
        if self._scratch.find(name) is not None:
            return True
        return self._known(name) is not None and not self._scratch.has_moved(name)

    def _known(self, name: bytes) -> Hit | None:
        """The result of that name, even if it was renamed away, as far as the mount knows. Never blocks."""
        return self._names.get(self._query, name)

    def _require_free(self, name: bytes) -> None:
        """Raise an error for a name that no scratch file can have.

        That is `EPERM` for a generated file, and `ESTALE` for the name of a result that is not known: what is saved
        under it must not end up where nobody looks for it. The names that programs make of a known one are free.
        """
        if len(name) > MAX_NAME_BYTES:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), name)
        if self.is_generated(name):
            raise refused(name)
        if is_result_name(name) and not self._names.is_derived(self._query, name):
            raise stale(name)

    def _place(self, name: bytes, hit: Hit) -> ResultPlace:
        return ResultPlace(name, self._file(hit).location)

    def _pool_of(self, name: bytes) -> ThreadPool:
        hit = self._known(name)
        node = None if hit is None else self._view.found(name, hit).node
        return node.thread_pool if isinstance(node, RealFile) else self._scratch.thread_pool

    def _file(self, hit: Hit) -> RealFile:
        """The real file of a result. Raises `EROFS` for one of another host: nothing is saved there."""
        node = self._view.found(b"", hit).node
        if not isinstance(node, RealFile):
            raise read_only()
        return node


def _exists(name: bytes, flags: int) -> OSError:
    """The error for a name that exists: without `O_EXCL` the kernel looks it up again."""
    number = errno.EEXIST if flags & os.O_EXCL else errno.ESTALE
    return OSError(number, os.strerror(number), name)
