"""`magicfs failures`: the files that could not be indexed or not completely, and the reason for each."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from magicfs.domain.files import FailedFile, SkipReason


def failures(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try again those that may succeed now.")] = False,
    skipped: Annotated[
        bool, typer.Option("--skipped/--no-skipped", help="Also files that hold nothing to index, or are not wanted.")
    ] = True,
    reason: Annotated[SkipReason | None, typer.Option(help="Only those with this reason.")] = None,
) -> None:
    """List files that are not indexed, with the reason for each."""
    from magicfs.cli import terminal, wiring
    from magicfs.db.failures import list_failures, retry_failures
    from magicfs.db.pool import retry_on_conflict

    settings = wiring.settings_for_command()
    with wiring.database_for_command(settings) as database:

        def list_and_retry() -> tuple[list[FailedFile], int]:
            with database.transaction() as connection:
                files = list_failures(connection, reason=reason.value if reason else None, skipped=skipped)
                return files, retry_failures(connection) if retry else 0

        files, retried = retry_on_conflict(list_and_retry)
        if retried:
            queue = wiring.job_queue(settings)
            queue.notify_extract(settings.host)
            queue.notify_embed()
    if as_json:
        terminal.print_json({"failures": [_failure_json(failure) for failure in files], "retried": retried})
        return
    if retry:
        terminal.say(f"trying {retried} again: see 'magicfs status'")
        return
    for failure in files:
        terminal.say(_line(failure))
    if not files:
        terminal.remark("no failures")


def _line(failure: FailedFile) -> str:
    from magicfs.search.render import readable

    path = readable(failure.root_path + b"/" + failure.path)
    detail = f" ({failure.detail})" if failure.detail else ""
    return f"{failure.state:<8} {failure.reason:<12} {path}{detail}"


def _failure_json(failure: FailedFile) -> dict[str, Any]:
    from magicfs.search.render import readable

    return {
        "path": readable(failure.root_path + b"/" + failure.path),
        "root": failure.root,
        "host": failure.host,
        "state": str(failure.state),
        "reason": failure.reason,
        "detail": failure.detail,
        "changed_at": failure.changed_at,
    }
