"""The files below the roots of this host, for other hosts, to read: the service `magicfs-files/1`.

Used by `magicfs serve`. `served_files` looks at the disk. A root has threads of its own, so that a disk that hangs
holds up nobody who asks for another one; all else is done in the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from magicfs.errors import MalformedRequest
from magicfs.gateway import file_protocol as protocol
from magicfs.gateway import served_files
from magicfs.gateway.file_protocol import Kind, Operation, Request
from magicfs.gateway.served_files import os_error

THREADS_OF_ROOT = 8
"""The number of requests to one root at a time: a root that hangs keeps no more threads."""

ANSWER_SECONDS = 25.0
"""The file system of a root has answered by then; less than the other host waits."""

SENDING_SECONDS = 60.0
"""After this time without taking anything, a host is cut off."""

IDLE_SECONDS = 3600.0
"""After this time without a request a connection is closed; the other host opens its files anew when it needs them."""

MAX_OPEN_FILES = 1024
"""The most files that one host has open, so that none uses up the descriptors of this process."""

T = TypeVar("T")


class FilesService:
    """Answers hosts that are admitted."""

    def __init__(self) -> None:
        self._roots: dict[bytes, _Root] = {}
        self._open_files: Counter[str] = Counter()
        """How many each host has open."""

    def set_roots(self, paths: Iterable[bytes]) -> None:
        """Serve these roots, absolute paths, and no others from now on: files below the others that are open, neither.

        Called in the event loop.
        """
        wanted = frozenset(paths)
        for path in self._roots.keys() - wanted:
            self._roots.pop(path).is_served = False
        for path in wanted - self._roots.keys():
            self._roots[path] = _Root()

    async def handle(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a connection of an admitted host until it ends. Raises `MalformedRequest`, and `OSError`."""
        files = _OpenFiles(self._open_files, host)
        try:
            while (request := await _next_request(reader)) is not None:
                await self._answer(request, files, writer)
                await _sent(writer)
        finally:
            files.close()

    async def _answer(self, request: Request, files: _OpenFiles, writer: asyncio.StreamWriter) -> None:
        try:
            match request.operation:
                case Operation.READ:
                    content = await self._read(request, files)
                    writer.write(protocol.ANSWER.pack(Kind.DONE, len(content)))
                    writer.write(content)
                case Operation.CLOSE:
                    files.close_one(request.number)
                case Operation.LIST:
                    await self._list(request, writer)
                case _:
                    content = await self._ask(request, files)
                    writer.write(protocol.frame(Kind.DONE, content))
        except OSError as error:
            writer.write(protocol.failure(error))

    async def _read(self, request: Request, files: _OpenFiles) -> bytes:
        root, descriptor = files.find(request.number)
        size = min(request.size, protocol.MAX_READ_BYTES)
        return await root.run(lambda: os.pread(descriptor, size, request.offset))

    async def _ask(self, request: Request, files: _OpenFiles) -> bytes:
        root = self._root(request)
        match request.operation:
            case Operation.STATUS:
                return await root.run(lambda: served_files.encoded_status_of(request))
            case Operation.TARGET:
                return await root.run(lambda: served_files.target_of(request))
            case _:
                return await root.run(lambda: files.open(root, request))

    async def _list(self, request: Request, writer: asyncio.StreamWriter) -> None:
        root = self._root(request)
        with contextlib.closing(served_files.Listing(request)) as listing:
            while content := await root.run(listing.next_part):
                writer.write(protocol.frame(Kind.PART, content))
                await _sent(writer)
        writer.write(protocol.frame(Kind.DONE))

    def _root(self, request: Request) -> _Root:
        """The root that a request names. Raises `OSError`."""
        try:
            return self._roots[request.root]
        except KeyError:
            raise os_error(errno.ENOENT) from None


class _Root:
    """The threads of a root. They end when no file below it is open and it is served no more."""

    def __init__(self) -> None:
        self.is_served = True
        self._threads = ThreadPoolExecutor(THREADS_OF_ROOT, thread_name_prefix="files")

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns in a thread. Raises `OSError`: `ENOENT` when it is served no more, `ETIMEDOUT`."""
        if not self.is_served:
            raise os_error(errno.ENOENT)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError as error:
            raise os_error(errno.ETIMEDOUT) from error

    def close(self, descriptor: int) -> None:
        """Close a file in a thread: a file system may wait for a server or a program even then."""
        self._threads.submit(os.close, descriptor)


class _OpenFiles:
    """The files that one connection has open."""

    def __init__(self, counts: Counter[str], host: str) -> None:
        self._counts = counts
        self._host = host
        self._lock = threading.Lock()
        self._is_closed = False
        self._numbers = itertools.count(1)
        self._files: dict[int, tuple[_Root, int]] = {}

    def open(self, root: _Root, request: Request) -> bytes:
        """Open a regular file; its number and its status. Raises `OSError`. In a thread of the root."""
        descriptor, status = served_files.open_regular(request)
        with self._lock:
            if self._is_closed or self._counts[self._host] >= MAX_OPEN_FILES:
                os.close(descriptor)
                raise os_error(errno.EMFILE)
            number = next(self._numbers)
            self._files[number] = root, descriptor
            self._counts[self._host] += 1
        return protocol.OPENED.pack(number) + protocol.encoded_status(status)

    def find(self, number: int) -> tuple[_Root, int]:
        """The root and the descriptor of an open file. Raises `OSError`."""
        try:
            return self._files[number]
        except KeyError:
            raise os_error(errno.EBADF) from None

    def close_one(self, number: int) -> None:
        """Close a file, if it is open."""
        with self._lock:
            found = self._files.pop(number, None)
            if found is not None:
                root, descriptor = found
                self._counts[self._host] -= 1
                root.close(descriptor)

    def close(self) -> None:
        """Close all files. What a thread still opens is closed at once."""
        with self._lock:
            self._is_closed = True
        for number in list(self._files):
            self.close_one(number)
        if not self._counts[self._host]:
            del self._counts[self._host]


async def _next_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None at the end of the connection, and when nothing has come for IDLE_SECONDS."""
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            head = await reader.readexactly(protocol.REQUEST.size)
            operation, number, offset, size, *lengths = protocol.REQUEST.unpack(head)
            if max(lengths) > protocol.MAX_PATH_BYTES or offset < 0:
                raise MalformedRequest("it asks for what nothing can have")
            root, path = [await reader.readexactly(length) for length in lengths]
            return Request(Operation(operation), number, offset, size, root, path)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    except TimeoutError:
        return None
    except ValueError as error:
        raise MalformedRequest("it asks for what this version does not know") from error


async def _sent(writer: asyncio.StreamWriter) -> None:
    """Wait until the other host has taken what was written. Raises `EOFError`, which is no error of a file."""
    try:
        async with asyncio.timeout(SENDING_SECONDS):
            await writer.drain()
    except OSError as error:
        raise EOFError("it takes no answer") from error
