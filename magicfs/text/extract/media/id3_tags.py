"""Reads the chapters of ID3, the tags at the beginning of songs and podcasts, and puts tags into their plainest form.

Runs in the child process, called by `recordings`. tinytag reads the plain form only. Untrusted bytes; pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.media.spoken_texts import CHAPTER

_HEADER_BYTES: Final = 10
_CHARSETS: Final = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_OLDEST_WITH_CHAPTERS: Final = 3
_SYNCHSAFE: Final = 4
"""The first version whose sizes have bytes of seven bits, and whose frames say each how they are written."""
_TIMES_BYTES: Final = 16
"""When a chapter begins and ends."""
_MAX_FRAMES: Final = 1000

_UNSYNCHRONISED: Final = 0x80
_EXTENDED: Final = 0x40
_FRAME_UNSYNCHRONISED: Final = 0x02
_FRAME_HAS_LENGTH: Final = 0x01
_LENGTH_BYTES: Final = 4


def plain_tag(content: bytes) -> bytes:
    """The file with a tag of plain frames, without what is for players; the same bytes where it is plain.

    Zeros in the texts keep old players from taking these for sound (unsynchronisation).
    """
    if not content.startswith(b"ID3") or len(content) < _HEADER_BYTES:
        return content
    version, flags = content[3], content[5]
    end = _HEADER_BYTES + _without_high_bits(content[6:_HEADER_BYTES])
    body = content[_HEADER_BYTES:end]
    is_plain = not flags & (_UNSYNCHRONISED | _EXTENDED)
    if version < _SYNCHSAFE:
        if is_plain:
            return content
        plain = _synchronised(body) if flags & _UNSYNCHRONISED else body
        if flags & _EXTENDED and version == _OLDEST_WITH_CHAPTERS:
            plain = plain[4 + int.from_bytes(plain[:4], "big") :]
    else:
        frames = body[_without_high_bits(body[:4]) :] if flags & _EXTENDED else body
        plain = b"".join(
            name + _seven_bits(len(data)) + b"\0\0" + data
            for name, data in _plain_frames(frames, all_unsynchronised=bool(flags & _UNSYNCHRONISED))
        )
        if is_plain and frames.startswith(plain):
            return content
    return content[:5] + b"\0" + _seven_bits(len(plain)) + plain + content[end:]


def id3_chapters(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the titles of the chapters of a song or a podcast whose tag is plain. Damage ends it early."""
    if not content.startswith(b"ID3") or content[3] < _OLDEST_WITH_CHAPTERS:
        return
    end = _HEADER_BYTES + _without_high_bits(content[6:_HEADER_BYTES])
    for name, _, data in _frames(content[_HEADER_BYTES:end], version=content[3]):
        if name == b"CHAP":
            for inner, _, text in _frames(data[data.find(b"\0") + 1 + _TIMES_BYTES :], version=content[3]):
                if inner in {b"TIT2", b"TIT3"} and text:
                    charset = _CHARSETS[text[0]] if text[0] < len(_CHARSETS) else "latin-1"
                    yield CHAPTER, text[1:].decode(charset, "replace").strip("\0 ")


def _plain_frames(body: bytes, *, all_unsynchronised: bool) -> Iterator[tuple[bytes, bytes]]:
    for name, flags, data in _frames(body, version=_SYNCHSAFE):
        plain = data[_LENGTH_BYTES:] if flags & _FRAME_HAS_LENGTH else data
        yield name, _synchronised(plain) if all_unsynchronised or flags & _FRAME_UNSYNCHRONISED else plain


def _frames(data: bytes, *, version: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield the name, how it is written, and the data of each frame."""
    position = 0
    for _ in range(_MAX_FRAMES):
        header = data[position : position + _HEADER_BYTES]
        if len(header) < _HEADER_BYTES or not header[0]:
            return
        size = int.from_bytes(header[4:8], "big") if version < _SYNCHSAFE else _without_high_bits(header[4:8])
        position += _HEADER_BYTES + size
        yield header[:4], header[9], data[position - size : position]


def _synchronised(data: bytes) -> bytes:
    return data.replace(b"\xff\0", b"\xff")


def _without_high_bits(data: bytes) -> int:
    """A number with seven bits in each byte."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number


def _seven_bits(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
