"""Messages between a process of ours and its child over a unix socket: a JSON head and a body of bytes.

Both lengths stand before them, as two unsigned 32-bit integers in network order. Used by the parser's sandbox, the
query embedder and the search server. The other side is not trusted: the reader bounds both lengths, and every wait
ends at a deadline. A connection is for one thread at a time.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any, NamedTuple

from magicfs import errors
from magicfs.errors import MagicFSError

MAX_HEAD_BYTES = 4 * 1024 * 1024
"""A head with the starts of a few hundred thousand pages fits."""

_REPORTED = {
    kind.__name__: kind
    for kind in (
        errors.DatabaseStarting,
        errors.DatabaseUnavailable,
        errors.DeadlineExceeded,
        errors.EmbedderUnavailable,
        errors.LanguageUnread,
        errors.MalformedRequest,
        errors.ModelCorrupt,
        errors.ModelError,
        errors.ModelMismatch,
        errors.ModelMissing,
        errors.NotComparable,
        errors.UsageError,
    )
}
"""The errors that arrive as what they are. Any other one is a `MagicFSError` at the other side."""

_LENGTHS = struct.Struct("!II")
_RECEIVE_BYTES = 1024 * 1024
_MARK = b"\0"
"""The kernel sends an open file with a byte at least."""


class FramingError(Exception):
    """The other side sent something that is not a message. Internal: the callers of `receive` catch it."""


class Disconnected(FramingError):
    """The other side closed the connection or is gone."""


class Message(NamedTuple):
    """One request or one answer."""

    head: dict[str, Any]
    body: bytes = b""


def failure(error: MagicFSError) -> Message:
    """The answer that reports an error."""
    return Message({"error": type(error).__name__, "message": str(error)})


def error_in(answer: Message) -> MagicFSError | None:
    """The error that an answer reports; None if it reports none."""
    if "error" not in answer.head:
        return None
    kind = _REPORTED.get(str(answer.head["error"]), MagicFSError)
    return kind(str(answer.head.get("message", "the request failed")))


def send(connection: socket.socket, message: Message, *, deadline: float | None = None) -> None:
    """Send a message. Raises `TimeoutError` at `deadline` (monotonic seconds) and `Disconnected` when nobody reads."""
    # ASCII, so that lone surrogates, as in names of files, arrive as they are.
    head = json.dumps(message.head, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    _send(connection, _LENGTHS.pack(len(head), len(message.body)) + head, deadline)
    if message.body:
        _send(connection, message.body, deadline)


def receive(
    connection: socket.socket,
    *,
    max_body_bytes: int,
    max_head_bytes: int = MAX_HEAD_BYTES,
    deadline: float | None = None,
) -> Message:
    """Wait for a message.

    Raises `TimeoutError` at `deadline` (monotonic seconds), `Disconnected` when the connection ends before the message
    does, and `FramingError` for a message that is too long or whose head is not a JSON object.
    """
    head_length, body_length = _LENGTHS.unpack(_receive(connection, _LENGTHS.size, deadline))
    if head_length > max_head_bytes or body_length > max_body_bytes:
        raise FramingError(f"a message of {head_length} + {body_length} bytes is too long")
    head = _parse_head(_receive(connection, head_length, deadline))
    return Message(head, _receive(connection, body_length, deadline))


def _parse_head(data: bytes) -> dict[str, Any]:
    try:
        head = json.loads(data)
    except ValueError as error:
        raise FramingError("the head of a message is not JSON") from error
    except RecursionError as error:
        raise FramingError("the head of a message is nested too deeply") from error
    if not isinstance(head, dict):
        raise FramingError("the head of a message is not an object")
    return head


def seconds_until(deadline: float) -> float:
    """Seconds until `deadline` (monotonic). Raises `TimeoutError` when it has passed: a socket reads 0 as no wait."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def send_descriptor(connection: socket.socket, descriptor: int, *, deadline: float | None = None) -> None:
    """Send an open file, after a message that announces it. Raises as `send` does."""
    connection.settimeout(None if deadline is None else seconds_until(deadline))
    try:
        socket.send_fds(connection, [_MARK], [descriptor])
    except TimeoutError:
        raise
    except OSError as error:
        raise Disconnected(str(error)) from error


def receive_descriptor(connection: socket.socket) -> int:
    """Wait for an open file that a message has announced: a descriptor to close. Raises `FramingError` without one."""
    connection.settimeout(None)
    try:
        _, descriptors, _, _ = socket.recv_fds(connection, len(_MARK), 1)
    except OSError as error:
        raise Disconnected(str(error)) from error
    if not descriptors:
        raise FramingError("the announced file is missing")
    return descriptors[0]


def _send(connection: socket.socket, data: bytes, deadline: float | None) -> None:
    connection.settimeout(None if deadline is None else seconds_until(deadline))
    try:
        connection.sendall(data)
    except TimeoutError:
        raise
    except OSError as error:
        raise Disconnected(str(error)) from error


def _receive(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    """Receive exactly `length` bytes."""
    pieces = []
    while length:
        connection.settimeout(None if deadline is None else seconds_until(deadline))
        try:
            piece = connection.recv(min(length, _RECEIVE_BYTES))
        except TimeoutError:
            raise
        except OSError as error:
            raise Disconnected(str(error)) from error
        if not piece:
            raise Disconnected("the connection ended")
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
