"""`magicfs failures`: the files that could not be indexed or not completely, and the reason for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from magicfs.cli.options import AsJson
from magicfs.domain.files import FailedFile, SkipReason

if TYPE_CHECKING:
    from magicfs.config import Settings
    from magicfs.db.pool import Connection, Database

EXAMPLES = """
Examples:
    magicfs failures
    magicfs failures --no-skipped --reason corrupt
    magicfs failures --retry    after the cause is gone"""

SHOWN = 10_000
"""How many files are listed for a person who asks for no number."""


def failures(
    as_json: AsJson = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try again those that may succeed now.")] = False,
    skipped: Annotated[
        bool, typer.Option("--skipped/--no-skipped", help="List files with nothing to index, or not wanted, too.")
    ] = True,
    reason: Annotated[
        SkipReason | None, typer.Option(metavar="REASON", help=f"Only those with this reason: {', '.join(SkipReason)}.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help=f"At most so many. By default {SHOWN:,}, and all with --json."),
    ] = None,
) -> None:
    """List files that are not indexed, with the reason for each."""
    from magicfs.cli import environment, terminal

    settings = environment.settings_for_command()
    listing = _Listing(reason.value if reason else None, skipped=skipped, limit=limit or (None if as_json else SHOWN))
    with environment.database_for_command(settings) as database:

        def try_again() -> int:
            return _try_again(settings, database) if retry else 0

        if as_json:
            with database.transaction() as connection:
                items = (_failure_json(failure) for failure in listing.files(connection))
                terminal.print_json_list(
                    "failures", items, lambda: {"more": listing.more(connection), "retried": try_again()}
                )
        elif retry:
            retried = try_again()
            terminal.say(f"trying {retried} again: see 'magicfs status'" if retried else "nothing to try again")
        else:
            with database.transaction() as connection:
                for failure in listing.files(connection):
                    terminal.say(_line(failure))
                more = listing.more(connection)
            if more:
                terminal.remark(f"and {more} more: --limit {listing.shown + more} shows them, and --json all")
            elif not listing.shown:
                terminal.remark("no failures")
            elif terminal.is_terminal():
                terminal.remark("what to do about one: magicfs doctor PATH")


class _Listing:
    """What one call lists, and how much that is."""

    def __init__(self, reason: str | None, *, skipped: bool, limit: int | None) -> None:
        self._reason = reason
        self._skipped = skipped
        self._limit = limit
        self.shown = 0

    def files(self, connection: Connection) -> Iterator[FailedFile]:
        """The files, up to the limit."""
        from magicfs.db.corpus.failures import iterate_failures

        for failure in iterate_failures(connection, reason=self._reason, skipped=self._skipped, limit=self._limit):
            self.shown += 1
            yield failure

    def more(self, connection: Connection) -> int:
        """How many files the limit has left out."""
        from magicfs.db.corpus.failures import count_failures

        if self.shown != self._limit:
            return 0
        return count_failures(connection, reason=self._reason, skipped=self._skipped) - self.shown


def _try_again(settings: Settings, database: Database) -> int:
    """Make files and chunks pending again, and notify the workers. Returns their number."""
    from magicfs.cli import wiring
    from magicfs.db.corpus.failures import retry_failures

    retried = database.run_in_transaction(retry_failures)
    if retried:
        queue = wiring.job_queue(settings)
        queue.notify_extract(settings.host)
        queue.notify_embed()
    return retried


def _line(failure: FailedFile) -> str:
    from magicfs.cli.terminal import shown
    from magicfs.domain.files import display_path

    path = shown(display_path(failure.root_path + b"/" + failure.path))
    detail = f" ({shown(failure.detail)})" if failure.detail else ""
    return f"{failure.state:<8} {failure.reason:<12} {path}{detail}"


def _failure_json(failure: FailedFile) -> dict[str, Any]:
    from magicfs.search.render import path_json

    return {
        **path_json(failure.root_path + b"/" + failure.path),
        "root": failure.root,
        "host": failure.host,
        "state": str(failure.state),
        "reason": failure.reason,
        "detail": failure.detail,
        "changed_at": failure.changed_at,
    }
