"""What stands above each line of a text: the headings, and in PDF files the head of the table that the line is in.

Used by `chunking`, for the context of chunks and for where they end. A PDF file says nothing of its headings: the lines
of `layout` are read in order. Other texts state them (`outline`). Belongs to one document; any thread.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from magicfs.domain.contents import Document
from magicfs.text.layout import Line, Role, lines_of
from magicfs.text.outline import Outline, outline_of
from magicfs.text.units import Boundary, Unit

_TYPES_WITH_LAYOUT: Final = frozenset({"application/pdf"})
"""Types whose text has pages but says nothing of its headings and tables."""

_MAX_JOINED_CHARACTERS: Final = 120
"""Headings in successive lines are one, up to this length."""
_MAX_HEAD_LINES: Final = 3
_LINES_THAT_END_TABLE: Final = 4
"""So many lines of prose after the last row end a table: a label may go over several lines."""
_IN_TABLE: Final = frozenset({Role.ROW, Role.LABEL})
_LEADING: Final = frozenset({Role.HEADING, Role.TABLE_HEAD, Role.LABEL})
"""Lines that belong to what follows."""


@dataclass(frozen=True, slots=True)
class Above:
    """What stands above a line."""

    headings: tuple[str, ...] = ()
    """The outermost first."""
    table_head: str = ""
    """The names of the columns, for a line inside of a table."""


@dataclass(slots=True)
class _Reader:
    """The headings and the table at the line that is read."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    table_head: list[str] = field(default_factory=list)
    label: str = ""
    prose_lines: int = 0
    """Since the last row of the table."""
    last: Role = Role.BODY

    def above(self, line: Line) -> Above:
        """What stands above the next line."""
        rank = line.rank if line.role is Role.HEADING else None
        headings = [text for level, text in self.headings if rank is None or level < rank]
        if line.role not in _IN_TABLE and not (line.role is Role.BODY and self.prose_lines == 0):
            return Above(tuple(headings))
        if self.label and line.role is Role.ROW:
            headings.append(self.label)
        return Above(tuple(headings), " ".join(self.table_head))

    def read(self, line: Line) -> None:
        """Take the next line."""
        if line.role is Role.HEADING:
            self._read_heading(line)
        elif line.role is Role.TABLE_HEAD or (line.role is Role.LABEL and self.last is Role.TABLE_HEAD):
            before = self.table_head if self.last is Role.TABLE_HEAD else []
            self.table_head = [*before, line.text][-_MAX_HEAD_LINES:]
            self.label, self.prose_lines = "", 0
        elif line.role is Role.LABEL:
            self.label = line.text
        elif line.role is Role.ROW:
            self.prose_lines = 0
        else:
            self.prose_lines += 1
            if self.prose_lines == _LINES_THAT_END_TABLE:
                self.table_head, self.label = [], ""
        self.last = line.role

    def _read_heading(self, line: Line) -> None:
        rank, text = self.headings[-1] if self.headings else (0, "")
        if self.last is Role.HEADING and rank <= line.rank and len(text) + len(line.text) < _MAX_JOINED_CHARACTERS:
            self.headings[-1] = rank, f"{text} {line.text}"
        else:
            self.headings = [entry for entry in self.headings if entry[0] < line.rank]
            self.headings.append((line.rank, line.text))
        self.table_head, self.label, self.prose_lines = [], "", _LINES_THAT_END_TABLE


class Layout:
    """The layout of one document."""

    def __init__(self, document: Document) -> None:
        has_layout = document.mime_type in _TYPES_WITH_LAYOUT and bool(document.page_starts)
        self._lines = lines_of(document.text, document.page_starts) if has_layout else []
        self._bounds = document.chunk_bounds
        outline = Outline() if has_layout else outline_of(document)
        self._stated = {heading.line: heading for heading in outline.headings}
        self.heading_lines = outline.lines
        """The lines of the headings that the text states, from 1; empty where they are found by the layout."""

    def arranged(self, units: Sequence[Unit]) -> list[Unit]:
        """The units without running headers and footers, and with the boundaries of headings and tables."""
        if not self._lines:
            return list(units)
        kept: list[Unit] = []
        before: Line | None = None
        for unit in units:
            line = self._line(unit)
            if line.role is not Role.RUNNING:
                kept.append(replace(unit, boundary=_boundary(unit, line, before)))
                before = line
        return kept

    def page_ends(self, units: Sequence[Unit]) -> list[int]:
        """The index of the unit after the last one, for each page, and for each side of an omission."""
        if not self._bounds:
            return [len(units)]
        pages = [self._line(unit).page if self._lines else bisect_right(self._bounds, unit.start) for unit in units]
        return [end for end in range(1, len(pages)) if pages[end] != pages[end - 1]] + [len(units)]

    def above(self, numbers: Collection[int]) -> dict[int, Above]:
        """What stands above each of some lines, by their numbers from 1; of texts without headings nothing."""
        if not self._lines:
            return self._stated_above(numbers)
        found: dict[int, Above] = {}
        wanted = frozenset(numbers)
        reader = _Reader()
        for number, line in enumerate(self._lines, 1):
            if line is not None and line.role is not Role.RUNNING:
                if number in wanted:
                    found[number] = reader.above(line)
                reader.read(line)
        return found

    def _stated_above(self, numbers: Collection[int]) -> dict[int, Above]:
        if not self._stated:
            return {}
        found: dict[int, Above] = {}
        open_headings: list[tuple[int, str]] = []
        for number in sorted({*numbers, *self._stated}):
            heading = self._stated.get(number)
            if heading is not None:
                open_headings = [entry for entry in open_headings if entry[0] < heading.rank]
            found[number] = Above(tuple(text for _, text in open_headings))
            if heading is not None:
                open_headings.append((heading.rank, heading.text))
        return found

    def headings_in(self, units: Sequence[Unit]) -> list[str]:
        """The headings among some units."""
        if not self._lines:
            lines = dict.fromkeys(unit.line for unit in units)
            return [self._stated[line].text for line in lines if line in self._stated]
        return [line.text for unit in units if (line := self._line(unit)).role is Role.HEADING]

    def _line(self, unit: Unit) -> Line:
        return self._lines[unit.line - 1] or Line("", 0)


def _boundary(unit: Unit, line: Line, before: Line | None) -> Boundary:
    """The boundary before a unit: what belongs to the lines below stays with them."""
    if before is not None and before.page == line.page and before.role in _LEADING:
        return Boundary.INSIDE
    if line.role is Role.HEADING:
        return Boundary.HEADING
    if line.role is Role.LABEL or (line.role is Role.TABLE_HEAD and before is not None and before.role is Role.ROW):
        return max(unit.boundary, Boundary.PARAGRAPH)
    return unit.boundary
