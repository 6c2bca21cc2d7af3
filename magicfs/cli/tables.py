"""Tables of commands for people: columns, or a block of lines for each row where the terminal is too narrow for them.

Used by the commands that list things. rich draws the columns. Main thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from magicfs.cli.terminal import Cell, shown

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

NARROWEST = 44
"""Cells of a line, below which columns would be a few letters wide each."""


class Listing:
    """A table without lines. The first column names the row."""

    def __init__(self, *names: str, whole: int = 0) -> None:
        """`names` are the heads of the columns. Cells of the first `whole` ones are on one line each."""
        self._names = names
        self._whole = whole
        self._rows: list[Sequence[str]] = []

    def add(self, *cells: str) -> None:
        """Add a row: a cell for each column. A cell that nothing is to be said in is `-`."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table for the width of the terminal."""
        if options.max_width < NARROWEST:
            yield from self._blocks()
            return
        from rich.table import Column, Table

        columns = (Column(name, no_wrap=index < self._whole, overflow="fold") for index, name in enumerate(self._names))
        table = Table(*columns, box=None, padding=(0, 2, 0, 0))
        for cells in self._rows:
            table.add_row(*(Cell(cell) if index >= self._whole else cell for index, cell in enumerate(cells)))
        yield table

    def _blocks(self) -> RenderResult:
        from rich.text import Text

        head, *others = self._names
        width = max(map(len, others), default=0)
        for first, *rest in self._rows:
            yield Text.assemble((f"{head} ", "bold"), shown(first))
            for name, cell in zip(others, rest, strict=True):
                if cell != "-":
                    yield Text.assemble((f"  {name:<{width}} ", "bold"), shown(cell))
