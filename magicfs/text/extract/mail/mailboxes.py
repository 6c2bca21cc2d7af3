"""Finds the messages of a mailbox, and reads the last ones of a large mailbox, without pictures and large attachments.

Used by `mail`, and by `magicfs.pipeline.large_files` in the worker itself: it knows the lines that separate messages,
and looks for nothing inside of them but long sequences of base64. Pure functions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_SEPARATOR: Final = rb"From [^\n]{0,500}\n(?=>?[A-Za-z][A-Za-z0-9-]{0,80}:)"
FIRST_MESSAGE: Final = re.compile(rb"(?:\xef\xbb\xbf)?" + _SEPARATOR)
NEXT_MESSAGE: Final = re.compile(rb"\n" + _SEPARATOR)
"""The line that separates the messages of a mailbox; a header follows it."""

_BLOCK_BYTES: Final = 16 << 20
_SCANNED_SHARE: Final = 16
"""How many times the size of what is kept is read: mailboxes are attachments for the most part."""
READ_SECONDS: Final = 60.0
"""The time for reading them from a slow disk, on a machine that is busy."""
_BASE64: Final = re.compile(rb"(?<=\n)(?=[A-Za-z0-9+/]{32})(?:[A-Za-z0-9+/]++={0,2}\r?(?:\n|\Z))++")
"""Whole lines of what is attached; no word is as long as the first one. No line is looked at twice."""
_MIN_BYTES: Final = 1000
"""Shorter sequences may be words, and stay."""
_PICTURES: Final = (
    b"/9j/",
    b"iVBORw0KGgo",
    b"R0lGOD",
    b"UklGR",
    b"SUkqA",
    b"AAAAGGZ0",
    b"AAAAHGZ0",
    b"AAAAIGZ0",
    b"SUQz",
)
"""How pictures, sound and films begin in base64: nothing is missed of them but their names, which stay."""
LARGE_BYTES: Final = 1 << 20
"""Other attachments of more than that, 750 KB in the mail program, are found by their names."""

Read = Callable[[int, int], bytes]
"""Reads so many bytes of the file from an offset; fewer at its end."""


@dataclass(frozen=True, slots=True)
class LastMessages:
    """The last messages of a mailbox."""

    content: bytes
    """They are whole but for pictures and large attachments; empty if not one of them could be kept."""
    left_out: int
    """The bytes of the mailbox that are not in it, but for those of pictures, which have no text."""


def last_messages(read: Read, size: int, *, max_bytes: int) -> LastMessages:
    """The last messages of a mailbox of `size` bytes, as many as fit into `max_bytes`."""
    until = time.monotonic() + READ_SECONDS
    kept: list[bytes] = []
    room, position, before, pictures = max_bytes, size, b"", 0
    while position and size - position < _SCANNED_SHARE * max_bytes and time.monotonic() < until:
        start = max(0, position - _BLOCK_BYTES)
        before = read(start, position - start) + before
        position = start
        begin = _first_border(before, is_start=position == 0)
        if begin is None:
            if len(before) > max_bytes:
                break
            continue
        without_pictures = _BASE64.sub(_no_picture, before[begin:])
        messages = _BASE64.sub(_nothing_large, without_pictures)
        if len(messages) > room:
            kept.append(_within(messages, room))
            break
        pictures += len(before) - begin - len(without_pictures)
        kept.append(messages)
        room -= len(messages)
        before = before[:begin]
    content = b"".join(reversed(kept))
    return LastMessages(content, size - len(content) - pictures)


def _no_picture(found: re.Match[bytes]) -> bytes:
    return b"" if found.end() - found.start() > _MIN_BYTES and found[0].startswith(_PICTURES) else found[0]


def _nothing_large(found: re.Match[bytes]) -> bytes:
    return b"" if len(found[0]) > LARGE_BYTES else found[0]


def _first_border(content: bytes, *, is_start: bool) -> int | None:
    """Where the first message begins in a part of a mailbox, or at its start; None if none does."""
    if is_start:
        return 0
    border = NEXT_MESSAGE.search(content)
    return border.start() + 1 if border else None


def _within(messages: bytes, max_bytes: int) -> bytes:
    """The last ones of some messages that fit; empty if not one does."""
    border = NEXT_MESSAGE.search(messages, max(0, len(messages) - max_bytes - 1))
    return messages[border.start() + 1 :] if border else b""
