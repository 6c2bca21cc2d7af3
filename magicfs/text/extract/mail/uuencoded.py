"""Takes files out of the texts of old messages, which have them as lines of uuencode or yEnc and not as parts.

Runs in the child process, used by `mail`. Pure functions.
"""

from __future__ import annotations

import binascii
import re
from typing import Final, NamedTuple

_FILE: Final = re.compile(
    rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n((?:[!-`][ -`]{0,88}+\r?\n)*+)(?: ?\r?\n)?end[ \t]*\r?$", re.MULTILINE
)
"""A file between two lines; a line of it has at most 45 bytes, and a first sign that says how many."""
_YENC_BEGIN: Final = re.compile(
    rb"^=ybegin [^\r\n]{0,200}?\bname=([^\r\n]{1,255})\r?\n(?:=ypart [^\r\n]{0,200}\r?\n)?", re.MULTILINE
)
_YENC_END: Final = re.compile(rb"^=yend [^\r\n]{0,200}", re.MULTILINE)
_YENC_BYTES: Final = bytes((byte - 42) % 256 for byte in range(256))
_YENC_ESCAPE: Final = 64
"""How much is added to a byte behind the sign for an escape."""
_MAX_FILES: Final = 100


class PackedFile(NamedTuple):
    """A file that was in a text."""

    name: bytes
    content: bytes


def without_files(text: bytes) -> tuple[bytes, list[PackedFile]]:
    """A text without the files in it, and these files. A line that is damaged is left out."""
    text, packed = _without_yenc(text) if b"=ybegin " in text else (text, [])
    if b"\nend" not in text:
        return text, packed
    files: list[PackedFile] = []

    def take(match: re.Match[bytes]) -> bytes:
        files.append(PackedFile(match[1].strip(), b"".join(map(_decoded, match[2].splitlines()))))
        return b""

    return _FILE.sub(take, text, count=_MAX_FILES), packed + files


def _without_yenc(text: bytes) -> tuple[bytes, list[PackedFile]]:
    rest: list[bytes] = []
    files: list[PackedFile] = []
    place = 0
    while len(files) < _MAX_FILES and (begin := _YENC_BEGIN.search(text, place)):
        end = _YENC_END.search(text, begin.end())
        if end is None:
            break
        rest.append(text[place : begin.start()])
        files.append(PackedFile(begin[1].strip(b' "'), _yenc_decoded(text[begin.end() : end.start()])))
        place = end.end()
    return b"".join([*rest, text[place:]]), files


def _yenc_decoded(lines: bytes) -> bytes:
    first, *escaped = lines.translate(None, b"\r\n").split(b"=")
    pieces = (bytes([(piece[0] - _YENC_ESCAPE) % 256]) + piece[1:] for piece in escaped if piece)
    return b"".join([first, *pieces]).translate(_YENC_BYTES)


def _decoded(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some programs pad lines to a full group and more.
        length = ((line[0] - 32 & 63) * 4 + 5) // 3
        try:
            return binascii.a2b_uu(line[:length])
        except binascii.Error:
            return b""
