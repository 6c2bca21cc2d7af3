"""What `magicfs search` does once its arguments are known, and the plain arguments that need no typer to be known.

Used by `commands.search`, and by `outcome` for a search that is typed as most are: people and programs wait for it, and
typer with what it loads takes as long as the search. Whatever it would complain about is left to it. Main thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from magicfs.cli.terminal import Style
    from magicfs.domain.results import Coverage, Hit, SearchResult

MAX_NUMBER: Final = 1000
"""The most results that a person may ask for."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The arguments of `magicfs search`."""

    query: str
    number: int | None = None
    as_json: bool = False
    passages: bool = False


def plain_options(arguments: Sequence[str]) -> SearchOptions | None:
    """The options in the arguments of the program. None for another command, and for what typer has to see."""
    if arguments[:1] != ["search"] or "_MAGICFS_COMPLETE" in os.environ:
        return None
    words, numbers, flags = [], [], set()
    rest = iter(arguments[1:])
    for argument in rest:
        if argument in {"--json", "--passages"}:
            flags.add(argument)
        elif argument in {"-n", "--number"}:
            numbers.append(next(rest, ""))
        elif argument.startswith("-"):
            return None
        else:
            words.append(argument)
    if not words or not all(text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_NUMBER for text in numbers):
        return None
    number = int(numbers[-1]) if numbers else None
    return SearchOptions(" ".join(words), number, as_json="--json" in flags, passages="--passages" in flags)


def run(options: SearchOptions) -> None:
    """Search, and print what is found. Raises as `SearchService.search` does, and `ServerError`."""
    from magicfs.cli import terminal, wiring
    from magicfs.search.render import result_json

    settings = wiring.settings_for_command()
    with wiring.database_for_command(settings) as database:
        service = wiring.search_service(settings, database)
        search = service.passages if options.passages else service.search
        result = search(options.query, limit=options.number, deadline_s=max(settings.search_seconds, 10.0))
    if options.as_json:
        terminal.print_json(result_json(result))
        return
    for notice in (*result.notices, *result.as_of.notices):
        terminal.remark(notice)
    unfinished = unfinished_work(result.coverage)
    if not result.hits:
        terminal.remark(f"nothing found for: {result.query}" + (f" ({unfinished})" if unfinished else ""))
        return
    print_results(result)
    if unfinished:
        terminal.remark(unfinished)


def print_results(result: SearchResult) -> None:
    """Print the results for people, or as lines for a program."""
    from magicfs.cli.terminal import Style, shown, styled, write
    from magicfs.search.render import readable

    digits = len(str(len(result.hits)))
    for hit in result.hits:
        place = f":{_page_or_lines(hit)}" if hit.has_text else ""
        copies = f"  {_copies(hit)}" if hit.copies else ""
        write(
            styled(f"{hit.rank:>{digits}}  ", Style.DIM)
            + styled(f"{hit.score:.2f}", _colour(hit.score))
            + styled(f"  {shown(readable(hit.absolute_path))}", Style.BOLD)
            + styled(place, Style.CYAN)
            + styled(copies, Style.DIM)
        )
        for line in _snippet_lines(hit, indentation=" " * (digits + 8)):
            write(line)


def _snippet_lines(hit: Hit, *, indentation: str) -> Iterator[str]:
    """The lines of a snippet, with what matched in bold, no longer than those of the terminal."""
    from magicfs.cli import terminal

    cells = terminal.width()
    start = 0
    for text in hit.snippet.split("\n") if hit.snippet else ():
        end = start + len(text)
        inside = [(max(first, start), min(last, end)) for first, last in hit.matched if first < end and last > start]
        line = indentation + terminal.emphasised(text, [(first - start, last - start) for first, last in inside])
        if cells is None:
            yield line
        else:
            from magicfs.text.excerpts import wrapped

            yield from wrapped(line, cells=cells)
        start = end + 1


def _page_or_lines(hit: Hit) -> str:
    if hit.page is not None:
        return f"page {hit.page}"
    return f"{hit.first_line}" if hit.first_line == hit.last_line else f"{hit.first_line}-{hit.last_line}"


def _copies(hit: Hit) -> str:
    return "and 1 copy" if len(hit.copies) == 1 else f"and {len(hit.copies)} copies"


def _colour(score: float) -> Style:
    from magicfs.cli.terminal import Style

    good, fair = 0.7, 0.4
    return Style.GREEN if score >= good else Style.YELLOW if score >= fair else Style.WHITE


def unfinished_work(coverage: Coverage) -> str:
    """How much is indexed of what will be, in words; empty when no work is pending."""
    if not (coverage.pending_files or coverage.pending_chunks):
        return ""
    return (
        f"indexed so far: {coverage.indexed} of {coverage.indexed + coverage.pending_files} files, "
        f"{coverage.embedded} of {coverage.embedded + coverage.pending_chunks} chunks by meaning"
    )
