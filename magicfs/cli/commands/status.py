"""`magicfs status`: roots, files, chunks, workers, mounts and the parts of this machine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from magicfs.cli.waiting import ProgressMeter
    from magicfs.config import Settings

EXAMPLES = """Examples:

    magicfs status --watch

    magicfs status --json | jq .files

    magicfs status --check    for health checks: exit code 0 if all is well"""

REFRESH_SECONDS = 1.0


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing it, until Ctrl-C.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Only check that the servers answer and take work: exit code 0 or 1, for health checks."
        ),
    ] = False,
) -> None:
    """Show roots, files, chunks, workers, mounts, the model, and what is wrong with the broker."""
    from magicfs.cli import environment, terminal
    from magicfs.errors import UsageError

    if check and (as_json or watch):
        raise UsageError("--check prints one line: leave out --json and --watch")
    settings = environment.settings_for_command()
    if check:
        _check(settings)
        return
    if not watch:
        summary = collect(settings)
        if as_json:
            terminal.print_json(summary)
        else:
            terminal.results().print(_rendered(summary))
        return
    if as_json:
        while True:
            terminal.print_json(collect(settings))
            time.sleep(REFRESH_SECONDS)
    _watch(settings)


def _check(settings: Settings) -> None:
    """Print one line. Raises `MagicFSError` when a server or a part of this machine does not do its work."""
    from magicfs.cli import checks, environment, terminal, wiring

    environment.require_database(settings)
    wiring.require_broker(settings)
    checks.parts(settings)
    terminal.say("ok")


def collect(settings: Settings) -> dict[str, Any]:
    """The object that `--json` prints."""
    from dataclasses import asdict, replace

    from magicfs.cli import environment, wiring
    from magicfs.db.status import read_status
    from magicfs.search.render import coverage_json, status_json

    with environment.database_for_command(settings) as database, database.transaction() as connection:
        index = read_status(connection)
    parts = environment.supervisor(settings).parts() if settings.run_dir.is_dir() else []
    broker = wiring.probe_broker(settings)
    if broker.ok and not index.workers:
        # No agent has recorded recently which workers answer: ask them.
        index = replace(index, workers=tuple(wiring.job_queue(settings).workers()))
    return {
        **status_json(index),
        "coverage": coverage_json(index.coverage),
        "broker": {"ok": broker.ok, "detail": broker.detail},
        "queues": broker.queues,
        "parts": [asdict(part) for part in parts],
    }


def _watch(settings: Settings) -> None:
    from rich.live import Live

    from magicfs.cli import terminal
    from magicfs.cli.waiting import ProgressMeter

    meters: defaultdict[str, ProgressMeter] = defaultdict(ProgressMeter)
    with Live(console=terminal.results(), auto_refresh=False, transient=False) as live:
        while True:
            summary, now = collect(settings), time.monotonic()
            paces = {
                model["role"]: pace_of(model, meters[f"{model['role']} {model['name']}"], now=now)
                for model in summary["models"]
            }
            live.update(_rendered(summary, paces), refresh=True)
            time.sleep(REFRESH_SECONDS)


def pace_of(model: dict[str, Any], meter: ProgressMeter, *, now: float) -> str:
    """The rate at which vectors of a model are made, and the time left; empty before there is a rate."""
    from magicfs.domain.status import ChunkCounts, FileCounts, IndexProgress

    none = FileCounts(total=0, pending=0, indexed=0, skipped=0, failed=0)
    chunks = ChunkCounts(total=model["total"] - model["unread"], embedded=model["embedded"], failed=model["failed"])
    report = meter.update(IndexProgress(files=none, chunks=chunks), now=now)
    return report.pace if report.seconds_left else ""


def _rendered(summary: dict[str, Any], paces: Mapping[str, str] | None = None) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from magicfs.cli.terminal import shown, shown_line

    files, chunks = summary["files"], summary["chunks"]
    paces = paces or {}
    waiting = f"{sum(summary['queues'].values())} messages waiting"
    broker = summary["broker"]
    mounts = [f"{shown(mount['path'])} on {shown(mount['host'])}" for mount in summary["mounts"]]
    lines = [
        *_models(summary, paces),
        ("files", _counts(files, ("pending", "named", "skipped", "failed")) + f" of {files['total']} indexed"),
        ("chunks", f"{chunks['embedded']} of {chunks['total']} found by meaning" + _failed(chunks["failed"])),
        *_building(summary, paces.get("building", "")),
        *_vector_index(summary["vector_index_build"]),
        *_words(summary["words"]),
        ("workers", ", ".join(worker["name"] for worker in summary["workers"]) or "none"),
        ("queue", waiting) if broker["ok"] else ("broker", broker["detail"]),
        ("mounts", ", ".join(mounts) or "none"),
    ]
    text = [Text.assemble((f"{name:<8} ", "bold"), shown_line(value)) for name, value in lines]
    return Group(*text, *_roots(summary["roots"]), *_parts(summary["parts"]))


def _models(summary: dict[str, Any], paces: Mapping[str, str]) -> list[tuple[str, str]]:
    """The models that searches use, each with its backlog if there are two, and the one that renews the second."""
    models = {model["role"]: model for model in summary["models"]}
    if "multilingual" not in models:
        return [("model", summary["model"] or "none yet")]
    lines = []
    for name, role in (("model", "active"), ("second", "multilingual"), ("renewing", "renewing")):
        if role not in models:
            continue
        model = models[role]
        backlog = [f"{model['pending']} chunks wait"] if model["pending"] else []
        backlog += [f"{model['second_vectors']} second vectors to come"] if model["second_vectors"] else []
        backlog += [f"{model['failed']} failed"] if model["failed"] else []
        backlog += [paces[role]] if paces.get(role) else []
        backlog = backlog or ["nothing waits"]
        backlog += [f"{model['unread']} in languages that it does not read"] if model["unread"] else []
        lines.append((name, f"{', '.join(backlog)}: {model['name']} ({model['precision']})"))
    return lines


def _building(summary: dict[str, Any], pace: str) -> list[tuple[str, str]]:
    if not summary["building"]:
        return []
    chunks = summary["building_chunks"]
    done = f"{chunks['embedded']} of {chunks['total']} chunks" + _failed(chunks["failed"])
    # The name last: it is long, and --watch cuts lines off.
    return [("building", done + (f", {pace}" if pace else "") + f": {summary['building']}")]


def _vector_index(build: dict[str, Any] | None) -> list[tuple[str, str]]:
    if build is None:
        return []
    percent = 100 * build["done"] // max(1, build["total"])
    return [("index", f"{percent} % of the vector index built: {build['done']} of {build['total']} chunks")]


def _words(progress: dict[str, Any] | None) -> list[tuple[str, str]]:
    if progress is None:
        return []
    return [("words", f"{progress['percent']} % of the chunks have the words of this version, the others get them")]


def _counts(files: dict[str, int], states: tuple[str, ...]) -> str:
    others = [f"{files[state]} {state}" for state in states if files[state]]
    return f"{files['indexed']}" if not others else f"{', '.join(others)}, {files['indexed']}"


def _failed(count: int) -> str:
    return f", {count} failed" if count else ""


def _roots(roots: list[dict[str, Any]]) -> list[RenderableType]:
    from rich.table import Table

    from magicfs.cli.terminal import Cell

    if not roots:
        return ["no roots: add one with 'magicfs roots add DIR'"]
    table = Table("root", "path", "host", "files", "state", box=None, padding=(0, 2, 0, 0))
    for root in roots:
        state = root["state"] if not root["detail"] else f"{root['state']}: {root['detail']}"
        if root["scanned_at"] is None:
            state += ", first scan runs"
        names = (Cell(root[key]) for key in ("name", "path", "host"))
        table.add_row(*names, str(root["files"]), Cell(state))
    return ["", table]


def _parts(parts: list[dict[str, Any]]) -> list[RenderableType]:
    from rich.table import Column, Table
    from rich.text import Text

    from magicfs.cli.terminal import duration

    if not parts:
        return []
    names = (Column(name, no_wrap=True) for name in ("part", "state", "pid"))
    table = Table(*names, "up for", Column("restarts", overflow="fold"), box=None, padding=(0, 2, 0, 0))
    for part in parts:
        table.add_row(
            part["name"],
            part["state"],
            str(part["pid"] or "-"),
            duration(part["uptime_s"]) if part["pid"] else "-",
            str(part["restarts"]),
        )
    return ["", table, *(Text(f"{part['name']}: {part['detail']}") for part in parts if part["detail"])]
