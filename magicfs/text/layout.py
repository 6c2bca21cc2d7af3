"""The layout of a text with pages: running headers and footers, contents pages, headings, and the rows of tables.

The text layer of a PDF file says nothing of all that: it is found by the shape of lines and their neighbours, so that
an edit changes what is near it alone. Used by `chunking` through `headings`. Pure functions whose time is linear in
the length of the text; any thread.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final


class Role(enum.Enum):
    """What a line is."""

    BODY = enum.auto()
    RUNNING = enum.auto()
    """A line that stands at the edge of many pages, as one before has done already, or that numbers its page."""
    CONTENTS = enum.auto()
    """A line of a contents page or an index."""
    HEADING = enum.auto()
    TABLE_HEAD = enum.auto()
    """A line that names the columns of a table, or their unit."""
    LABEL = enum.auto()
    """A line without values between the rows of a table."""
    ROW = enum.auto()


@dataclass(slots=True)
class Line:
    """A line that is not blank."""

    text: str
    """The line without the space at its ends, and with one space between words."""
    page: int
    """Counted from 1."""
    role: Role = Role.BODY
    rank: int = 0
    """The rank of a heading: one of a lower rank stands above those of higher ranks."""


_EDGE_LINES: Final = 3
"""The lines at each edge of a page that may be running ones."""
_MIN_RUNNING_PAGES: Final = 4
_RUNNING_SHARE: Final = 0.3
"""The share of the pages that have a running line. Left and right pages often have different ones."""
_MAX_RUNNING_CHARACTERS: Final = 200
_MAX_NUMBERS: Final = 4
_MAX_PAGE_OFFSET: Final = 50
"""A number is that of its page if it differs from the count of pages by so much at most, and everywhere by as much."""

_MIN_CONTENTS_LINES: Final = 8
_CONTENTS_SHARE: Final = 0.5
_ASCENDING_SHARE: Final = 0.8

_MAX_HEADING_CHARACTERS: Final = 120
_MAX_HEADING_WORDS: Final = 16
_MAX_PLAIN_HEADING_WORDS: Final = 8
_MIN_HEADING_LETTERS: Final = 3
_FULL_LINE: Final = 0.75
"""A line of prose that is longer than this share of the page's width goes on in the next line."""
_MIN_CAPITAL_SHARE: Final = 0.7
_MAX_ROW_WORDS: Final = 14
_ROWS_NEAR_LABEL: Final = 2
_ROWS_NEAR_HEAD: Final = 4

_NUMBER: Final = re.compile(r"\d{1,5}")
_CONTENTS: Final = re.compile(r"\D.*[\s.\u2026_](\d{1,4})\Z")
_VALUE: Final = re.compile(
    r"[(\[]?[-+\u2212\u2013]?[$\u20ac\u00a3\u00a5]?\(?[-+\u2212]?\d[\d.,'\u00a0]*\)?[%x)]*\*?[,;]?"
    r"|[$\u20ac\u00a3\u00a5%()]+|[\u2014\u2013\u2212-]+%?\)?|(?:n/?a|n\.a\.|n/?m)",
    re.IGNORECASE,
)
"""A value of a table, or a sign that stands apart from it."""
_YEAR: Final = re.compile(r"(?:19|20)\d\d(?:[-/]\d\d)?[,:)]?")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_LINE_END: Final = re.compile(r"[.!?:;,\u2026]['\")\]\u201d\u2019]*\Z")
_KEYWORD: Final = re.compile(
    r"(part|chapter|appendix|annex|item|section|note|schedule|exhibit)\s+(?:[ivxlc]+|\d+[a-z]?(?:\.\d+)*|[a-z])\b",
    re.IGNORECASE,
)
_KEYWORD_RANKS: Final[Mapping[str, int]] = {
    "part": 0,
    **dict.fromkeys(("chapter", "appendix", "annex"), 1),
    "item": 2,
    "section": 3,
    **dict.fromkeys(("note", "schedule", "exhibit"), 4),
}
_NUMBERED: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3}){0,4})\.?\s+(?=[^\W\d_])")
_NUMBERED_RANK, _CAPITALS_RANK, _TITLE_RANK, _PLAIN_RANK = 5, 10, 11, 12
_SMALL_WORDS: Final = frozenset(
    {
        *(
            "a",
            "an",
            "and",
            "as",
            "at",
            "by",
            "for",
            "from",
            "in",
            "into",
            "of",
            "on",
            "or",
            "per",
            "the",
            "to",
            "with",
        ),
        *("das", "de", "der", "des", "die", "du", "et", "la", "le", "les", "und", "von"),
    }
)


