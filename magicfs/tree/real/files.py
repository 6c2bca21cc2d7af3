"""Regular files of the roots of this host: the results of searches, the files of the mirror, and the files that failed.

Used by the directories of this package and by the FUSE adapter. Files are opened below their root without following
links. Methods that end in `_nowait` do what the kernel can do from memory, on the event loop of the mount: a round trip
to a thread takes longer than the call itself. All others may block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from magicfs.domain.attributes import AttributeChange, Attributes
from magicfs.domain.files import FailedFile
from magicfs.domain.results import Hit
from magicfs.linux.opening import is_on_local_file_system
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import FileLocation, descriptor_path
from magicfs.tree.nodes import Handle, not_found
from magicfs.tree.placed_nodes import ChildPlace, in_any_place
from magicfs.tree.real.handles import FORWARDED_FLAGS, RealHandle, clear_set_id
from magicfs.tree.real.nodes import RealNode


class RealFile(RealNode, FileNode):
    """A regular file of a root of this host."""

    def __init__(
        self,
        place: ChildPlace | FileLocation,
        *,
        identity: FileIdentity | None = None,
        index_record: Hit | FailedFile | None = None,
        gone_files: GoneFileLog | None = None,
    ) -> None:
        """Without an `identity` it is the file that the index has seen at `place`."""
        if identity is None and index_record is not None:
            identity = FileIdentity.of_indexed(index_record.stat)
        super().__init__(place, identity=identity, index_record=index_record, gone_files=gone_files)

    def cached_attributes(self) -> Attributes | None:
        """The attributes of `lstat` if the kernel has them in memory."""
        # A file that is gone is left to `attributes`, which reports it.
        with contextlib.suppress(FileNotFoundError):
            status = self.status_nowait()
            return Attributes.of(status) if status is not None and stat.S_ISREG(status.st_mode) else None
        return None

    def attributes(self) -> Attributes:
        """The attributes of `lstat`.

        Raises `FileNotFoundError` if it is no regular file any more, and `ELOOP` if it is a link.
        """
        with self.reports_gone(), self.opened() as (_, status):
            if stat.S_ISLNK(status.st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if not stat.S_ISREG(status.st_mode):
                raise not_found(self.location.path)
            return Attributes.of(status)

    @in_any_place
    def open_nowait(self, location: FileLocation, flags: int) -> Handle | None:
        """Open to read, from what the kernel has in memory. None if that does not suffice, and for other modes."""
        if flags & (os.O_ACCMODE | os.O_TRUNC):
            return None
        try:
            opened = self._open_in_memory(location, flags & FORWARDED_FLAGS)
        except FileNotFoundError:
            # Left to `open`, which reports it.
            return None
        if opened is None:
            return None
        descriptor, status = opened
        try:
            _require_regular(status)
            return RealHandle(descriptor, flags=flags, is_local_fs=True)
        except BaseException:
            os.close(descriptor)
            raise

    def open(self, flags: int) -> Handle:
        """Open the real file. Raises `EINVAL` if it is not regular."""
        # Truncate only after it is certain which file it is.
        with self.reports_gone():
            descriptor, status = self.open_recognised(flags & FORWARDED_FLAGS & ~os.O_TRUNC)
        try:
            _require_regular(status)
            if flags & os.O_TRUNC:
                # A program may cut a file that it opens to read.
                os.truncate(descriptor if flags & os.O_ACCMODE else descriptor_path(descriptor), 0)
            return RealHandle(descriptor, flags=flags, is_local_fs=is_on_local_file_system(descriptor))
        except BaseException:
            os.close(descriptor)
            raise

    def set_attributes(self, change: AttributeChange, handle: Handle | None) -> None:
        """Change size, mode, owner and times of the real file."""
        if change.size is not None:
            self._resize(change.size, handle)
            if change.clears_set_id:
                with self._changeable(handle) as (path, status):
                    clear_set_id(path, status.st_mode)
        super().set_attributes(change, handle)

    def _resize(self, size: int, handle: Handle | None) -> None:
        if isinstance(handle, RealHandle):
            os.ftruncate(handle.descriptor, size)
            return
        opened = self.open(os.O_WRONLY)
        with contextlib.closing(opened):
            os.ftruncate(opened.descriptor, size)


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
