"""What `magicfs search` does once its arguments are known, and the plain arguments that need no typer to be known.

Used by `commands.search`, `commands.grep` and `commands.similar`, and by `execution` for a search that is typed as most
are: people and programs wait for it, and typer with what it loads takes as long as the search. Whatever it would
complain about is left to it. For the same reason a search server is asked first (`search_client`), and this module
imports no library. Main thread; `find` in any.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from magicfs.cli import search_client

if TYPE_CHECKING:
    from magicfs.config import Settings
    from magicfs.domain.results import SearchResult
    from magicfs.search.service import SearchService

MAX_NUMBER: Final = 1000
"""The most results that a person may ask for."""


class SearchOptions(NamedTuple):
    """The arguments of `magicfs search`, and of the commands that search in another way."""

    query: str
    number: int | None = None
    as_json: bool = False
    passages: bool = False
    within: str | None = None
    """The absolute path of the directory or the file that is searched; for passages."""
    lines: bool = False
    """Whether the lines of `magicfs grep` are wanted."""
    similar_to: str | None = None
    """The absolute path of the file whose neighbours are wanted. Then there is no query."""
    host: str | None = None
    """The host of `within` or `similar_to`; None for this one, and for neighbours if it may be any."""


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


def run(options: SearchOptions, show: Callable[[str, SearchOptions], None] | None = None) -> None:
    """Search, and print what is found. Raises as `SearchService.search` does, and `ServerError`.

    `show` prints what `text_of` returns, else this module does.
    """
    show = show or _show
    # A search of its own changes the variables.
    caller, variables = search_client.this_caller(), dict(os.environ)
    served = search_client.ask(options._asdict(), caller=caller)
    if isinstance(served, search_client.Unserved):
        text = _search(options)
        try:
            show(text, options)
        finally:
            # Whoever reads the output may have gone.
            if served.reason is not None:
                search_client.log_unserved(served.reason)
            search_client.start_server(caller, variables)
        return
    from magicfs.cli import terminal

    for complaint in served.complaints:
        terminal.remark(f"magicfs: {complaint}")
    if served.error is not None:
        raise served.error
    show(served.text, options)


def _search(options: SearchOptions) -> str:
    """Search in this process. Returns what `text_of` does."""
    from magicfs.cli import environment, wiring

    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database:
        result = find(settings, wiring.search_service(settings, database), options)
    return text_of(result, options, host=settings.host)


def text_of(result: SearchResult, options: SearchOptions, *, host: str) -> str:
    """What is found as text: a document to be printed, else an `Answer` or the `Matches` of `magicfs grep` as JSON.

    `host` is this one.
    """
    import json

    from magicfs.cli import grep_output, search_output

    if options.as_json:
        return search_output.document_of(result)
    make = grep_output.matches_of if options.lines else search_output.answer_of
    return json.dumps(make(result, host=host))


def _show(text: str, options: SearchOptions) -> None:
    """Print what is found."""
    if options.as_json:
        from magicfs.cli import terminal

        terminal.write(text)
        return
    import json

    from magicfs.cli import search_output

    search_output.show(json.loads(text))


def find(settings: Settings, service: SearchService, options: SearchOptions) -> SearchResult:
    """The result of a search. Raises as `SearchService.search` and `SearchService.similar` do."""
    deadline_s = seconds_to_search(settings)
    if options.similar_to is not None:
        path = os.fsencode(options.similar_to)
        return service.similar(path, host=options.host, limit=options.number, deadline_s=deadline_s)
    if options.passages:
        within = None if options.within is None else os.fsencode(options.within)
        return service.passages(
            options.query, limit=options.number, within=within, host=options.host, deadline_s=deadline_s
        )
    return service.search(options.query, limit=options.number, deadline_s=deadline_s)


def seconds_to_search(settings: Settings) -> float:
    """How long a search of a person may take."""
    return max(settings.search_seconds, search_client.SEARCH_SECONDS)
