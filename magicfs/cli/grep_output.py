"""What `magicfs grep` prints: a line for each line that is found, in the format of `grep -n`.

Used by `commands.grep`, and for `matches_of` by `searching`, which may run in a search server. Main thread, but for
`matches_of`, which is pure.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypedDict

if TYPE_CHECKING:
    from magicfs.domain.results import SearchResult


class Match(TypedDict):
    """A line that is found."""

    path: str
    """Absolute; as `os.fsdecode` returns it, so that no byte of it is lost."""
    is_here: bool
    """Whether this host has the file."""
    page: int | None
    number: int
    text: str
    matched: list[tuple[int, int]]


class Matches(TypedDict):
    """What `magicfs grep` finds, of values that JSON has."""

    notices: list[str]
    lines: list[Match]
    """Those of the best passage first."""


class GrepFormat(NamedTuple):
    """How `magicfs grep` prints what it finds."""

    paths: Paths
    files_only: bool = False
    """Print each path once, and no line."""
    counts_only: bool = False
    """Print each path once, with the number of its lines."""
    quiet: bool = False
    null: bool = False
    """End paths with a NUL instead of a colon or a line feed."""


class Paths(NamedTuple):
    """How paths are printed: as `grep` does, so that they lead to the files from the current directory."""

    typed: str | None = None
    """The path in which is searched, as it was typed."""
    within: str | None = None
    """The same, absolute and with links resolved."""

    def shown(self, match: Match) -> str:
        """The path of the file that has a line."""
        path = match["path"]
        if self.typed is not None and self.within is not None:
            return path if self.typed == "/" else self.typed.rstrip("/") + path[len(self.within.rstrip("/")) :]
        if match["is_here"] and (below := _current_directory()) and path.startswith(below):
            return path[len(below) :]
        return path


def _current_directory() -> str | None:
    """The current directory with a slash; None if it is gone."""
    try:
        return os.getcwd().rstrip("/") + "/"
    except OSError:
        return None


def matches_of(result: SearchResult, *, host: str) -> Matches:
    """The lines that a search for passages has found. `host` is this one."""
    from magicfs.search.matching_lines import matching_lines

    lines = [
        Match(
            path=os.fsdecode(hit.absolute_path),
            is_here=hit.host == host,
            page=hit.page,
            number=line.number,
            text=line.text,
            matched=line.matched,
        )
        for hit in result.hits
        for line in matching_lines(hit)
    ]
    return Matches(notices=[*result.notices, *result.as_of.notices], lines=lines)


def show(found: Matches, wanted: GrepFormat) -> None:
    """Print what is found, and notices on standard error."""
    from magicfs.cli import terminal

    if wanted.quiet:
        return
    for notice in found["notices"]:
        terminal.remark(notice)
    if terminal.is_terminal():
        for line in _for_people(found["lines"], wanted):
            terminal.write(line)
        return
    sys.stdout.flush()
    for text in _for_programs(found["lines"], wanted):
        sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def _for_programs(lines: list[Match], wanted: GrepFormat) -> Iterator[bytes]:
    """Yield the output in pieces. Paths keep their bytes."""
    end = b"\0" if wanted.null else b":"
    for path, match, count in _entries(lines, wanted):
        name = os.fsencode(path if wanted.null else path.replace("\n", "?"))
        if wanted.files_only:
            yield name + (b"\0" if wanted.null else b"\n")
        elif wanted.counts_only:
            yield b"%s%s%d\n" % (name, end, count)
        else:
            place = b"" if match["page"] is not None else b"%d:" % match["number"]
            text = match["text"].encode("utf-8", "replace")
            yield b"%s%s%s%s%s\n" % (name, _page(match).encode(), end, place, text)


def _for_people(lines: list[Match], wanted: GrepFormat) -> Iterator[str]:
    """Yield the lines of a terminal: paths and places in colours, and what was looked for emphasised."""
    from magicfs.cli.terminal import Style, emphasised, shown, styled

    for path, match, count in _entries(lines, wanted):
        name = styled(shown(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")), Style.BOLD)
        if wanted.files_only:
            yield name
        elif wanted.counts_only:
            yield f"{name}:{count}"
        else:
            place = _page(match) or f":{match['number']}"
            text = match["text"].replace("\t", " ").rstrip("\r")
            yield f"{name}{styled(place, Style.CYAN)}:{emphasised(text, match['matched'])}"


def _entries(lines: list[Match], wanted: GrepFormat) -> Iterator[tuple[str, Match, int]]:
    """The lines that are found with their paths; one of each file, if no line is printed, with the number of them."""
    counts = Counter(wanted.paths.shown(match) for match in lines)
    for match in lines:
        path = wanted.paths.shown(match)
        if not (wanted.files_only or wanted.counts_only):
            yield path, match, 1
        elif path in counts:
            yield path, match, counts.pop(path)


def _page(match: Match) -> str:
    return "" if match["page"] is None else f"#page={match['page']}"
