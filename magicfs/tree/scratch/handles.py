"""Open scratch files: a handle is one of the real file from the moment on that the scratch file has become that.

Used by `scratch.files`, which closes them, and by the FUSE adapter. `close` and what ends in `_nowait` never block.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from magicfs.tree.real.handles import RealHandle
from magicfs.tree.steps import Steps

if TYPE_CHECKING:
    from magicfs.tree.scratch.files import ScratchFile


class ScratchHandle(RealHandle):
    """An open scratch file, or the real file that it has become."""

    def __init__(self, file: ScratchFile, descriptor: int, flags: int) -> None:
        """Take over the descriptor; `flags` are those of the program."""
        super().__init__(descriptor, flags=flags, is_local_fs=False)
        self._file = file
        self._appends = bool(flags & os.O_APPEND)

    def write(self, offset: int, data: bytes) -> int:
        """Write all of `data`, at the end for a program that appends. Raises `ENOSPC` above the limit. May block."""
        with self._file.content:
            if self._appends:
                offset = os.fstat(self.descriptor).st_size
            self._file.grow(offset + len(data))
            self._file.changes += 1
            return super().write(offset, data)

    @property
    def needs_flush(self) -> bool:
        """Whether the file may be saved when the handle is closed."""
        return self.writes

    def saving(self) -> Steps[None] | None:
        """What saves the file, if it is to become the content of a result. Never blocks."""
        return self._file.saving()

    def closing(self) -> Steps[None] | None:
        """What prepares the save, if `saving` has something to save and nobody else writes. Never blocks."""
        return self._file.preparing() if self.writes and not self._file.has_writers(but=self) else None

    def become(self, descriptor: int) -> None:
        """Be a handle of another open file, which is open to read and to write, from now on."""
        os.dup2(descriptor, self.descriptor, inheritable=False)

    def can_close_nowait(self) -> bool:
        """True: what may block is left to a thread."""
        return True

    def close(self) -> None:
        """Close the file. The last one that writes to the content of a result has that saved in a thread."""
        self._file.forget_handle(self)

    def close_descriptor(self) -> None:
        """Close the descriptor. May block."""
        super().close()
