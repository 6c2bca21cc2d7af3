"""`magicfs status`: roots, files, chunks, workers, mounts and the parts of this machine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.cli.options import AsJson
from magicfs.cli.terminal import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from magicfs.cli.progress import RateMeter
    from magicfs.cli.status_summary import Summary
    from magicfs.config import Settings
    from magicfs.domain.status import (
        FileCounts,
        IndexStatus,
        ModelStatus,
        PartStatus,
        RootStatus,
        VectorIndexBuild,
        WordsProgress,
    )

EXAMPLES = """
Examples:
    magicfs status --watch
    magicfs status --json | jq .files
    magicfs status --check    for health checks: exit code 0 if all is well"""

REFRESH_SECONDS = 1.0


def status(
    as_json: AsJson = False,
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
    from magicfs.cli.status_summary import collect
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
            terminal.print_json(summary.as_json())
        else:
            terminal.results().print(_rendered(summary))
        return
    if as_json:
        while True:
            terminal.print_json(collect(settings, watching=True).as_json())
            time.sleep(REFRESH_SECONDS)
    _watch(settings)


def _check(settings: Settings) -> None:
    """Print one line. Raises `MagicFSError` when a server or a part of this machine does not do its work."""
    from magicfs.cli import environment, terminal, wiring
    from magicfs.cli.index_checks import IndexChecks

    environment.require_database(settings)
    wiring.require_broker(settings)
    IndexChecks(settings).parts()
    terminal.say("ok")


def _watch(settings: Settings) -> None:
    from rich.live import Live

    from magicfs.cli import terminal
    from magicfs.cli.progress import RateMeter
    from magicfs.cli.status_summary import collect

    meters: defaultdict[tuple[str, str], RateMeter] = defaultdict(RateMeter)
    with Live(console=terminal.results(), auto_refresh=False, transient=False) as live:
        while True:
            summary, now = collect(settings, watching=True), time.monotonic()
            paces: dict[str, str] = {
                model.role: pace_of(model, meters[model.role, model.name], now=now) for model in summary.index.models
            }
            live.update(_rendered(summary, paces), refresh=True)
            time.sleep(REFRESH_SECONDS)


def pace_of(model: ModelStatus, meter: RateMeter, *, now: float) -> str:
    """The rate at which vectors of a model are made, and the time left; empty before there is a rate."""
    from magicfs.cli.progress import pace_text

    rate = meter.update(model.embedded + model.failed, now=now)
    left = model.pending + model.second_vectors
    return pace_text(rate, left / rate) if left and rate else ""


def _rendered(summary: Summary, paces: Mapping[str, str] | None = None) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from magicfs.cli.terminal import shown, shown_line
    from magicfs.domain.files import display_path

    index, broker, paces = summary.index, summary.broker, paces or {}
    chunks = index.chunks
    waiting = f"{counted(sum(broker.queues.values()), 'message')} waiting"
    mounts = [f"{shown(display_path(mount.path))} on {shown(mount.host)}" for mount in index.mounts]
    lines = [
        *_models(index, paces),
        ("files", f"{_counts(index.files)} of {index.files.total} indexed"),
        ("chunks", f"{chunks.embedded} of {chunks.total} found by meaning" + _failed(chunks.failed)),
        *_pages(index.pending_pages),
        *_building(index, paces.get("building", "")),
        *_vector_index(index.vector_index_build),
        *_words(index.words),
        *_paused(index),
        *_silent(index.silent_hosts),
        *(("stuck", line) for line in summary.stuck),
        ("workers", ", ".join(worker.name for worker in index.workers) or "none"),
        ("queue", waiting) if broker.ok else ("broker", broker.detail or "does not answer"),
        ("mounts", ", ".join(mounts) or "none"),
    ]
    text = [Text.assemble((f"{name:<8} ", "bold"), shown_line(value)) for name, value in lines]
    return Group(*text, *_roots(index.roots), *_parts(summary.parts))


def _models(index: IndexStatus, paces: Mapping[str, str]) -> list[tuple[str, str]]:
    """The models that searches use, each with its backlog if there are two, and the one that renews the second."""
    models: dict[str, ModelStatus] = {model.role: model for model in index.models}
    if "multilingual" not in models:
        return [("model", index.model or "none yet")]
    lines = []
    for name, role in (("model", "active"), ("second", "multilingual"), ("renewing", "renewing")):
        if role not in models:
            continue
        model = models[role]
        backlog = [f"{counted(model.pending, 'chunk')} waiting"] if model.pending else []
        backlog += [f"{counted(model.second_vectors, 'second vector')} to come"] if model.second_vectors else []
        backlog += [f"{model.failed} failed"] if model.failed else []
        backlog += [paces[role]] if paces.get(role) else []
        backlog = backlog or ["nothing waits"]
        backlog += [_unread(model.unread)] if model.unread else []
        lines.append((name, f"{', '.join(backlog)}: {model.name} ({model.precision})"))
    return lines


def _unread(chunks: int) -> str:
    unread = "1 chunk in a language" if chunks == 1 else f"{chunks} chunks in languages"
    return f"{unread} that it does not read"


def _building(index: IndexStatus, pace: str) -> list[tuple[str, str]]:
    if index.building is None or index.building_chunks is None:
        return []
    chunks = index.building_chunks
    done = f"{chunks.embedded} of {counted(chunks.total, 'chunk')}" + _failed(chunks.failed)
    # The name last: it is long, and --watch cuts lines off.
    return [("building", done + (f", {pace}" if pace else "") + f": {index.building}")]


def _pages(pending: int) -> list[tuple[str, str]]:
    return [("pages", f"{counted(pending, 'scanned page')} to be read, when no file waits")] if pending else []


def _vector_index(build: VectorIndexBuild | None) -> list[tuple[str, str]]:
    if build is None:
        return []
    percent = 100 * build.done // max(1, build.total)
    done = f"{build.done} of {counted(build.total, 'chunk')}"
    return [("index", f"{percent} % of the vector index built: {done}")]


def _paused(index: IndexStatus) -> list[tuple[str, str]]:
    from magicfs.search.render import shortage_line

    return [] if index.free_bytes is None else [("paused", shortage_line(index.free_bytes))]


def _silent(hosts: Sequence[str]) -> list[tuple[str, str]]:
    if not hosts:
        return []
    return [("agents", f"nobody sees what changes on {', '.join(hosts)}: 'magicfs doctor' says why there")]


def _words(progress: WordsProgress | None) -> list[tuple[str, str]]:
    if progress is None:
        return []
    return [("words", f"{progress.percent} % of the chunks have the words of this version, the others get them")]


def _counts(files: FileCounts) -> str:
    states = {"pending": files.pending, "named": files.named, "skipped": files.skipped, "failed": files.failed}
    return ", ".join([*(f"{count} {state}" for state, count in states.items() if count), str(files.indexed)])


def _failed(count: int) -> str:
    return f", {count} failed" if count else ""


def _roots(roots: Sequence[RootStatus]) -> list[RenderableType]:
    from magicfs.cli.tables import Listing
    from magicfs.domain.files import display_path

    if not roots:
        return ["no roots: add one with 'magicfs roots add DIR'"]
    table = Listing("root", "path", "host", "files", "state")
    for root in roots:
        state = root.state if not root.detail else f"{root.state}: {root.detail}"
        if root.scanned_at is None:
            state += ", first scan runs"
        elif root.state == "present" and root.watched is False:
            state += ", scans alone find some changes"
        table.add(root.name, display_path(root.path), root.host, str(root.files.total), state)
    return ["", table]


def _parts(parts: Sequence[PartStatus]) -> list[RenderableType]:
    from rich.text import Text

    from magicfs.cli.tables import Listing
    from magicfs.cli.terminal import duration

    if not parts:
        return []
    table = Listing("part", "state", "pid", "up for", "restarts", whole=3)
    for part in parts:
        up_for = duration(part.uptime_s) if part.pid else "-"
        table.add(part.name, part.state, str(part.pid or "-"), up_for, str(part.restarts))
    return ["", table, *(Text(f"{part.name}: {part.detail}") for part in parts if part.detail)]
