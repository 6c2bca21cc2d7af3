"""`magicfs search`: the same results as the mount, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from magicfs.cli.terminal import Style
    from magicfs.domain.results import Coverage, Hit, SearchResult

EXAMPLES = """Examples:

    magicfs search tax invoice

    magicfs search '"exact phrase" -without type:pdf after:2026-01-31'

    magicfs search lang:german Rechnung

    magicfs search --passages how long do we keep backups

    magicfs search -n 3 --json how do we back up | jq '.results[].path'"""


def search(
    query: Annotated[
        list[str], typer.Argument(help='What to look for: words, "a phrase", -without, filters such as ext:md.')
    ],
    number: Annotated[int | None, typer.Option("-n", "--number", min=1, max=1000, help="How many results.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    passages: Annotated[
        bool, typer.Option("--passages", help="Show the passages that answer, several a file where several do.")
    ] = False,
) -> None:
    """Search, best results first."""
    from magicfs.cli import terminal, wiring
    from magicfs.search.render import result_json

    settings = wiring.settings_for_command()
    with wiring.database_for_command(settings) as database:
        service = wiring.search_service(settings, database)
        search_for = service.passages if passages else service.search
        result = search_for(" ".join(query), limit=number, deadline_s=max(settings.search_seconds, 10.0))
    if as_json:
        terminal.print_json(result_json(result))
        return
    for notice in (*result.notices, *result.as_of.notices):
        terminal.remark(notice)
    unfinished = unfinished_work(result.coverage)
    if not result.hits:
        terminal.remark(f"nothing found for: {result.query}" + (f" ({unfinished})" if unfinished else ""))
        return
    _print(result)
    if unfinished:
        terminal.remark(unfinished)


def _print(result: SearchResult) -> None:
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
