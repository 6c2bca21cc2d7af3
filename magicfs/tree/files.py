"""Real files in the tree: results of searches, files of the mirror, files that could not be indexed.

They are opened below their root without following links, and read and written by descriptor. What the kernel has in
memory is had at once, without a thread: the way there and back takes longer than the rest. All other methods block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from magicfs.domain.attributes import Attributes, Change
from magicfs.domain.files import FailedFile, FileStat
from magicfs.domain.results import Hit
from magicfs.linux import open_below, open_below_cached
from magicfs.tree.nodes import Handle, Openable, ThreadPool

REAL_SECONDS = 1.0
"""How long the kernel may believe what a file system of a root said: others change it without telling us."""
SMALL_BYTES = 1 << 20
"""What a file system lets go of at once."""
_STATUS_BLOCK = 512
"""Bytes that `st_blocks` counts."""
_PASSED_ON = os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_SYNC | os.O_DSYNC
"""What the opener's flags mean for the real file too."""


@dataclass(frozen=True, slots=True)
class FileLocation:
    """Where a file is. `path` is relative to the absolute path `root`; empty for the root itself."""

    host: str
    root: bytes
    path: bytes

    @property
    def absolute(self) -> bytes:
        """The path on its host."""
        return self.root + b"/" + self.path if self.path else self.root

    @property
    def key(self) -> bytes:
        """The same for the same path, whatever root it was reached through."""
        return self.host.encode("utf-8", "surrogateescape") + b"\0" + self.absolute

    @contextmanager
    def looked_at(self) -> Iterator[int]:
        """A descriptor that stands for what is there, a link too, with no right to read it."""
        descriptor = open_below(self.root, self.path or b".", flags=os.O_PATH)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def status(self) -> os.stat_result:
        """What `lstat` says, without following links on the way."""
        with self.looked_at() as descriptor:
            return os.fstat(descriptor)

    def status_now(self) -> os.stat_result | None:
        """The same if it can be said at once and something is there."""
        descriptor = open_below_cached(self.root, self.path or b".", flags=os.O_PATH)
        if descriptor is None:
            return None
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)


