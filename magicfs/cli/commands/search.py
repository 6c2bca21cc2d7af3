"""`magicfs search`: the same results as the mount, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from magicfs.domain.results import Coverage, Hit, SearchResult

EXAMPLES = """Examples:

    magicfs search tax invoice

    magicfs search '"exact phrase" -without type:pdf after:2026-01-31'

    magicfs search lang:german Rechnung

    magicfs search -n 3 --json how do we back up | jq '.results[].path'"""


def search(
    query: Annotated[
        list[str], typer.Argument(help='What to look for: words, "a phrase", -without, filters such as ext:md.')
    ],
    number: Annotated[int | None, typer.Option("-n", "--number", min=1, max=1000, help="How many results.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Search, best results first."""
    from magicfs.cli import terminal, wiring
    from magicfs.search.render import result_json

    settings = wiring.settings_for_command()
    with wiring.database_for_command(settings) as database:
        result = wiring.search_service(settings, database).search(
            " ".join(query), limit=number, deadline_s=max(settings.search_seconds, 10.0)
        )
    if as_json:
        terminal.print_json(result_json(result))
        return
    for notice in result.notices:
        terminal.remark(notice)
    unfinished = unfinished_work(result.coverage)
    if not result.hits:
        terminal.remark(f"nothing found for: {result.query}" + (f" ({unfinished})" if unfinished else ""))
        return
    _print(result)
    if unfinished:
        terminal.remark(unfinished)


def _print(result: SearchResult) -> None:
    from rich.text import Text

    from magicfs.cli import terminal
    from magicfs.search.render import readable

    console = terminal.results()
    width = len(str(len(result.hits)))
    for hit in result.hits:
        line = Text(f"{hit.rank:>{width}}  ", style="dim")
        line.append(f"{hit.score:.2f}", style=_colour(hit.score))
        line.append(f"  {terminal.shown(readable(hit.absolute_path))}", style="bold")
        if hit.has_text:
            line.append(f":{_page_or_lines(hit)}", style="cyan")
        if hit.copies:
            line.append(f"  {_copies(hit)}", style="dim")
        console.print(line)
        if hit.snippet:
            console.print(Text(f"{'':{width}}        {terminal.shown(hit.snippet)}", style="dim"))


def _page_or_lines(hit: Hit) -> str:
    if hit.page is not None:
        return f"page {hit.page}"
    return f"{hit.first_line}" if hit.first_line == hit.last_line else f"{hit.first_line}-{hit.last_line}"


def _copies(hit: Hit) -> str:
    return "and 1 copy" if len(hit.copies) == 1 else f"and {len(hit.copies)} copies"


def _colour(score: float) -> str:
    good, fair = 0.7, 0.4
    return "green" if score >= good else "yellow" if score >= fair else "white"


def unfinished_work(coverage: Coverage) -> str:
    """How much is indexed of what will be, in words; empty when no work is pending."""
    if not (coverage.pending_files or coverage.pending_chunks):
        return ""
    return (
        f"indexed so far: {coverage.indexed} of {coverage.indexed + coverage.pending_files} files, "
        f"{coverage.embedded} of {coverage.embedded + coverage.pending_chunks} chunks by meaning"
    )
