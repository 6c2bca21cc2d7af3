"""`magicfs grep`: the lines that answer, in the format of grep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.cli import searching
from magicfs.cli.options import Passages

if TYPE_CHECKING:
    from magicfs.cli.real_paths import RealPath

EXAMPLES = """
Examples:
    magicfs grep 'how long do we keep backups'
    magicfs grep 'retry after a timeout' src/
    magicfs grep -l 'tax invoice type:pdf' ~/Documents
    magicfs grep -lZ 'tax invoice' | xargs -0 ls -l
    vim -q <(magicfs grep 'where is the cache emptied' src/)
    magicfs grep -- '-xzf'

Exit codes: 0 something is found, 1 nothing, 2 trouble."""


def grep(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="What to look for, as in 'magicfs search'; quote several words.")
    ],
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH", help="A directory or a file, also in a mount. By default all roots are searched."
        ),
    ] = None,
    files_only: Annotated[bool, typer.Option("-l", "--files-with-matches", help="Print paths alone.")] = False,
    count: Annotated[bool, typer.Option("-c", "--count", help="Print the number of lines of each file.")] = False,
    number: Passages = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print nothing: the exit code tells whether something is found.")
    ] = False,
    null: Annotated[bool, typer.Option("-Z", "-0", "--null", help="End paths with a NUL byte.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what 'search --passages --json' does.")] = False,
    always: Annotated[
        bool, typer.Option("-n", "-r", "-i", "-H", help="Accepted as options of grep, without an effect.")
    ] = False,
) -> None:
    """Print the lines that answer, best passages first, as PATH:LINE:TEXT.

    Of a passage, they are the lines with words of QUERY, or the first line if it is found by its meaning alone.
    In a format with pages they are PATH#page=N:TEXT.
    """
    import json

    from magicfs.cli import grep_output, terminal

    del always
    within, host = (None, None) if path is None else _resolved(path)
    wanted = grep_output.GrepFormat(
        grep_output.Paths(path, within), files_only=files_only, counts_only=count, quiet=quiet, null=null
    )
    has_found: list[bool] = []

    def show(text: str, options: searching.SearchOptions) -> None:
        found = json.loads(text)
        has_found.append(bool(found["results" if options.as_json else "lines"]))
        if not options.as_json:
            grep_output.show(found, wanted)
        elif not quiet:
            terminal.write(text)

    options = searching.SearchOptions(
        query, number, as_json=as_json, passages=True, within=within, lines=True, host=host
    )
    searching.run(options, show)
    raise typer.Exit(0 if any(has_found) else 1)


def _resolved(path: str) -> RealPath:
    """The real file or directory, with links resolved. Raises `UsageError` where there is nothing."""
    import os

    from magicfs.cli.disk_probe import wait_for_disk
    from magicfs.cli.real_paths import RealPath, shown_in_mount
    from magicfs.errors import UsageError

    wait_for_disk(path)
    try:
        os.stat(path)  # which no more takes an empty path for the current directory than grep does
        return shown_in_mount(path) or RealPath(os.path.realpath(path, strict=True))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: {reason.lower()}: check the spelling") from error
