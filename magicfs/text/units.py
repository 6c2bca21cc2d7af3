"""Cuts a text into units, the smallest pieces that a chunk is made of, and grades the boundaries between them.

A unit is a line that is not blank, or a piece of a long line. Used by `chunk` alone. Pure, linear in the length of
the text; any thread.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


class Level(enum.IntEnum):
    """How well a text can be cut before a unit; higher is better."""

    INSIDE = 0
    """Inside a sentence, after a heading, before a closing bracket."""
    LINE = 1
    SENTENCE = 2
    """After the end of a sentence, or where code goes back to the margin."""
    INDENTED_PARAGRAPH = 3
    """After a blank line, inside something: a function, a list, a block of code."""
    PARAGRAPH = 4
    HEADING = 5
    """Before a heading or at the start of a page."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of one line: where it lies in the text, on which line, and how well it can be cut off from before."""

    start: int
    end: int
    line: int
    level: Level


_SENTENCE_END = re.compile(
    r"""[.!?\u2026]["')\]\u00bb\u201d\u2019]*\s+|[\u3002\uff01\uff1f\uff1b]+[\u300d\u300f\uff09]*"""
)
_LINE_ENDS_SENTENCE = re.compile(r"""[.!?:\u2026\u3002\uff01\uff1f]["')\]\u00bb\u201d\u2019*_`]*\s*\Z""")
_BREAK = re.compile(r"[\s,;:)\]}>|/&]+")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_UNDERLINE = re.compile(r"([=\-~^*#\"'])\1{2,}\s*\Z")
_CLOSING = ("}", ")", "]", "</", "end", "else", "elif", "except", "finally", "catch", "fi", "done", "esac")

_HEADINGS = {
    "text/markdown": re.compile(r"#{1,6}\s"),
    "text/x-org": re.compile(r"\*{1,8}\s"),
    "text/x-asciidoc": re.compile(r"={1,6}\s"),
    "text/x-tex": re.compile(r"\s*\\(?:part|chapter|(?:sub)*section|paragraph)\b"),
    "text/x-wiki": re.compile(r"={1,6}[^=]"),
}
_UNDERLINED = frozenset({"text/markdown", "text/x-rst", "text/plain"})
_FENCED = frozenset({"text/markdown"})


def units_of(text: str, *, mime_type: str, page_starts: Sequence[int], longest: int) -> list[Unit]:
    """Return the units of `text` in order; none is longer than `longest` characters, none is blank."""
    grader = _Grader(mime_type)
    units: list[Unit] = []
    page = 0
    at = 0
    lines = text.split("\n")
    lines.append("")
    for number in range(len(lines) - 1):
        line = lines[number]
        level = grader.grade(line, lines[number + 1])
        if level is not None:
            here = bisect_right(page_starts, at + len(line)) if page_starts else 0
            if here != page:
                page, level = here, Level.HEADING
            if len(line) <= longest:
                units.append(Unit(at, at + len(line), number + 1, level))
            else:
                units.extend(_pieces(line, at, number + 1, level, longest))
        at += len(line) + 1
    return units


class _Grader:
    """Grades lines one after another; remembers what stands above."""

    def __init__(self, mime_type: str) -> None:
        self._heading = _HEADINGS.get(mime_type)
        self._underlined = mime_type in _UNDERLINED
        self._fenced = mime_type in _FENCED
        self._in_fence = False
        self._blank = True
        self._after_heading = False
        self._indent = 0
        self._ended = True

    def grade(self, line: str, following: str) -> Level | None:
        """Return how well the text can be cut before `line`; None for a blank line."""
        body = line.lstrip()
        if not body:
            self._blank = True
            return None
        indent = len(line) - len(body)
        if self._fenced and _FENCE.match(line):
            self._in_fence = not self._in_fence
            level = self._plain(body, indent) if self._in_fence else Level.INSIDE
            heading = False
        else:
            heading = not self._in_fence and self._is_heading(line, following)
            level = Level.HEADING if heading and not self._after_heading else self._plain(body, indent)
        if self._in_fence:
            level = min(level, Level.INDENTED_PARAGRAPH)
        underline = self._after_heading and self._underlined and _UNDERLINE.match(body) is not None
        self._after_heading = heading or underline
        self._blank = False
        self._indent = indent
        self._ended = _LINE_ENDS_SENTENCE.search(line, max(0, len(line) - 8)) is not None
        return level

    def _plain(self, body: str, indent: int) -> Level:
        if self._after_heading or body.startswith(_CLOSING):
            return Level.INSIDE
        if self._blank:
            return Level.INDENTED_PARAGRAPH if indent else Level.PARAGRAPH
        if self._ended or (self._indent and not indent):
            return Level.SENTENCE
        return Level.LINE

    def _is_heading(self, line: str, following: str) -> bool:
        if self._heading is not None and self._heading.match(line):
            return True
        return (
            self._underlined
            and self._blank
            and len(following) * 2 >= len(line)
            and _UNDERLINE.match(following) is not None
            and not _UNDERLINE.match(line)
        )


def _pieces(line: str, offset: int, number: int, level: Level, longest: int) -> Iterator[Unit]:
    """Cut a long line into sentences, and long sentences where a word ends."""
    start = 0
    for end, ends_sentence in _cuts(line, longest):
        if not line[start:end].isspace():
            yield Unit(offset + start, offset + end, number, level)
            level = Level.SENTENCE if ends_sentence else Level.INSIDE
        start = end


def _cuts(line: str, longest: int) -> Iterator[tuple[int, bool]]:
    """Yield where to cut, and whether a sentence ends there.

    Inside a sentence, the first break in the second half of what is allowed is taken, so that the cuts of an edited
    line soon fall again where those of the old line fell.
    """
    start = 0
    ends = [found.end() for found in _SENTENCE_END.finditer(line)]
    if not ends or ends[-1] != len(line):
        ends.append(len(line))
    for end in ends:
        while end - start > longest:
            found = _BREAK.search(line, start + longest // 2, start + longest)
            start = found.end() if found else start + longest
            yield start, False
        if end > start:
            yield end, True
            start = end
