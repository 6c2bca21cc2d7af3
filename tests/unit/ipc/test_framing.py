from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from magicfs.ipc.framing import Disconnected, FramingError, Message, receive, send

MAX_BODY_BYTES = 1000
MAX_HEAD_BYTES = 300_000


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def frame(head: bytes, body: bytes = b"") -> bytes:
    return struct.pack("!II", len(head), len(body)) + head + body


def received(data: bytes) -> Message:
    """What a reader makes of these bytes and the end of the connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = threading.Thread(target=write, args=(theirs, data))
        writer.start()
        try:
            deadline = time.monotonic() + 30
            return receive(ours, max_head_bytes=MAX_HEAD_BYTES, max_body_bytes=MAX_BODY_BYTES, deadline=deadline)
        finally:
            ours.close()
            writer.join()


def write(connection: socket.socket, data: bytes) -> None:
    try:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        """The reader refused the message before it had all of it."""


@pytest.mark.parametrize("text", ["plain", "two\nlines", "東京 ½", "lone \udcff", "\0", ""])
@pytest.mark.parametrize("body", [b"", b"\0\xff\n", bytes(5_000_000)], ids=["none", "short", "long"])
def test_a_message_arrives_as_it_was_sent(ends: tuple[socket.socket, socket.socket], text: str, body: bytes) -> None:
    ours, theirs = ends
    message = Message({"text": text, "numbers": [1, 2.5, None]}, body)
    writer = threading.Thread(target=send, args=(theirs, message))
    writer.start()
    assert receive(ours, max_body_bytes=len(body)) == message
    writer.join()


def test_messages_follow_one_another(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    messages = [Message({"number": number}, b"x" * number) for number in range(3)]
    for message in messages:
        send(theirs, message)
    assert [receive(ours, max_body_bytes=2) for _ in messages] == messages


@pytest.mark.parametrize("head", [b"", b"{", b"[]", b"7", b"null", b'"text"', b"\xff\xfe", b"GET / HTTP/1.1"])
def test_a_head_that_is_no_json_object_is_refused(head: bytes) -> None:
    with pytest.raises(FramingError, match="the head of a message is not"):
        received(frame(head))


@pytest.mark.parametrize("head", [b"[" * 100_000, b'{"a":' * 40_000 + b"1" + b"}" * 40_000], ids=["lists", "objects"])
def test_a_head_that_is_nested_deeply_is_refused_or_read(head: bytes) -> None:
    """How deep Python reads depends on its version."""
    with contextlib.suppress(FramingError):
        assert list(received(frame(head)).head) == ["a"]


@pytest.mark.parametrize(
    "data",
    [
        frame(b" " * (MAX_HEAD_BYTES + 1)),
        frame(b"{}", bytes(MAX_BODY_BYTES + 1)),
        struct.pack("!II", 2, 2**32 - 1) + b"{}",
        b"\xff" * 64,
    ],
    ids=["head", "body", "length", "noise"],
)
def test_a_message_that_is_too_long_is_refused_by_its_lengths(data: bytes) -> None:
    with pytest.raises(FramingError, match="too long"):
        received(data)


def test_a_message_that_is_cut_off_is_a_disconnect() -> None:
    whole = frame(b'{"do":"ping"}', b"body")
    for length in range(len(whole)):
        with pytest.raises(Disconnected):
            received(whole[:length])
    assert received(whole) == Message({"do": "ping"}, b"body")


def test_any_bytes_are_a_message_or_a_framing_error() -> None:
    randomness = random.Random(5)
    whole = frame(json.dumps({"do": "embed", "list": [{"a": [1, "x"]}]}).encode(), bytes(range(200)))
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(randomness.randrange(1, 6)):
            data[randomness.randrange(len(data))] = randomness.randrange(256)
        del data[randomness.randrange(len(data) // 2, len(data) + 1) :]
        try:
            message = received(bytes(data))
        except FramingError:
            continue
        assert isinstance(message.head, dict)


def test_waiting_ends_at_the_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(frame(b"{}", b"body")[:-1])
    for seconds in (-1.0, 0.05):
        with pytest.raises(TimeoutError):
            receive(ours, max_body_bytes=4, deadline=time.monotonic() + seconds)
    with pytest.raises(TimeoutError):
        send(ours, Message({}, bytes(50_000_000)), deadline=time.monotonic() + 0.05)


def test_sending_to_nobody_is_a_disconnect(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.close()
    with pytest.raises(Disconnected):
        send(ours, Message({}, bytes(1000)))
