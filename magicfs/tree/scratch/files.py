"""Scratch files: what programs make beside the results of a query while they save one.

A scratch file lies in a private directory of the mount. It may stand for the new content of a result, whose real file
then gets it as a whole: when a program flushes it, or when the last program that writes to it has closed it. Handles
of a file that has become the real one so are handles of the real file from then on. Used by `scratch.directories`.
Blocking methods run in threads; `close` and what ends in `_nowait` never block.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import threading
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Protocol

from magicfs.domain.attributes import AttributeChange, Attributes
from magicfs.linux.files import status_and_birth
from magicfs.linux.opening import open_below
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import FileLocation, descriptor_path
from magicfs.tree.nodes import Handle, Node, ThreadPool, stale
from magicfs.tree.pending_saves import PendingSave, ResultPlace
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.handles import MAX_NOWAIT_CLOSE_BYTES
from magicfs.tree.saving import Version, version_of
from magicfs.tree.scratch.handles import ScratchHandle
from magicfs.tree.scratch.space import Space
from magicfs.tree.steps import Steps

_MODES = os.O_ACCMODE | os.O_SYNC | os.O_DSYNC


class Saver(Protocol):
    """Saves files as the results whose content they are to become. Safe in any thread."""

    def saving(self, file: ScratchFile) -> Generator[None]:
        """Save a file now, if it is to become the content of a result."""

    def preparing(self, file: ScratchFile) -> Generator[None]:
        """Prepare the save of a file, if it is to become the content of a result."""

    def finish(self, file: ScratchFile) -> None:
        """Save a file that the last program that writes has closed, however long that takes. Raises nothing."""


class ScratchFile(RealFile):
    """A regular file among the scratch files of a query."""

    def __init__(
        self,
        location: FileLocation,
        space: Space,
        *,
        descriptor: int,
        size: int = 0,
        copied: Version | None = None,
        saver: Saver,
        in_thread: Callable[[Callable[[], object]], object],
    ) -> None:
        """Stand for the new file at `location`, which is open as `descriptor`.

        It takes its size from `space`, beyond the `size` that is taken. `copied` is the version of the real file of
        which it was made as a copy. `in_thread` calls a function in a thread.
        """
        self._unique = secrets.token_bytes(8)
        super().__init__(location, identity=FileIdentity.of(*status_and_birth(descriptor)))
        self.content = threading.Lock()
        """Held while the content changes, and while it becomes that of a real file."""
        self.pending: PendingSave | None = None
        """The save of this as the content of a result, if it is to become that."""
        self.changes = 0
        """How often programs have changed the content or the times since the file was made."""
        self.finishing: threading.Event | None = None
        """Set when the result has been saved, or not, after the last program that writes has closed this file."""
        self._copied = copied
        self._saver = saver
        self._in_thread = in_thread
        self._space = space
        self._size = size
        self._is_gone = False
        """Whether it has no name any more, or is a real file now."""
        self._lock = threading.Lock()
        self._handles: list[ScratchHandle] = []
        self._saved_pool: ThreadPool | None = None

    def key_of(self, identity: FileIdentity) -> bytes:
        """The key: never that of a file of a root, even if the state directory lies in one."""
        del identity
        return b"s" + self._unique

    def is_same(self, other: Node) -> bool:
        """Whether `other` is this very file: the file system may use its number again."""
        return other is self

    @property
    def thread_pool(self) -> ThreadPool:
        """The pool of the file system that it lies on now."""
        return self._saved_pool or super().thread_pool

    @property
    def name(self) -> bytes:
        """Its name in the directory of the query."""
        return os.path.basename(self.location.path)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(os.fsdecode(self.location.absolute))

    def extended_attributes(self) -> Mapping[bytes, bytes]:
        """None: it is not in the index."""
        return {}

    def cached_attributes(self) -> None:
        """None: the disk is asked in a thread."""

    def open_nowait(self, flags: int) -> None:
        """None: it is opened in a thread."""
        del flags

    def access_nowait(self, mode: int) -> None:
        """None: the disk is asked in a thread."""
        del mode

    def open(self, flags: int) -> ScratchHandle:
        """Open it. Raises `ESTALE` if it has become a real file: the kernel looks the name up again. May block.

        It can be read while it is saved, since that may hang.
        """
        self._require_here()
        location = self.location
        descriptor = open_below(location.root, location.path, flags=flags & _MODES)
        try:
            self.verified_status(descriptor)
            if flags & os.O_TRUNC:
                with self.content:
                    self._require_here()
                    # A program may cut a file that it opens to read.
                    self._set_size(0, descriptor if flags & os.O_ACCMODE else descriptor_path(descriptor))
            return self.add_handle(descriptor, flags)
        except BaseException:
            os.close(descriptor)
            raise

    def add_handle(self, descriptor: int, flags: int) -> ScratchHandle:
        """A handle of an open descriptor of this file. Raises `ESTALE` if it has become a real one."""
        handle = ScratchHandle(self, descriptor, flags)
        with self._lock:
            if self._saved_pool is not None:
                raise stale()
            self._handles.append(handle)
        return handle

    def forget_handle(self, handle: ScratchHandle) -> None:
        """Close a handle. Never blocks."""
        with self._lock:
            if handle not in self._handles:
                return
            self._handles.remove(handle)
            is_last_writer = handle.writes and not any(other.writes for other in self._handles)
            is_complete = is_last_writer and self.pending is not None
            if is_complete and self.finishing is None:
                self.finishing = threading.Event()
            is_over = self._is_gone and not self._handles
        if is_complete:
            self._in_thread(self._finish)
        if is_over:
            self._space.give(self._size)
            self._size = 0
        if self._saved_pool is None and self._size <= MAX_NOWAIT_CLOSE_BYTES:
            handle.close_descriptor()
        else:
            self._in_thread(handle.close_descriptor)

    def _finish(self) -> None:
        """Save the file, and wake the threads that wait for the end of the save."""
        try:
            self._saver.finish(self)
        finally:
            with self._lock:
                finishing, self.finishing = self.finishing, None
            if finishing is not None:
                finishing.set()

    def saving(self) -> Steps[None] | None:
        """The steps that save the file; None if it does not become the content of a result. Never blocks."""
        return self._steps(self._saver.saving)

    def preparing(self) -> Steps[None] | None:
        """The steps that prepare the save; None if it does not become the content of a result. Never blocks."""
        return self._steps(self._saver.preparing)

    def _steps(self, work: Callable[[ScratchFile], Generator[None]]) -> Steps[None] | None:
        pending = self.pending
        return None if pending is None else Steps(pending.result.location.thread_pool, work(self))

    def has_writers(self, *, but: ScratchHandle | None = None) -> bool:
        """Whether a program has it open to write, by another handle than `but`. Never blocks."""
        with self._lock:
            return any(handle.writes and handle is not but for handle in self._handles)

    def is_empty(self) -> bool:
        """Whether it has no content. May block."""
        return self.path.lstat().st_size == 0

    def is_copy_of(self, result: ResultPlace) -> bool:
        """Whether it has what the real file of a result still has, and no program can change it. `content` is held."""
        if self._copied is None or self.changes or self.has_writers():
            return False
        try:
            return version_of(result.location.lstat()) == self._copied
        except OSError:
            return False

    def open_content(self) -> int:
        """A descriptor to read the content, whatever mode a program has set. May block."""
        try:
            return os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except PermissionError:
            self.path.chmod(stat.S_IMODE(self.path.lstat().st_mode) | stat.S_IRUSR)
            return os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def become_real(self, descriptor: int, pool: ThreadPool) -> None:
        """Let all handles be handles of the real file, which is open as `descriptor`. `content` is held."""
        with self._lock:
            self._saved_pool = pool
            # A handle that is closed meanwhile would leave its number to another file.
            for handle in self._handles:
                handle.become(descriptor)
        self.disappear()

    def disconnect(self) -> None:
        """Do not become the content of a result any more. May block."""
        with self._lock:
            pending, self.pending = self.pending, None
        if pending is not None:
            pending.drop()

    def disappear(self) -> None:
        """Record that it has no name any more. Handles stay open. May block."""
        self.disconnect()
        # What stays is found when the mount ends.
        with contextlib.suppress(OSError):
            self.path.unlink()
        with self._lock:
            self._is_gone = True
            is_over = not self._handles or self._saved_pool is not None
        if is_over:
            self._space.give(self._size)
            self._size = 0
        self._space.give_file()

    def grow(self, size: int) -> None:
        """Take the space for a size, if it is larger than before. Raises `ENOSPC`. `content` is held."""
        if size > self._size and self._saved_pool is None:
            self._space.take(size - self._size)
            self._size = size

    def set_attributes(self, change: AttributeChange, handle: Handle | None) -> None:
        """Change size, mode, owner and times. May block."""
        if handle is None:
            self._require_here()
        if change.atime_ns is not None or change.mtime_ns is not None:
            self.changes += 1
        super().set_attributes(change, handle)

    def attributes(self) -> Attributes:
        """The attributes of the file. Raises `ESTALE` if it has no name any more. May block."""
        self._require_here()
        return super().attributes()

    def _resize(self, size: int, handle: Handle | None) -> None:
        with self.content:
            if handle is not None and handle.descriptor >= 0:
                self._set_size(size, handle.descriptor)
                return
            descriptor = open_below(self.location.root, self.location.path, flags=os.O_WRONLY)
            try:
                self._set_size(size, descriptor)
            finally:
                os.close(descriptor)

    def _set_size(self, size: int, file: int | str) -> None:
        self.grow(size)
        os.truncate(file, size)
        self.changes += 1
        if size < self._size and self._saved_pool is None:
            self._space.give(self._size - size)
            self._size = size

    def _require_here(self) -> None:
        if self._is_gone:
            raise stale()
