"""Reads the beginning and the end of a text that is longer than the limit of a text, with the numbers of their lines.

A log is searched for what it says last, and a table is little without its head. Used by `FileExtractor` in the worker's
own process, for whole contents and for those of large files, whose middle is missing. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from magicfs.domain.contents import Gap, Omission
from magicfs.text.extract.plain.line_ends import count_line_ends
from magicfs.text.extract.plain.plain_text import truncate
from magicfs.text.extract.plain.text_pieces import PieceReader

_LINE_END_CHARACTERS: Final = 4096
"""Characters behind a cut in which a line end is searched for."""


@dataclass(frozen=True, slots=True)
class TextEnds:
    """A text within the limit: whole, or its beginning and its end."""

    text: str
    removed_characters: int
    """The length of the encoded data that was taken out."""
    cut_bytes: int = 0
    """Bytes that are not in the text, those of the middle or of the end."""
    omission: Omission | None = None
    """Where the middle is left out; None where the end is, or nothing."""


def read_ends(content: bytes, *, mime_type: str, max_bytes: int, gap: Gap | None = None) -> TextEnds | None:
    """The text of `content`, or as much of it as has `max_bytes` in UTF-8; None when it is not text.

    One half of a longer text is its beginning, and one half its end. Without an end, all is the beginning.
    """
    has_end = gap is None or gap.offset < len(content)
    end_bytes = max_bytes // 2 if has_end else 0
    reader = PieceReader(content, mime_type=mime_type)
    read = _read_from_both_sides(reader, content, gap, head_bytes=max_bytes - end_bytes, tail_bytes=end_bytes)
    if not reader.is_text:
        return None
    head, tail, lines_before = read.head, read.tail, read.lines_before
    read_bytes = _size(head) + _size(tail)
    is_whole = gap is None and not read.unread_bytes
    if is_whole:
        if read_bytes <= max_bytes:
            return TextEnds(head + tail, reader.removed_characters)
        tail, lines_before = head + tail, 0
    end = _end_of(tail, max_bytes=end_bytes)
    before_end = tail[: len(tail) - len(end)]
    beginning, _ = truncate(before_end if is_whole else head, max_bytes=max_bytes - _size(end))
    if end and not beginning.endswith("\n"):
        beginning += "\n"
    cut_bytes = max(0, read_bytes - _size(beginning) - _size(end)) + read.unread_bytes + (gap.length if gap else 0)
    omission = Omission(len(beginning), lines_before + before_end.count("\n") + 1) if end else None
    return TextEnds(beginning + end, reader.removed_characters, cut_bytes, omission)


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a content from both of its sides."""

    head: str
    tail: str
    lines_before: int
    """The line ends in the file before the tail."""
    unread_bytes: int
    """Bytes of the content between both."""


def _read_from_both_sides(
    reader: PieceReader, content: bytes, gap: Gap | None, *, head_bytes: int, tail_bytes: int
) -> _Read:
    """Read pieces from the beginning until they have more than `head_bytes` in UTF-8, and from the end likewise."""
    if gap is None:
        spans = list(reader.spans(0, len(content)))
        seam = len(spans)
    else:
        spans = list(reader.spans(0, reader.cut_before(gap.offset, begin=0)))
        seam = len(spans)
        spans += reader.spans(reader.cut_after(gap.offset), len(content))
    first, last = 0, len(spans)
    head: list[str] = []
    while first < seam and sum(map(_size, head)) <= head_bytes:
        head.append(reader.read(spans[first]))
        first += 1
    tail: list[str] = []
    while last > (first if gap is None else seam) and sum(map(_size, tail)) <= tail_bytes:
        last -= 1
        tail.append(reader.read(spans[last]))
    head_end = spans[first - 1][1] if first else 0
    tail_start = spans[last][0] if last < len(spans) else len(content)
    begin = gap.offset if gap else 0
    counted = gap.line_ends if gap else 0
    lines_before = counted + count_line_ends(content[begin:tail_start], reader.wide) if tail else 0
    return _Read("".join(head), "".join(reversed(tail)), lines_before, tail_start - head_end)


def _size(text: str) -> int:
    return len(text.encode("utf-8"))


def _end_of(text: str, *, max_bytes: int) -> str:
    """The end of a text that fits into `max_bytes` of UTF-8, from a line near the limit on."""
    data = text.encode("utf-8")
    if len(data) <= max_bytes:
        return text
    end = data[len(data) - max_bytes :].decode("utf-8", errors="ignore")
    line_end = end.find("\n", 0, _LINE_END_CHARACTERS)
    return end[line_end + 1 :]
