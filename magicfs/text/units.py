"""Splits a text into units, the smallest pieces that a chunk is made of, each with the boundary before it.

A unit is a line that is not blank, or a piece of a long line. Used by `chunking` alone. Pure functions whose time is
linear in the length of the text; any thread.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from magicfs.text.fences import FencedCode


class Boundary(enum.IntEnum):
    """What lies before a unit. A chunk ends at the highest boundary it can."""

    INSIDE = 0
    """Inside a sentence, after a heading, or before a closing bracket."""
    LINE = 1
    SENTENCE = 2
    """After the end of a sentence, or before code that returns to the left margin."""
    INDENTED_PARAGRAPH = 3
    """After a blank line inside a function, a list or a block of code."""
    PARAGRAPH = 4
    """After a blank line."""
    HEADING = 5
    """Before a heading or a new page."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A line or a piece of one: `text[start:end]`."""

    start: int
    end: int
    line: int
    """Counted from 1."""
    boundary: Boundary
    """The boundary before the unit."""


_SENTENCE_END = re.compile(
    r"""[.!?\u2026]["')\]\u00bb\u201d\u2019]*\s+|[\u3002\uff01\uff1f\uff1b]+[\u300d\u300f\uff09]*"""
)
_LINE_ENDS_SENTENCE = re.compile(r"""[.!?:\u2026\u3002\uff01\uff1f]["')\]\u00bb\u201d\u2019*_`]*\s*\Z""")
_WORD_END = re.compile(r"[\s,;:)\]}>|/&]+")
_SENTENCE_END_CHARACTERS = 8
"""Characters at the end of a line in which the end of a sentence is searched for."""

_CLOSING = ("}", ")", "]", "</", "end", "else", "elif", "except", "finally", "catch", "fi", "done", "esac")

_TYPES_WITH_FENCED_CODE = frozenset({"text/markdown"})


def units_of(
    text: str, *, mime_type: str, heading_lines: Collection[int], bounds: Sequence[int], max_characters: int
) -> list[Unit]:
    """The units of `text` in order; none is longer than `max_characters`, none is blank.

    `heading_lines` are the lines of headings, from 1: see `outline`. `bounds` are offsets at which pages begin.
    """
    boundaries = _Boundaries(mime_type)
    units: list[Unit] = []
    page = 0
    start = 0
    for index, line in enumerate(text.split("\n")):
        boundary = boundaries.before(line, is_heading=index + 1 in heading_lines)
        end = start + len(line)
        if boundary is not None:
            page_of_line = bisect_right(bounds, end) if bounds else 0
            if page_of_line != page:
                page, boundary = page_of_line, Boundary.HEADING
            if len(line) <= max_characters:
                units.append(Unit(start, end, index + 1, boundary))
            else:
                units.extend(_split_line(line, start, index + 1, boundary, max_characters))
        start = end + 1
    return units


class _Boundaries:
    """Finds the boundary before each line of a text. Takes the lines in order: a boundary depends on those above."""

    def __init__(self, mime_type: str) -> None:
        self._has_fences = mime_type in _TYPES_WITH_FENCED_CODE
        self._code = FencedCode()
        self._after_blank = True
        self._after_heading = False
        self._after_sentence = True
        self._indent = 0

    def before(self, line: str, *, is_heading: bool) -> Boundary | None:
        """The boundary before `line`; None for a blank line."""
        body = line.lstrip()
        if not body:
            self._after_blank = True
            return None
        indent = len(line) - len(body)
        if self._has_fences and self._code.read(line) and not self._code.is_open:
            boundary = Boundary.INSIDE
        elif is_heading and not self._after_heading:
            boundary = Boundary.HEADING
        else:
            boundary = self._without_heading(body, indent)
        if self._code.is_open:
            boundary = min(boundary, Boundary.INDENTED_PARAGRAPH)
        self._after_heading = is_heading
        self._after_blank = False
        self._indent = indent
        self._after_sentence = (
            _LINE_ENDS_SENTENCE.search(line, max(0, len(line) - _SENTENCE_END_CHARACTERS)) is not None
        )
        return boundary

    def _without_heading(self, body: str, indent: int) -> Boundary:
        if self._after_heading or body.startswith(_CLOSING):
            return Boundary.INSIDE
        if self._after_blank:
            return Boundary.INDENTED_PARAGRAPH if indent else Boundary.PARAGRAPH
        if self._after_sentence or (self._indent and not indent):
            return Boundary.SENTENCE
        return Boundary.LINE


def _split_line(line: str, offset: int, number: int, boundary: Boundary, max_characters: int) -> Iterator[Unit]:
    """Yield the units of a long line: its sentences, and pieces of sentences that are too long."""
    start = 0
    for end, ends_sentence in _cuts(line, max_characters):
        if not line[start:end].isspace():
            yield Unit(offset + start, offset + end, number, boundary)
            boundary = Boundary.SENTENCE if ends_sentence else Boundary.INSIDE
        start = end


def _cuts(line: str, max_characters: int) -> Iterator[tuple[int, bool]]:
    """Yield the end of each piece of a line, and whether a sentence ends there.

    A long sentence is cut at the first word end in the second half of the allowed length instead of the last one, so
    that after an edit the later cuts of the line are soon the old ones again.
    """
    start = 0
    ends = [match.end() for match in _SENTENCE_END.finditer(line)]
    if not ends or ends[-1] != len(line):
        ends.append(len(line))
    for end in ends:
        while end - start > max_characters:
            match = _WORD_END.search(line, start + max_characters // 2, start + max_characters)
            start = match.end() if match else start + max_characters
            yield start, False
        if end > start:
            yield end, True
            start = end
