"""Reads a text piece by piece, so that a large file takes little more memory than its bytes and the text that is kept.

Decoding, escapes and the search for encoded data each copy a text, and a single sign beyond the usual ones makes each
copy four times as large. Used by `FileExtractor` in the worker's own process. Pure functions; any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from magicfs.text.encoded.strip import strip_encoded
from magicfs.text.extract.plain.decoding import read_text
from magicfs.text.extract.plain.text_bytes import WideEncoding, wide_encoding

PIECE_BYTES: Final = 4 << 20
"""Nearly all files are one piece."""

_LINE_END_BYTES: Final = 256 << 10
"""Bytes at the end of a piece in which a line end is searched for."""

_NOT_FIRST: Final = range(0x80, 0xC0)
"""The bytes of UTF-8 that go on a character."""

_HIGH_SURROGATES: Final = range(0xD8, 0xDC)
"""The upper bytes of the first half of a character of UTF-16."""

_MAX_UNREAD_SHARE: Final = 0.2
"""Bytes of which more pieces are no text are no text: where they are binary, a tenth is control characters."""


@dataclass(frozen=True, slots=True)
class ReadText:
    """The beginning of a text, without encoded data."""

    text: str
    removed_characters: int
    """The length of the encoded data that was taken out."""
    rest_bytes: int
    """Bytes of the content that were not read, because the text is long enough."""


def read_pieces(content: bytes, *, mime_type: str, enough_bytes: int | None = None) -> ReadText | None:
    """The text of `content`, or as much of it as has `enough_bytes` in UTF-8; None when it is not text."""
    texts: list[str] = []
    pieces = unread = removed = read_bytes = kept_bytes = 0
    for piece, length in _pieces(content):
        pieces, read_bytes = pieces + 1, read_bytes + length
        text = read_text(piece, mime_type=mime_type, whole=content)
        if text is None:
            # A file that was cut while it was written may have a hole.
            unread += bool(piece.strip(b"\0"))
            continue
        stripped = strip_encoded(text, mime_type=mime_type)
        texts.append(stripped.text)
        removed += stripped.removed_characters
        kept_bytes += len(stripped.text.encode("utf-8"))
        if enough_bytes is not None and kept_bytes > enough_bytes:
            break
    if not texts or unread > _MAX_UNREAD_SHARE * pieces:
        return None
    return ReadText("".join(texts), removed, len(content) - read_bytes)


def _pieces(content: bytes) -> Iterator[tuple[bytes, int]]:
    """The pieces of `content`, each a text of its own, and the number of bytes that it has in `content`."""
    if len(content) <= PIECE_BYTES:
        yield content, len(content)
        return
    wide = wide_encoding(content)
    start = 0
    while start < len(content):
        end = _end(content, start, wide)
        piece = content[start:end]
        yield (piece if wide is None or piece.startswith(wide.bom) else wide.bom + piece), end - start
        start = end


def _end(content: bytes, start: int, wide: WideEncoding | None) -> int:
    """Where a piece ends that begins at `start`: after a line, else after a word, else between two characters."""
    end = start + PIECE_BYTES
    if end >= len(content):
        return len(content)
    for sign in ("\n", " "):
        encoded = sign.encode(wide.codec if wide else "ascii")
        cut = _after_last(content, encoded, end - _LINE_END_BYTES, end)
        if cut is not None:
            return cut
    if wide is None:
        return next((place for place in range(end, end - 4, -1) if content[place] not in _NOT_FIRST), end)
    return end - wide.unit_bytes if _is_high_surrogate(content[end - 2 : end], wide) else end


def _after_last(content: bytes, sign: bytes, start: int, end: int) -> int | None:
    """The place after the last `sign` between `start` and `end`; None if there is none.

    A line that goes on in the next one, which begins with a blank then, is passed over for one that does not.
    """
    width, found = len(sign), None
    place = content.rfind(sign, start, end)
    while place >= 0:
        after = place + width
        if place % width == 0:
            found = found or after
            goes_on = b"\n" in sign and content[after : after + width].strip(b"\0") in (b" ", b"\t")
            if not goes_on:
                return after
        place = content.rfind(sign, start, after - 1)
    return found


def _is_high_surrogate(unit: bytes, wide: WideEncoding) -> bool:
    """Whether two bytes are the first half of a character."""
    high = unit[1] if wide.codec.endswith("le") else unit[0]
    return wide.unit_bytes == len(unit) and high in _HIGH_SURROGATES
