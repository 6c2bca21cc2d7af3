"""What a request of another host finds on the disk: a status, the target of a link, names, or an open file.

Used by `files_service` in the threads of a root: everything here blocks, and raises `OSError`. The kernel resolves each
path below its root without following a link, and nothing is opened but directories and regular files, to read.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
import time
from collections.abc import Generator, Iterable, Iterator

from magicfs.domain.attributes import Attributes
from magicfs.gateway import file_protocol as protocol
from magicfs.gateway.file_protocol import Request
from magicfs.linux.files import status_and_birth
from magicfs.linux.opening import open_below
from magicfs.tree.remote.files import RemoteStatus

_NOT_COMPONENTS = frozenset({b"", b".", b".."})


class Listing:
    """The names in a directory with the status of each, part by part."""

    def __init__(self, request: Request) -> None:
        self._parts = self._read(request)

    def next_part(self) -> bytes:
        """The next names, encoded; none after the last."""
        return next(self._parts, b"")

    def close(self) -> None:
        """Close the directory, unless a thread hangs in it: it is closed after that. Never blocks."""
        with contextlib.suppress(ValueError):
            self._parts.close()

    def _read(self, request: Request) -> Generator[bytes]:
        with _opened(request, os.O_RDONLY | os.O_DIRECTORY) as directory, os.scandir(directory) as entries:
            names = (os.fsencode(entry.name) for entry in entries)
            while some := list(itertools.islice(names, protocol.NAMES_A_FRAME)):
                yield b"".join(_encoded_names(directory, some))


def encoded_status_of(request: Request) -> bytes:
    """The status of what a request names, as the protocol has it."""
    with _opened(request, os.O_PATH) as place:
        return protocol.encoded_status(_status_of(place))


def target_of(request: Request) -> bytes:
    """The target of a symbolic link."""
    with _opened(request, os.O_PATH) as place:
        if not stat.S_ISLNK(os.fstat(place).st_mode):
            raise os_error(errno.EINVAL)
        return os.readlink(b"", dir_fd=place)


def open_regular(request: Request) -> tuple[int, RemoteStatus]:
    """A descriptor of a regular file, to be closed, and its status."""
    with _opened(request, os.O_PATH) as place:
        status = _status_of(place)
        if not stat.S_ISREG(status.attributes.mode):
            raise os_error(errno.EINVAL)
        # What is open is what was looked at. To open a device, even for a look, may do something.
        return os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), status


def os_error(number: int) -> OSError:
    """The error of that number, with its message."""
    return OSError(number, os.strerror(number))


def _encoded_names(directory: int, names: Iterable[bytes]) -> Iterator[bytes]:
    for name in names:
        # What has vanished meanwhile, and what may not be looked at, is left out.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            yield protocol.encoded_name(name, _status_of(directory, name))


def _status_of(directory: int, name: bytes = b"") -> RemoteStatus:
    seen_ns = time.time_ns()
    status, born_ns = status_and_birth(directory, name)
    return RemoteStatus(Attributes.of(status), status.st_dev, status.st_ino, born_ns or None, seen_ns)


@contextlib.contextmanager
def _opened(request: Request, flags: int) -> Iterator[int]:
    """A descriptor of what a request names, below the root."""
    if b"\0" in request.path or (request.path and not _NOT_COMPONENTS.isdisjoint(request.path.split(b"/"))):
        raise os_error(errno.EINVAL)
    descriptor = open_below(request.root, request.path or b".", flags=flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
