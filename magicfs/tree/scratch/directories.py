"""What lies beside the results of one query, and how it becomes the content of a real file.

Used by the directories of `search/`; `scratch.names` has the names. Whoever saves a file holds `changing` and then its
`content` too. Both are held while that blocks, so that nothing on the event loop waits for them.
"""

from __future__ import annotations

import logging
import math
import os
import stat
from collections.abc import Generator

from magicfs.tree.names import MAX_NAME_BYTES, numbered
from magicfs.tree.nodes import refused
from magicfs.tree.pending_saves import PendingSave, ResultPlace
from magicfs.tree.saving import copying, version_of
from magicfs.tree.scratch.files import ScratchFile
from magicfs.tree.scratch.handles import ScratchHandle
from magicfs.tree.scratch.names import CREATE, ScratchNames
from magicfs.tree.steps import WAIT_SECONDS, Steps, acquiring

log = logging.getLogger(__name__)

UNSAVED_SUFFIX = b".unsaved"
"""The end of the name that a scratch file gets whose content could not become that of its result."""


class ScratchDirectory(ScratchNames):
    """The scratch files of one query."""

    def create_content(self, result: ResultPlace, *, mode: int, flags: int) -> tuple[ScratchFile, ScratchHandle]:
        """Create the new content of a result and open it. `changing` is held. May block."""
        file, handle = self.create(result.name, mode=mode, flags=flags)
        self._connect(file, result)
        return file, handle

    def copying(self, result: ResultPlace, source: int, new_name: bytes) -> Generator[None]:
        """Copy a result, which is open as `source`, to a new file of that name. `changing` is held.

        The result has moved there then; before that, nothing has changed.
        """
        status = os.fstat(source)
        space = self._place.space
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._place.drafts / f"{id(self):x}-{next(self._numbers)}"
        space.take_file()
        try:
            descriptor = os.open(draft, CREATE, 0o600)
        except BaseException:
            space.give_file()
            raise
        taken = 0
        try:
            space.take(status.st_size)
            taken = status.st_size
            yield from copying(source, descriptor)
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o777)
            os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
            self.remove(new_name)
            os.rename(draft, self._path / os.fsdecode(new_name))
        except BaseException:
            draft.unlink(missing_ok=True)
            space.give(taken)
            space.give_file()
            os.close(descriptor)
            raise
        copied = version_of(status) if version_of(os.fstat(source)) == version_of(status) else None
        file = self._file(new_name, descriptor, size=taken, copied=copied)
        os.close(descriptor)
        with self._lock:
            self._moved[result.name] = file
        self._put(new_name, file)

    def saving_as(self, name: bytes, result: ResultPlace) -> Generator[None]:
        """Save a scratch file as a result. Its name is gone then, and its handles are those of the real file.

        An empty file to which a program has still to write is saved when that has closed or flushed it. A copy of the
        real file is removed if neither has changed and no program can write to it: the real file was never gone.
        `changing` is held.
        """
        file = self.find(name)
        if not isinstance(file, ScratchFile):
            raise refused(name)
        yield from acquiring(file.content)
        try:
            if file.is_copy_of(result):
                self.remove(result.name)
                self.remove(name)
            elif file.has_writers() and file.is_empty():
                self._disconnect(result)
                if name != result.name:
                    self.rename(name, result.name)
                self._connect(file, result)
            else:
                pending = file.pending
                if pending is None or pending.result != result:
                    pending = self._pending(result)
                yield from self._saving(file, pending, ends=True)
        finally:
            file.content.release()

    def preparing(self, file: ScratchFile) -> Generator[None]:
        """Prepare to save a file, if it is to become the content of a result.

        The program that closes it may have a copy of its handle, or may have given one to another program.
        """
        yield from self._alone_with(file, seconds=WAIT_SECONDS)
        try:
            pending = file.pending
            if pending is not None:
                yield from pending.preparing(file)
        finally:
            self._leave(file)

    def saving(self, file: ScratchFile) -> Generator[None]:
        """Save a file now, if it is to become the content of a result."""
        yield from self._alone_with(file, seconds=WAIT_SECONDS)
        try:
            yield from self._saving_pending(file)
        finally:
            self._leave(file)

    def _finishing(self, file: ScratchFile) -> Generator[None]:
        """Save a file if no program writes to it any more. Nobody waits for this."""
        yield from self._alone_with(file, seconds=math.inf)
        try:
            if not file.has_writers():
                yield from self._saving_pending(file)
        finally:
            self._leave(file)

    def _saving_pending(self, file: ScratchFile) -> Generator[None]:
        pending = file.pending
        if pending is not None:
            yield from self._saving(file, pending, ends=file.name == pending.result.name)

    def _alone_with(self, file: ScratchFile, *, seconds: float) -> Generator[None]:
        """Hold `changing` and the `content` of a file, until `_leave`."""
        yield from acquiring(self.changing, seconds=seconds)
        try:
            yield from acquiring(file.content, seconds=seconds)
        except BaseException:
            self.changing.release()
            raise

    def _leave(self, file: ScratchFile) -> None:
        file.content.release()
        self.changing.release()

    def _saving(self, file: ScratchFile, pending: PendingSave, *, ends: bool) -> Generator[None]:
        """Save a file, which `ends` then: it has become the real one. Otherwise it is a copy."""
        result = pending.result
        replacement = yield from pending.replacing(file)
        try:
            yield
            replacement.commit()
            self._disconnect(result)
            file.disconnect()
            if ends:
                self._end(file.name, file, result)
                file.become_real(replacement.descriptor, result.location.thread_pool)
            replacement.flush_name()
        finally:
            replacement.close()

    def _end(self, name: bytes, file: ScratchFile, result: ResultPlace) -> None:
        """Forget a file that has become a real one, and all that was in its place."""
        if self.find(name) is file:
            self._take(name)
        if name != result.name:
            self.remove(result.name)
        with self._lock:
            self._moved.pop(result.name, None)
            self._note_use()

    def _connect(self, file: ScratchFile, result: ResultPlace) -> None:
        """Let a file be what is to become the content of a result; nothing else is that any more."""
        self._disconnect(result)
        file.disconnect()
        file.pending = self._pending(result)

    def _pending(self, result: ResultPlace) -> PendingSave:
        return PendingSave(result, records=self._place.records)

    def _disconnect(self, result: ResultPlace) -> None:
        with self._lock:
            entries = list(self._entries.values())
        for entry in entries:
            pending = entry.pending if isinstance(entry, ScratchFile) else None
            if isinstance(entry, ScratchFile) and pending is not None and pending.result.location == result.location:
                entry.disconnect()

    def finish(self, file: ScratchFile) -> None:
        """Save a file that the last program that writes has closed. What cannot be saved is kept."""
        try:
            Steps(None, self._finishing(file)).finish()
        except OSError as error:
            self._set_aside(file, error)

    def _set_aside(self, file: ScratchFile, error: OSError) -> None:
        """Keep a file that cannot be saved, under another name, and let the result come back."""
        with self.changed(seconds=-1):
            pending = file.pending
            file.disconnect()
            if pending is None:
                return
            result, kept = pending.result, file.name
            if self.find(result.name) is file:
                wanted = result.name[: MAX_NAME_BYTES - len(UNSAVED_SUFFIX)] + UNSAVED_SUFFIX
                kept = next(name for name in numbered(wanted) if self.find(name) is None)
                self.rename(result.name, kept)
            with self._lock:
                self._moved.pop(result.name, None)
        target, path = os.fsdecode(result.location.absolute), os.fsdecode(kept)
        log.warning("could not save %r: %s. What was written is beside it, as %r", target, error.strerror, path)
