"""Takes encoded data out of a text: what is left has the same lines and pages.

Used by `magicfs.text.extract`, before chunking. Linear in the length of the text; an ordinary text costs a quick look
(`shapes`). Pure; any thread.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from magicfs.domain.contents import Document
from magicfs.text.encoded import base64_runs, coordinates, hex_dumps, minified
from magicfs.text.encoded.base64_runs import Span
from magicfs.text.encoded.shapes import Shape, shape_of


@dataclass(frozen=True, slots=True)
class Stripped:
    """A text without its encoded data."""

    text: str
    removed_characters: int
    """The length of what was taken out."""


def strip_encoded(text: str, *, mime_type: str) -> Stripped:
    """A text without its encoded data. In the place of each run stand a blank and the newlines that it had."""
    spans = _spans(text)
    left = _cut(text, spans)
    removed = _length(spans)
    if mime_type in minified.TYPES:
        code = list(minified.minified_lines(left))
        left, removed = _cut(left, code), removed + _length(code)
    return Stripped(left, removed)


def strip_document(document: Document) -> Document:
    """A document without the encoded data of its text. Pages begin where they began."""
    spans = _spans(document.text)
    if not spans:
        return document
    return replace(
        document,
        text=_cut(document.text, spans),
        page_starts=tuple(_moved(document.text, spans, document.page_starts)),
        encoded_characters=document.encoded_characters + _length(spans),
    )


def _cut(text: str, spans: Sequence[Span]) -> str:
    if not spans:
        return text
    parts: list[str] = []
    kept = 0
    for start, end in spans:
        parts += [text[kept:start], " ", "\n" * text.count("\n", start, end)]
        kept = end
    return "".join([*parts, text[kept:]])


def _length(spans: Sequence[Span]) -> int:
    return sum(end - start for start, end in spans)


def _spans(text: str) -> list[Span]:
    """The spans of encoded data, ascending, without overlaps."""
    shape = shape_of(text)
    return [] if shape.is_plain else _without_overlaps(_found(text, shape))


def _found(text: str, shape: Shape) -> Iterator[Span]:
    """The spans of each kind that a text may have."""
    if shape.data_urls:
        yield from base64_runs.data_urls(text)
    if shape.announced:
        yield from base64_runs.announced(text)
    if shape.runs:
        yield from base64_runs.runs(text)
    if shape.dumps:
        yield from hex_dumps.dumps(text)
    if shape.arrays:
        yield from hex_dumps.arrays(text)
    if shape.coordinates:
        yield from coordinates.coordinates(text)


def _without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """The spans in order; those that overlap are one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def _moved(text: str, removed: Sequence[Span], offsets: Iterable[int]) -> Iterator[int]:
    """Where offsets of the original text are in the stripped one."""
    starts = [start for start, _ in removed]
    shifts = [0]
    for start, end in removed:
        shifts.append(shifts[-1] + end - start - 1 - text.count("\n", start, end))
    for offset in offsets:
        index = bisect_right(starts, offset)
        inside = max(0, removed[index - 1][1] - offset) if index else 0
        yield offset + inside - shifts[index]
