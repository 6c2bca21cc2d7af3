"""Reads a text piece by piece, so that a large file takes little more memory than its bytes and the text that is kept.

Decoding, escapes and the search for encoded data each copy a text, and a single sign beyond the usual ones makes each
copy four times as large. Used by `FileExtractor` in the worker's own process. Pure functions; any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from magicfs.text.encoded.strip import strip_encoded
from magicfs.text.extract.plain.decoding import read_text
from magicfs.text.extract.plain.text_bytes import WideEncoding, wide_encoding

PIECE_BYTES: Final = 4 << 20
"""Nearly all files are one piece."""

LINE_END_BYTES: Final = 256 << 10
"""Bytes at the end of a piece, or at the beginning of one, in which a line end is searched for."""

_CUTS: Final = ("\n", "\r", " ")
"""Where a text is cut: line ends, those of old files too, before blanks."""

_NOT_FIRST: Final = range(0x80, 0xC0)
"""The bytes of UTF-8 that go on a character."""

_HIGH_SURROGATES: Final = range(0xD8, 0xDC)
"""The upper bytes of the first half of a character of UTF-16."""

_MAX_UNREAD_SHARE: Final = 0.2
"""Bytes of which more pieces are no text are no text: where they are binary, a tenth is control characters."""


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text without encoded data."""

    text: str
    removed_characters: int
    """The length of the encoded data that was taken out."""


class PieceReader:
    """Reads pieces of one content, in any order, and tells whether it is text."""

    def __init__(self, content: bytes, *, mime_type: str, keeps_encoded: bool = False) -> None:
        """With `keeps_encoded`, encoded data stay in the text."""
        self._content = content
        self._mime_type = mime_type
        self._keeps_encoded = keeps_encoded
        self.removed_characters = 0
        """The length of the encoded data in the pieces that were read."""
        self._pieces = self._read = self._unread = 0

    @cached_property
    def wide(self) -> WideEncoding | None:
        """The encoding of the content if it is UTF-16 or UTF-32; nothing asks for that of a content of one piece."""
        return wide_encoding(self._content)

    @property
    def is_text(self) -> bool:
        """Whether enough pieces were text to take the whole file for text."""
        return self._read > 0 and self._unread <= _MAX_UNREAD_SHARE * self._pieces

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield where the pieces between two places begin and end: each is a text of its own."""
        while start < end:
            cut = self.cut_before(start + PIECE_BYTES, begin=start) if start + PIECE_BYTES < end else end
            yield start, cut
            start = cut

    def read(self, span: tuple[int, int]) -> str:
        """The text of a piece, without encoded data; empty if it is not text."""
        self._pieces += 1
        piece = self._content
        if span != (0, len(piece)):
            piece = piece[slice(*span)]
            if self.wide is not None and not piece.startswith(self.wide.bom):
                piece = self.wide.bom + piece
        text = read_text(piece, mime_type=self._mime_type, whole=self._content)
        if text is None:
            # A file that was cut while it was written may have a hole.
            self._unread += bool(piece.strip(b"\0"))
            return ""
        self._read += 1
        if self._keeps_encoded:
            return text
        stripped = strip_encoded(text, mime_type=self._mime_type)
        self.removed_characters += stripped.removed_characters
        return stripped.text

    def cut_after(self, begin: int) -> int:
        """Where a piece begins behind a place: after a line end, else after a word, else between two characters."""
        content, wide = self._content, self.wide
        width = wide.unit_bytes if wide else 1
        for sign in _CUTS:
            encoded = sign.encode(wide.codec if wide else "ascii")
            place = content.find(encoded, begin, begin + LINE_END_BYTES)
            while place >= 0 and place % width:
                place = content.find(encoded, place + 1, begin + LINE_END_BYTES)
            if place >= 0:
                return place + width
        if wide is None:
            return next((place for place in range(begin, begin + 4) if not _goes_on(content, place)), begin)
        return begin

    def cut_before(self, end: int, *, begin: int) -> int:
        """Where a piece ends that goes on up to `end`: after a line, else after a word, else between two characters."""
        content, wide = self._content, self.wide
        for sign in _CUTS:
            encoded = sign.encode(wide.codec if wide else "ascii")
            cut = _after_last(content, encoded, max(begin, end - LINE_END_BYTES), end)
            if cut is not None:
                return cut
        if wide is None:
            return next((place for place in range(end, end - 4, -1) if not _goes_on(content, place)), end)
        return end - wide.unit_bytes if _is_high_surrogate(content[end - 2 : end], wide) else end


def read_pieces(content: bytes, *, mime_type: str, keeps_encoded: bool = False) -> ReadText | None:
    """The text of `content`, with `keeps_encoded` with its encoded data; None when it is not text."""
    reader = PieceReader(content, mime_type=mime_type, keeps_encoded=keeps_encoded)
    text = "".join(map(reader.read, reader.spans(0, len(content))))
    return ReadText(text, reader.removed_characters) if reader.is_text else None


def _goes_on(content: bytes, place: int) -> bool:
    """Whether a character of UTF-8 goes on at a place."""
    return place < len(content) and content[place] in _NOT_FIRST


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