class RealHandle:
    """An open file of a root."""

    direct = False
    _descriptor = -1

    def __init__(self, descriptor: int, *, near: bool = False) -> None:
        """`near` says that it was opened to read, on a file system that waits for nobody."""
        status = os.fstat(descriptor)
        self._descriptor = descriptor
        self._near = near
        self._at_once = hasattr(os, "RWF_NOWAIT")
        self.version: FileStat | None = FileStat.of(status)
        self.seen = Attributes.of(status)
        """As they were after it was opened, or after the last write."""

    @property
    def descriptor(self) -> int:
        """Open as long as the handle is."""
        return self._descriptor

    def attributes(self) -> Attributes:
        """Of the open file, whatever has become of its name."""
        return Attributes.of(os.fstat(self._descriptor))

    def read_now(self, offset: int, into: memoryview) -> memoryview | None:
        """What is in the page cache is read without a thread; half of the time of a read is else the way there."""
        if not self._at_once:
            return None
        done = 0
        try:
            while done < len(into):
                count = os.preadv(self._descriptor, [into[done:]], offset + done, os.RWF_NOWAIT)
                if count == 0:
                    break
                done += count
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            self._at_once = False
            return None
        return into[:done]

    def read(self, offset: int, size: int) -> bytes:
        """Whole, since the kernel takes a short read for the end of the file."""
        data = os.pread(self._descriptor, size, offset)
        while 0 < len(data) < size:
            more = os.pread(self._descriptor, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def write(self, offset: int, data: bytes) -> int:
        """Write all of it; a file that was opened to append to ignores the offset."""
        done = os.pwrite(self._descriptor, data, offset)
        while done < len(data):
            done += os.pwrite(self._descriptor, data[done:], offset + done)
        self.seen = self.attributes()
        return done

    def sync(self, *, data_only: bool) -> None:
        """`fsync` or `fdatasync`."""
        (os.fdatasync if data_only else os.fsync)(self._descriptor)

    def closes_now(self) -> bool:
        """Where it is the last to have a file that was deleted, closing gives back all of its blocks."""
        if not self._near:
            return False
        status = os.fstat(self._descriptor)
        return max(status.st_size, status.st_blocks * _STATUS_BLOCK) <= SMALL_BYTES

    def close(self) -> None:
        """Close the descriptor."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        # Opened too late: whoever asked for it had been told that it took too long.
        self.close()


class RealFile(Openable):
    """A regular file of a root."""

    lane = ThreadPool.FILES
    attributes_seconds = REAL_SECONDS

    def __init__(
        self, place: FileLocation, *, here: bool, known: Attributes | None = None, about: Hit | FailedFile | None = None
    ) -> None:
        """`here` says that this machine has the file; `about` is what the index says of it, where it came up."""
        super().__init__(b"f" + place.key)
        self._place = place
        self._here = here
        self._known = known
        self._about = about
        self.reached_through: tuple[int, bytes] | None = None
        """Inode of the directory, and the name, under which the kernel met the file last."""
        self._told: Attributes | None = None
        self._opened: FileStat | None = None

    def known_attributes(self) -> Attributes | None:
        """What the file system says at once; for a file of another machine, what the index says."""
        if not self._here:
            return self._known
        status = self._place.status_now()
        return Attributes.of(status) if status is not None and stat.S_ISREG(status.st_mode) else None

    def attributes(self) -> Attributes:
        """What `lstat` says; for a file of another machine, what the index says."""
        if not self._here and self._known is not None:
            return self._known
        self._require_here()
        status = self._place.status()
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return Attributes.of(status)

    def absorb(self, newer: RealFile) -> None:
        """Take over under which search the file came up last."""
        self._about = newer._about
        self._known = newer._known

    def newest(self, attributes: Attributes) -> Attributes:
        """These attributes, unless the kernel was told later ones: the index lags behind the file system.

        What is returned counts as told.
        """
        if self._told is None or attributes.ctime_ns >= self._told.ctime_ns:
            self._told = attributes
        return self._told

    def told(self, attributes: Attributes) -> None:
        """The kernel was told this."""
        self._told = attributes

    def told_truth(self, version: FileStat | None) -> bool:
        """Whether what the kernel was told is true of the file as it was opened."""
        told = self._told
        return told is None or version is None or (told.size, told.mtime_ns) == (version.size, version.mtime_ns)

    def opened(self, version: FileStat | None) -> bool:
        """Note which version was opened, and say whether it is the one that was opened before."""
        before, self._opened = self._opened, version
        return before is not None and version is not None and before.same_content_as(version)

    def extended(self) -> Mapping[bytes, bytes]:
        """What the index says of the file, by the last name under which it was looked up."""
        return {
            b"user.magicfs." + name.encode(): value if isinstance(value, bytes) else value.encode("utf-8", "replace")
            for name, value in self._facts()
        }

    def _facts(self) -> Iterator[tuple[str, str | bytes]]:
        yield "path", self._place.absolute
        yield "host", self._place.host
        if isinstance(self._about, FailedFile):
            yield "reason", self._about.reason
            yield "detail", self._about.detail or ""
        elif self._about is not None:
            hit = self._about
            yield "score", f"{hit.score:.4f}"
            # Empty where the lane did not see the file: the attribute is there on every result.
            yield "vector", "" if hit.vector is None else f"{hit.vector:.4f}"
            yield "lexical", "" if hit.lexical is None else f"{hit.lexical:.4f}"
            yield "lines", f"{hit.first_line}-{hit.last_line}"
            yield "snippet", hit.snippet
            yield "indexed_at", datetime.fromtimestamp(hit.indexed_at, UTC).isoformat(timespec="seconds")

    def open_now(self, flags: int) -> Handle | None:
        """Open it to read, if the kernel has all that this takes."""
        if not self._here or flags & (os.O_ACCMODE | os.O_TRUNC):
            return None
        descriptor = open_below_cached(self._place.root, self._place.path, flags=flags & _PASSED_ON)
        if descriptor is None:
            return None
        try:
            _require_regular(os.fstat(descriptor))
            return RealHandle(descriptor, near=True)
        except BaseException:
            os.close(descriptor)
            raise

    def open(self, flags: int) -> Handle:
        """Open the real file, if it is one still."""
        self._require_here()
        # Truncation waits until it is certain what was opened.
        descriptor = open_below(self._place.root, self._place.path, flags=flags & _PASSED_ON & ~os.O_TRUNC)
        try:
            _require_regular(os.fstat(descriptor))
            if flags & os.O_TRUNC and flags & os.O_ACCMODE != os.O_RDONLY:
                os.ftruncate(descriptor, 0)
            return RealHandle(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def change(self, wanted: Change, handle: Handle | None) -> None:
        """Pass size, mode, owner and times on to the real file."""
        self._require_here()
        if wanted.size is not None:
            self._resize(wanted.size, handle)
        with self._place.looked_at() as descriptor:
            status = os.fstat(descriptor)
            _require_regular(status)
            # The way to change what a descriptor without rights stands for.
            itself = f"/proc/self/fd/{descriptor}"
            if wanted.uid is not None or wanted.gid is not None:
                os.chown(itself, _or_same(wanted.uid), _or_same(wanted.gid))
            if wanted.mode is not None:
                os.chmod(itself, stat.S_IMODE(wanted.mode))
            if wanted.atime_ns is not None or wanted.mtime_ns is not None:
                accessed = status.st_atime_ns if wanted.atime_ns is None else wanted.atime_ns
                modified = os.fstat(descriptor).st_mtime_ns if wanted.mtime_ns is None else wanted.mtime_ns
                os.utime(itself, ns=(accessed, modified))

    def _resize(self, size: int, handle: Handle | None) -> None:
        if isinstance(handle, RealHandle):
            os.ftruncate(handle.descriptor, size)
            return
        opened = self.open(os.O_WRONLY)
        with contextlib.closing(opened):
            if isinstance(opened, RealHandle):
                os.ftruncate(opened.descriptor, size)

    def may(self, mode: int) -> bool:
        """What the file system says to this process."""
        if not self._here:
            return not mode & (os.W_OK | os.X_OK)
        with self._place.looked_at() as descriptor:
            return os.access(f"/proc/self/fd/{descriptor}", mode, effective_ids=True)

    def _require_here(self) -> None:
        if not self._here:
            raise OSError(errno.EHOSTUNREACH, f"the file is on {self._place.host}")


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")


def _or_same(owner: int | None) -> int:
    return -1 if owner is None else owner
