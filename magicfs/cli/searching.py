"""What `magicfs search` does once its arguments are known, and the plain arguments that need no typer to be known.

Used by `commands.search`, and by `outcome` for a search that is typed as most are: people and programs wait for it, and
typer with what it loads takes as long as the search. Whatever it would complain about is left to it. For the same
reason a search server is asked first (`search_client`), and this module imports no library. Main thread; `find` in any.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from magicfs.cli import search_client

if TYPE_CHECKING:
    from magicfs.config import Settings
    from magicfs.domain.results import SearchResult
    from magicfs.search.service import SearchService

MAX_NUMBER: Final = 1000
"""The most results that a person may ask for."""


class SearchOptions(NamedTuple):
    """The arguments of `magicfs search`."""

    query: str
    number: int | None = None
    as_json: bool = False
    passages: bool = False


def plain_options(arguments: Sequence[str]) -> SearchOptions | None:
    """The options in the arguments of the program. None for another command, and for what typer has to see."""
    if arguments[:1] != ["search"] or "_MAGICFS_COMPLETE" in os.environ:
        return None
    words: list[str] = []
    numbers, flags = [], set()
    rest = iter(arguments[1:])
    for argument in rest:
        if argument == "--":
            words.extend(rest)
        elif argument in {"--json", "--passages"}:
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
    # A search of its own changes the variables.
    key, variables = search_client.settings_key(), dict(os.environ)
    served = search_client.ask(
        options.query, key=key, number=options.number, as_json=options.as_json, passages=options.passages
    )
    if served is None:
        result = _search(options)
        try:
            _show(result, options)
        finally:
            # Whoever reads the output may have gone.
            search_client.start_server(key, variables)
        return
    from magicfs.cli import terminal

    for complaint in served.complaints:
        terminal.remark(f"magicfs: {complaint}")
    if served.error is not None:
        raise served.error
    if options.as_json:
        terminal.write(served.text)
        return
    import json

    from magicfs.cli import search_output

    search_output.show(json.loads(served.text))


def _search(options: SearchOptions) -> SearchResult:
    """Search in this process."""
    from magicfs.cli import environment, wiring

    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database:
        return find(settings, wiring.search_service(settings, database), options)


def _show(result: SearchResult, options: SearchOptions) -> None:
    """Print what is found."""
    from magicfs.cli import search_output, terminal

    if options.as_json:
        terminal.write(search_output.document_of(result))
    else:
        search_output.show(search_output.answer_of(result))


def find(settings: Settings, service: SearchService, options: SearchOptions) -> SearchResult:
    """The result of a search. Raises as `SearchService.search` does."""
    search = service.passages if options.passages else service.search
    return search(options.query, limit=options.number, deadline_s=seconds_to_search(settings))


def seconds_to_search(settings: Settings) -> float:
    """How long a search of a person may take."""
    return max(settings.search_seconds, search_client.SEARCH_SECONDS)
