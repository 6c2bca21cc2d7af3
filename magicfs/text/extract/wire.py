"""Messages between the sandbox and its child: a JSON head and a body of bytes, both with their lengths.

Used on both sides of one socket pair. What a child sends is not trusted: lengths are bounded by the reader.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

_LENGTHS = struct.Struct("!II")
_MOST_HEAD_BYTES = 4 * 1024 * 1024
"""Room for the starts of a few hundred thousand pages."""
_PIECE = 1024 * 1024


class WireError(Exception):
    """The other side does not keep to the protocol."""


class Disconnected(WireError):
    """The other side is gone."""


@dataclass(frozen=True, slots=True)
class Message:
    """One request or one answer."""

    head: dict[str, Any]
    body: bytes = b""


def send(connection: socket.socket, message: Message, *, deadline: float | None = None) -> None:
    """Send a message whole. Raises `TimeoutError` at `deadline` (monotonic), `Disconnected` when nobody reads."""
    head = json.dumps(message.head).encode("ascii")
    connection.settimeout(_left(deadline))
    try:
        connection.sendall(_LENGTHS.pack(len(head), len(message.body)) + head)
        connection.settimeout(_left(deadline))
        connection.sendall(message.body)
    except TimeoutError:
        raise
    except OSError as error:
        raise Disconnected(str(error)) from error


def receive(connection: socket.socket, *, most_body_bytes: int, deadline: float | None = None) -> Message:
    """Wait for a message. Raises `TimeoutError` at `deadline`, `WireError` at the end or for nonsense."""
    head_length, body_length = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size, deadline))
    if head_length > _MOST_HEAD_BYTES or body_length > most_body_bytes:
        raise WireError(f"a message of {head_length} + {body_length} bytes is too long")
    try:
        head = json.loads(_exactly(connection, head_length, deadline))
    except ValueError as error:
        raise WireError("the head of a message is not JSON") from error
    if not isinstance(head, dict):
        raise WireError("the head of a message is not an object")
    return Message(head, _exactly(connection, body_length, deadline))


def _left(deadline: float | None) -> float | None:
    """Return the seconds left; never 0, which would mean not to wait at all."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _exactly(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    pieces = []
    while length:
        connection.settimeout(_left(deadline))
        try:
            piece = connection.recv(min(length, _PIECE))
        except TimeoutError:
            raise
        except OSError as error:
            raise Disconnected(str(error)) from error
        if not piece:
            raise Disconnected("the connection ended")
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