def lines_of(text: str, page_starts: Sequence[int]) -> list[Line | None]:
    """The lines of a text, None for a blank one. `page_starts` are the offsets at which its pages begin."""
    lines: list[Line | None] = []
    pages: dict[int, list[Line]] = {}
    start = 0
    for text_line in text.split("\n"):
        end = start + len(text_line)
        words = text_line.split()
        found = Line(" ".join(words), bisect_right(page_starts, end) or 1) if words else None
        lines.append(found)
        if found is not None:
            pages.setdefault(found.page, []).append(found)
        start = end + 1
    _mark_running(pages)
    for on_page in pages.values():
        shown = [line for line in on_page if line.role is not Role.RUNNING]
        if _is_contents(shown, pages=len(page_starts)):
            for line in shown:
                line.role = Role.CONTENTS
        else:
            _mark_rows(shown)
            _mark_headings(shown)
    return lines


def _mark_running(pages: Mapping[int, Sequence[Line]]) -> None:
    """Mark running lines. The first one of each stays what it is, so that its words are found."""
    edges = [lines for page in pages.values() for lines in (page[:_EDGE_LINES], page[-_EDGE_LINES:][::-1])]
    keys = {id(line): frozenset(_running_keys(line)) for lines in edges for line in lines}
    counts = Counter(key for of_line in keys.values() for key in of_line)
    least = max(_MIN_RUNNING_PAGES, _RUNNING_SHARE * len(pages))
    seen: set[str] = set()
    for lines in edges:
        for line in lines:
            frequent = {key for key in keys[id(line)] if counts[key] >= least}
            if not frequent:
                break
            if seen.isdisjoint(frequent) and not line.text.isdecimal():
                seen |= frequent
            else:
                line.role = Role.RUNNING


def _running_keys(line: Line) -> Iterator[str]:
    """Yield what a running line has in common with those of other pages: its text, but for the number of the page."""
    if len(line.text) > _MAX_RUNNING_CHARACTERS:
        return
    yield line.text
    for number in list(_NUMBER.finditer(line.text))[:_MAX_NUMBERS]:
        offset = int(number[0]) - line.page
        if abs(offset) <= _MAX_PAGE_OFFSET:
            yield f"{line.text[: number.start()]}\0{offset}\0{line.text[number.end() :]}"


def _is_contents(lines: Sequence[Line], *, pages: int) -> bool:
    """Whether most lines of a page end with the number of a page, in ascending order."""
    if len(lines) < _MIN_CONTENTS_LINES:
        return False
    found = [int(match[1]) for line in lines if (match := _CONTENTS.match(line.text)) is not None]
    numbers = [number for number in found if number <= pages + _MAX_PAGE_OFFSET]
    ascending = sum(first <= second for first, second in pairwise(numbers))
    return len(numbers) >= _CONTENTS_SHARE * len(lines) and ascending >= _ASCENDING_SHARE * (len(numbers) - 1)


