"""The numbered lines of a text, out of its chunks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from magicfs.db.search.file_text import PlacedText


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a text, as `cat -n` writes them."""

    text: str
    """`number`, a tab and the line, in each line; `[page N]` before the first line of a page."""
    first_line: int
    last_line: int
    """Those of the text; 0 without lines."""
    next_line: int | None
    """The first line that had no room; None when all are there."""


def numbered_lines(chunks: Iterable[PlacedText], *, first_line: int, last_line: int, max_characters: int) -> Lines:
    """The lines from `first_line` to `last_line`, as many as fit into `max_characters`.

    Empty lines between chunks are in none, so they are left out. A first line that is longer than all is cut.
    """
    shown: list[str] = []
    numbers: list[int] = []
    size, page = 0, None
    for line in _joined(chunks):
        if not first_line <= line.first_line <= last_line:
            continue
        text = f"{line.first_line}\t{line.text}\n"
        if line.page is not None and line.page != page:
            text = f"[page {line.page}]\n{text}"
            page = line.page
        if size + len(text) > max_characters:
            if shown:
                return Lines("".join(shown), numbers[0], numbers[-1], line.first_line)
            text = f"{text[:max_characters]} [the line is cut here]\n"
        shown.append(text)
        numbers.append(line.first_line)
        size += len(text)
    return Lines("".join(shown), numbers[0] if numbers else 0, numbers[-1] if numbers else 0, None)


def _joined(chunks: Iterable[PlacedText]) -> Iterator[PlacedText]:
    """The lines of chunks, each once: one that a chunk ends in is joined with its rest in the next one."""
    parts: list[str] = []
    number, page = 0, None
    for chunk in chunks:
        for offset, text in enumerate(chunk.text.split("\n")):
            if parts and (chunk.first_line + offset, chunk.page) != (number, page):
                yield PlacedText(number, page, " ".join(parts))
                parts = []
            number, page = chunk.first_line + offset, chunk.page
            parts.append(text)
    if parts:
        yield PlacedText(number, page, " ".join(parts))
