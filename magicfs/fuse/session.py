"""The conversation with the kernel: requests are read, handled by the operations, and replied to.

Used by the life of a mount, on its event loop. One task reads requests and handles them, one after another. As soon as
a handler has to wait for something, another task goes on reading: a request that needs no wait changes no task.
"""

# ruff: noqa: ARG002 - all handlers have the same signature

from __future__ import annotations

import errno
import logging
import os
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import trio

from magicfs.fuse import protocol
from magicfs.fuse.device import is_end
from magicfs.fuse.errors import RequestError
from magicfs.fuse.protocol import REPLY, REQUEST, Opcode, RequestContext
from magicfs.tree.names import MAX_NAME_BYTES

log = logging.getLogger(__name__)

MAX_IN_A_ROW = 32
"""Requests that are handled before other tasks get a turn."""
_BLOCK_BYTES = 4096
_XATTR_CREATE, _XATTR_REPLACE = 1, 2

Reply = bytes | memoryview
Handler = Callable[[RequestContext, int, memoryview], Coroutine[Any, Any, Reply]]


class Session:
    """Serves the requests of one mount."""

    def __init__(self, operations: Any, descriptor: int) -> None:
        """`descriptor` is the connection, which does not block."""
        self._operations = operations
        self._descriptor = descriptor
        self._buffer = memoryview(bytearray(protocol.REQUEST_BYTES))
        self._has_ended = False
        self._handlers: dict[int, Handler] = self._table()

    async def serve(self, *, max_tasks: int) -> None:
        """Serve requests until the mount is gone or `end` is called; at most so many that wait at once."""
        self._room = trio.Semaphore(max_tasks)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._lead)

    def end(self) -> None:
        """Read no further requests. Belongs to the event loop."""
        self._has_ended = True
        trio.lowlevel.notify_closing(self._descriptor)

    async def _lead(self) -> None:
        """Read requests and handle them; ends when another task has taken that over."""
        followers: list[None] = []

        def hand_over() -> None:
            followers.append(None)
            self._nursery.start_soon(self._lead)

        async with self._room:
            while not self._has_ended:
                try:
                    await trio.lowlevel.wait_readable(self._descriptor)
                except trio.ClosedResourceError:
                    return
                for _ in range(MAX_IN_A_ROW):
                    length = self._receive()
                    if not length:
                        break
                    await _drive(self._handle(length), hand_over)
                    if followers:
                        return

    def _receive(self) -> int:
        """Read a request into the buffer, and return its length; 0 if there is none for now, or the mount is gone."""
        while True:
            try:
                length = os.readv(self._descriptor, [self._buffer])
            except BlockingIOError:
                return 0
            except OSError as error:
                # The program has gone away before its request was read.
                if error.errno in {errno.ENOENT, errno.EINTR}:
                    continue
                if not is_end(error):
                    raise
                length = 0
            if length < REQUEST.size:
                self._has_ended = True
                return 0
            return length

    async def _handle(self, length: int) -> None:
        """Handle the request in the buffer, of which nothing is used after the handler has begun to wait."""
        _, opcode, unique, ino, uid, gid, pid, _ = REQUEST.unpack_from(self._buffer)
        body = self._buffer[REQUEST.size : length]
        handler = self._handlers.get(opcode)
        if handler is None:
            if opcode not in _WITHOUT_REPLY:
                self._reply(unique, error=errno.ENOSYS)
            return
        try:
            data = await handler(RequestContext(uid, gid, pid), ino, body)
        except RequestError as error:
            self._reply(unique, error=error.errno)
        except Exception:
            log.exception("a request of kind %d failed unexpectedly", opcode)
            self._reply(unique, error=errno.EIO)
        else:
            if opcode not in _WITHOUT_REPLY:
                self._reply(unique, data)

    def _reply(self, unique: int, data: Reply = b"", *, error: int = 0) -> None:
        head = REPLY.pack(REPLY.size + len(data), -error, unique)
        try:
            os.writev(self._descriptor, [head, data] if data else [head])
        except OSError as failure:
            # The program has gone away meanwhile, or the mount has.
            if failure.errno != errno.ENOENT and not is_end(failure):
                log.error("a reply was refused: %s", failure.strerror)  # noqa: TRY400 - one line says it

    def _table(self) -> dict[int, Handler]:
        return {
            Opcode.INIT: self._init,
            Opcode.LOOKUP: self._lookup,
            Opcode.FORGET: self._forget,
            Opcode.BATCH_FORGET: self._batch_forget,
            Opcode.GETATTR: self._getattr,
            Opcode.SETATTR: self._setattr,
            Opcode.READLINK: self._readlink,
            Opcode.SYMLINK: self._symlink,
            Opcode.MKNOD: self._mknod,
            Opcode.MKDIR: self._mkdir,
            Opcode.UNLINK: self._unlink,
            Opcode.RMDIR: self._rmdir,
            Opcode.RENAME: self._rename,
            Opcode.RENAME2: self._rename2,
            Opcode.LINK: self._link,
            Opcode.OPEN: self._open,
            Opcode.CREATE: self._create,
            Opcode.READ: self._read,
            Opcode.WRITE: self._write,
            Opcode.FLUSH: self._flush,
            Opcode.RELEASE: self._release,
            Opcode.FSYNC: self._fsync,
            Opcode.OPENDIR: self._opendir,
            Opcode.READDIRPLUS: self._readdirplus,
            Opcode.RELEASEDIR: self._releasedir,
            Opcode.FSYNCDIR: self._fsyncdir,
            Opcode.STATFS: self._statfs,
            Opcode.ACCESS: self._access,
            Opcode.SETXATTR: self._setxattr,
            Opcode.GETXATTR: self._getxattr,
            Opcode.LISTXATTR: self._listxattr,
            Opcode.REMOVEXATTR: self._removexattr,
            Opcode.DESTROY: self._destroy,
        }

    async def _init(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        major, minor, read_ahead, offered = protocol.INIT_IN.unpack_from(body)
        wanted = protocol.WANTED | (protocol.Capability.POSIX_ACL if self._operations.enable_acl else 0)
        if major <= protocol.VERSION[0]:
            self._operations.init((major, minor))
        return protocol.init_reply(major, read_ahead, offered, wanted=wanted)

    async def _destroy(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        return b""

    async def _lookup(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        return _entry(await self._operations.lookup(ino, _name(body), ctx))

    async def _forget(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        await self._operations.forget([(ino, protocol.COUNT.unpack_from(body)[0])])
        return b""

    async def _batch_forget(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        count = protocol.WORD.unpack_from(body)[0]
        one = protocol.FORGET_ONE
        await self._operations.forget(list(one.iter_unpack(body[8 : 8 + count * one.size])))
        return b""

    async def _getattr(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        return _attributes(await self._operations.getattr(ino, ctx))

    async def _setattr(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        change, handle = protocol.attribute_change(body, now_ns=time.time_ns())
        return _attributes(await self._operations.setattr(ino, change, handle, ctx))

    async def _readlink(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        return bytes(await self._operations.readlink(ino, ctx))

    async def _symlink(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        name, target = protocol.names(bytes(body))
        return _entry(await self._operations.symlink(ino, name, target, ctx))

    async def _mknod(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        mode, device, _, _ = protocol.MKNOD_IN.unpack_from(body)
        name = _name(body[protocol.MKNOD_IN.size :])
        return _entry(await self._operations.mknod(ino, name, mode, protocol.device_of_kernel(device), ctx))

    async def _mkdir(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        mode, _ = protocol.TWO_WORDS.unpack_from(body)
        return _entry(await self._operations.mkdir(ino, _name(body[protocol.TWO_WORDS.size :]), mode, ctx))

    async def _unlink(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        await self._operations.unlink(ino, _name(body), ctx)
        return b""

    async def _rmdir(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        await self._operations.rmdir(ino, _name(body), ctx)
        return b""

    async def _rename(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        target = protocol.COUNT.unpack_from(body)[0]
        old, new = protocol.names(bytes(body[protocol.COUNT.size :]))
        await self._operations.rename(ino, old, target, new, 0, ctx)
        return b""

    async def _rename2(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        target, flags, _ = protocol.RENAME2_IN.unpack_from(body)
        old, new = protocol.names(bytes(body[protocol.RENAME2_IN.size :]))
        await self._operations.rename(ino, old, target, new, flags, ctx)
        return b""

    async def _link(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        linked = protocol.COUNT.unpack_from(body)[0]
        return _entry(await self._operations.link(linked, ino, _name(body[protocol.COUNT.size :]), ctx))

    async def _open(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        flags, _ = protocol.OPEN_IN.unpack_from(body)
        opened: protocol.OpenReply = await self._operations.open(ino, flags, ctx)
        return opened.packed()

    async def _create(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        flags, mode, _, _ = protocol.CREATE_IN.unpack_from(body)
        name = _name(body[protocol.CREATE_IN.size :])
        created = await self._operations.create(ino, name, mode, flags, ctx)
        opened: protocol.OpenReply = created[0]
        return _entry(created[1]) + opened.packed()

    async def _read(self, ctx: RequestContext, ino: int, body: memoryview) -> Any:
        handle, offset, size, *_ = protocol.READ_IN.unpack_from(body)
        return await self._operations.read(handle, offset, size)

    async def _write(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        handle, offset, size, *_ = protocol.WRITE_IN.unpack_from(body)
        # The buffer is needed for the next request while a thread writes.
        data = bytes(body[protocol.WRITE_IN.size : protocol.WRITE_IN.size + size])
        return protocol.TWO_WORDS.pack(await self._operations.write(handle, offset, data), 0)

    async def _flush(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        await self._operations.flush(protocol.COUNT.unpack_from(body)[0])
        return b""

    async def _release(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        await self._operations.release(protocol.RELEASE_IN.unpack_from(body)[0])
        return b""

    async def _fsync(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        handle, flags, _ = protocol.FSYNC_IN.unpack_from(body)
        await self._operations.fsync(handle, bool(flags & 1))
        return b""

    async def _opendir(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        opened: protocol.OpenReply = await self._operations.opendir(ino, ctx)
        return opened.packed()

    async def _readdirplus(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        handle, offset, size, *_ = protocol.READ_IN.unpack_from(body)
        reply = protocol.ListingReply(size)
        await self._operations.readdir(handle, offset, reply)
        return reply.data

    async def _releasedir(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        await self._operations.releasedir(protocol.RELEASE_IN.unpack_from(body)[0])
        return b""

    async def _fsyncdir(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        handle, flags, _ = protocol.FSYNC_IN.unpack_from(body)
        await self._operations.fsyncdir(handle, bool(flags & 1))
        return b""

    async def _statfs(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        space = await self._operations.statfs(ctx)
        return protocol.statfs_reply(space, block_bytes=_BLOCK_BYTES, name_bytes=MAX_NAME_BYTES)

    async def _access(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        if not await self._operations.access(ino, protocol.WORD.unpack_from(body)[0], ctx):
            raise RequestError(errno.EACCES)
        return b""

    async def _setxattr(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        size, flags = protocol.SETXATTR_IN.unpack_from(body)
        name, _, rest = bytes(body[protocol.SETXATTR_IN.size :]).partition(b"\0")
        if flags & (_XATTR_CREATE | _XATTR_REPLACE) and await self._has_attribute(ino, name, ctx) != bool(
            flags & _XATTR_REPLACE
        ):
            raise RequestError(errno.EEXIST if flags & _XATTR_CREATE else errno.ENODATA)
        await self._operations.setxattr(ino, name, rest[:size], ctx)
        return b""

    async def _has_attribute(self, ino: int, name: bytes, ctx: RequestContext) -> bool:
        try:
            await self._operations.getxattr(ino, name, ctx)
        except RequestError as error:
            if error.errno != errno.ENODATA:
                raise
            return False
        return True

    async def _getxattr(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        size, _ = protocol.GETXATTR_IN.unpack_from(body)
        return _sized(await self._operations.getxattr(ino, _name(body[protocol.GETXATTR_IN.size :]), ctx), size)

    async def _listxattr(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        size, _ = protocol.GETXATTR_IN.unpack_from(body)
        return _sized(b"".join(name + b"\0" for name in await self._operations.listxattr(ino, ctx)), size)

    async def _removexattr(self, ctx: RequestContext, ino: int, body: memoryview) -> Reply:
        await self._operations.removexattr(ino, _name(body), ctx)
        return b""


_WITHOUT_REPLY = frozenset({Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT, Opcode.NOTIFY_REPLY})


@types.coroutine
def _drive(handler: Coroutine[Any, Any, None], on_first_wait: Callable[[], None]) -> Generator[Any, Any, None]:
    """Run a handler in this task, and call `on_first_wait` if it has to wait for something."""
    try:
        message = handler.send(None)
    except StopIteration:
        return
    on_first_wait()
    while True:
        try:
            value = yield message
        except BaseException as error:  # noqa: BLE001 - the handler gets it
            step: Callable[[], Any] = _thrower(handler, error)
        else:
            step = _sender(handler, value)
        try:
            message = step()
        except StopIteration:
            return


def _thrower(handler: Coroutine[Any, Any, None], error: BaseException) -> Callable[[], Any]:
    return lambda: handler.throw(error)


def _sender(handler: Coroutine[Any, Any, None], value: Any) -> Callable[[], Any]:
    return lambda: handler.send(value)


def _name(body: memoryview) -> bytes:
    return bytes(body).partition(b"\0")[0]


def _entry(reply: protocol.EntryAttributes) -> bytes:
    return reply.as_entry()


def _attributes(reply: protocol.EntryAttributes) -> bytes:
    return reply.as_attributes()


def _sized(value: bytes, room: int) -> bytes:
    """A value of an extended attribute, or its size for a program that gives no room. Raises `ERANGE`."""
    if not room:
        return protocol.TWO_WORDS.pack(len(value), 0)
    if len(value) > room:
        raise RequestError(errno.ERANGE)
    return value
