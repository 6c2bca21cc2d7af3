"""Reads what a film in AVI says of itself: title, artist, comment, the day on which it was taken.

Runs in the child process, called by `recordings`. Untrusted bytes; pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.plain.plain_text import decode

AVI_TYPE: Final = "video/x-msvideo"

_HEADER_BYTES: Final = 8
_LISTS: Final = {b"RIFF": 4, b"LIST": 4}
"""Chunks that hold others, behind four bytes that say what they are."""
_PICTURES: Final = (b"movi", b"strl")
_INFORMATION: Final = b"INFO"
_TEXTS: Final = {
    b"INAM": "title", b"TITL": "title", b"IART": "artist", b"IPRD": "album", b"ISBJ": "subject", b"IGNR": "genre",
    b"ICRD": "year", b"IDIT": "date", b"ICMT": "comment", b"COMM": "comment", b"IKEY": "keywords",
    b"ICOP": "copyright", b"IPRO": "producer", b"ISTR": "starring", b"IWRI": "writer", b"ISRC": "source",
    b"ILNG": "language", b"IARL": "location", b"ILOC": "location", b"ICNT": "country", b"IENG": "engineer",
}  # fmt: skip
_MAX_DEPTH: Final = 4
_MAX_CHUNKS: Final = 1000


def read_avi(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the fields, in the order of the file. Damage ends it early."""
    for kind, data in _chunks(memoryview(content), _MAX_DEPTH, [_MAX_CHUNKS]):
        if kind in _TEXTS:
            yield _TEXTS[kind], (decode(bytes(data).rstrip(b"\0 \r\n")) or "").strip()


def _chunks(data: memoryview, depth: int, left: list[int]) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the chunks that say something, wherever lists of them stand."""
    position = 0
    while position + _HEADER_BYTES <= len(data) and left[0]:
        left[0] -= 1
        kind = bytes(data[position : position + 4])
        begin = position + _HEADER_BYTES
        end = begin + int.from_bytes(data[position + 4 : begin], "little")
        inner = data[begin:end]
        if kind not in _LISTS:
            yield kind, inner
        elif depth and bytes(inner[:4]) not in _PICTURES:
            yield from _chunks(inner[_LISTS[kind] :], depth - 1, left)
        position = end + end % 2