def _mark_rows(lines: Sequence[Line]) -> None:
    """Mark the rows of tables, and the lines that have years or a unit above their columns."""
    for line in lines:
        tokens = line.text.split()
        first = len(tokens)
        while first and _VALUE.fullmatch(tokens[first - 1]):
            first -= 1
        values = [token for token in tokens[first:] if any(map(str.isdigit, token)) or not set(token) & set("$()%")]
        if line.text.startswith("(") and line.text.endswith(")") and first:
            line.role = Role.TABLE_HEAD
        elif len(values) > 1:
            line.role = Role.TABLE_HEAD if all(map(_YEAR.fullmatch, values)) else Role.ROW
        elif values and first <= _MAX_ROW_WORDS and not _LINE_END.search(line.text) and _is_amount(line.text, values):
            line.role = Role.ROW


def _is_amount(text: str, values: Sequence[str]) -> bool:
    """Whether the only value of a line is one of a table and not, say, the number of a page."""
    return "$" in text or "," in values[-1] or "%" in values[-1]


def _mark_headings(lines: Sequence[Line]) -> None:
    """Mark headings, and the labels between the rows of a table."""
    lengths = sorted(len(line.text) for line in lines)
    width = lengths[int(len(lengths) * 0.9)] if lengths else 0
    for place, line in enumerate(lines[:-1]):
        if line.role is not Role.BODY:
            continue
        before = lines[place - 1] if place else None
        if not _may_be_heading(line.text, before, lines[place + 1], width=width):
            continue
        rank = _rank(line.text, width=width)
        if rank is None:
            continue
        line.rank = rank
        line.role = Role.LABEL if rank >= _CAPITALS_RANK and _is_in_table(lines, place) else Role.HEADING


def _may_be_heading(text: str, before: Line | None, after: Line, *, width: int) -> bool:
    """Whether a line stands where a heading may: it is short, and neither it nor the line before goes on below."""
    if len(text) > _MAX_HEADING_CHARACTERS or after.text[0].islower():
        return False
    if _LINE_END.search(text) and not _KEYWORD.match(text):
        return False
    is_prose = before is not None and before.role is Role.BODY and len(before.text) > _FULL_LINE * width
    return not (is_prose and before is not None and not _LINE_END.search(before.text))


def _rank(text: str, *, width: int) -> int | None:
    """The rank of a heading by its words; None for any other line."""
    words = _WORD.findall(text)
    if not words or len(words) > _MAX_HEADING_WORDS or sum(map(len, words)) < _MIN_HEADING_LETTERS:
        return None
    if (keyword := _KEYWORD.match(text)) is not None:
        return _KEYWORD_RANKS[keyword[1].lower()]
    if (numbered := _NUMBERED.match(text)) is not None and text[numbered.end()].isupper():
        return _NUMBERED_RANK + numbered[1].count(".")
    large = [word for word in words if word.lower() not in _SMALL_WORDS]
    return _rank_by_capitals(words, large, is_short=len(text) < _FULL_LINE * width) if large else None


def _rank_by_capitals(words: Sequence[str], large: Sequence[str], *, is_short: bool) -> int | None:
    """The rank of a heading without a number; `large` are its words but for articles and the like."""
    if not words[0][0].isupper():
        return None
    if all(map(str.isupper, large)):
        return _CAPITALS_RANK
    if sum(word[0].isupper() for word in large) >= _MIN_CAPITAL_SHARE * len(large):
        return _TITLE_RANK
    return _PLAIN_RANK if is_short and len(words) <= _MAX_PLAIN_HEADING_WORDS else None


def _is_in_table(lines: Sequence[Line], place: int) -> bool:
    """Whether a line without values stands inside of a table: after a row or the head, and with a row soon below."""
    before = lines[place - 1].role if place else Role.BODY
    if before not in {Role.ROW, Role.LABEL, Role.TABLE_HEAD}:
        return False
    near = _ROWS_NEAR_LABEL if before is Role.ROW else _ROWS_NEAR_HEAD
    return any(line.role is Role.ROW for line in lines[place + 1 : place + 1 + near])
