"""The headings that a text states: those of a parser, and those that are marked in the text itself.

The one place where they are recognised: `headings` takes them for the context of chunks, `units` ends chunks before
them. Takes the lines in order, once. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from magicfs.domain.contents import Document
from magicfs.text.fences import FencedCode

_MAX_HEADING_CHARACTERS: Final = 200
_MAX_LINE_CHARACTERS: Final = 500
"""A longer line is no heading, and not looked at: its signs and blanks could be matched in many ways."""

_MARKED: Final = {
    "text/markdown": re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*"),
    "text/x-org": re.compile(r"(\*{1,8})[ \t]+(.+)"),
    "text/x-asciidoc": re.compile(r"(={1,6})[ \t]+(.+)"),
    "text/x-wiki": re.compile(r"(={1,6})[ \t]*([^=\s](?:.*[^=\s])?)[ \t]*=*[ \t]*"),
}
"""Headings with signs before them, as many as their rank."""
_TEX: Final = re.compile(
    r"\s*\\(part|chapter|section|subsection|subsubsection|paragraph)\*?(?:\[[^\]]{0,200}\])?\{(.{1,300})\}[^{}]*"
)
_TEX_RANKS: Final = {
    name: rank
    for rank, name in enumerate(("part", "chapter", "section", "subsection", "subsubsection", "paragraph"), 1)
}
_TEX_COMMAND: Final = re.compile(r"\\[A-Za-z]+\*?|[{}~]")

_UNDERLINE: Final = {
    "text/markdown": re.compile(r"([=-])\1{2,}[ \t]*"),
    "text/x-rst": re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*"),
    "text/plain": re.compile(r"([=\-~^*#\"'])\1{2,}[ \t]*"),
}
_TYPES_WITH_VAGUE_HEADINGS: Final = frozenset({"text/plain"})
"""In these, an underlined line may as well be the head of a table: a chunk ends before it, and no chunk is found by
it."""
_FRONT_MATTER: Final = re.compile(r"---[ \t]*\n(?:.*\n){0,200}?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class StatedHeading:
    """A line that a text states as a heading."""

    line: int
    """Counted from 1."""
    rank: int
    """One of a lower rank stands above those of higher ranks."""
    text: str
    lines: tuple[int, ...] = ()
    """All its lines, with those above and below it that underline it; empty if it has no other."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The headings of a document."""

    headings: tuple[StatedHeading, ...] = ()
    """By which chunks are found, in order."""
    lines: frozenset[int] = frozenset()
    """The lines of all headings, from 1: what they say belongs to the lines below."""


def outline_of(document: Document) -> Outline:
    """The headings of a document: those that its parser has found, else those of its markup."""
    lines = document.text.split("\n")
    found: Iterable[StatedHeading]
    if document.headings:
        found = (StatedHeading(line, rank, lines[line - 1]) for line, rank in document.headings if line <= len(lines))
    elif document.mime_type == "text/x-tex":
        found = _tex_headings(lines)
    elif document.mime_type in _MARKED or document.mime_type in _UNDERLINE:
        found = _marked_headings(document.text, lines, document.mime_type)
    else:
        return Outline()
    shown = (replace(heading, text=" ".join(heading.text.split())) for heading in found)
    headings = tuple(heading for heading in shown if heading.text and len(heading.text) <= _MAX_HEADING_CHARACTERS)
    lines_of_headings = frozenset(line for heading in headings for line in heading.lines or (heading.line,))
    return Outline(() if document.mime_type in _TYPES_WITH_VAGUE_HEADINGS else headings, lines_of_headings)


def _tex_headings(lines: list[str]) -> Iterator[StatedHeading]:
    for number, line in enumerate(lines, 1):
        if "\\" in line and len(line) <= _MAX_LINE_CHARACTERS and (match := _TEX.fullmatch(line)):
            yield StatedHeading(number, _TEX_RANKS[match[1]], _TEX_COMMAND.sub(" ", match[2]))


def _marked_headings(text: str, lines: list[str], mime_type: str) -> Iterator[StatedHeading]:
    marked, underline = _MARKED.get(mime_type), _UNDERLINE.get(mime_type)
    needs_blank = mime_type in _TYPES_WITH_VAGUE_HEADINGS
    front = _FRONT_MATTER.match(text) if mime_type == "text/markdown" else None
    first = front[0].count("\n") if front else 0
    ranks: dict[str, int] = {"=": 1, "-": 2} if mime_type == "text/markdown" else {}
    code, above, before = FencedCode(), "", ""
    for number, line in enumerate(lines[first:], first + 1):
        is_fence = mime_type == "text/markdown" and code.read(line)
        if is_fence or code.is_open or len(line) > _MAX_LINE_CHARACTERS:
            pass
        elif marked and (match := marked.fullmatch(line)):
            yield StatedHeading(number, len(match[1]), match[2])
        elif underline and _is_underlined(before, line) and (match := underline.fullmatch(line)):
            is_overlined = above.strip() == line.strip()
            if is_overlined or not needs_blank or not above.strip():
                of_heading = (number - 2, number - 1, number) if is_overlined else (number - 1, number)
                yield StatedHeading(number - 1, ranks.setdefault(match[1], len(ranks) + 1), before, of_heading)
        above, before = before, line


def _is_underlined(line: str, underline: str) -> bool:
    """Whether a line may be a heading over an underline of this length: it is no item, row or underline itself."""
    text = line.strip()
    return bool(text) and line[0] not in " \t|>" and len(underline.strip()) * 2 >= len(text) and text[0].isalnum()
