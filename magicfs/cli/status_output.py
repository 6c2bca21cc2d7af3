"""What `magicfs status` prints for a person: a line for each fact of the index, and tables of roots and parts.

Used by `commands.status`. `status_summary` reads what is shown. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from magicfs.cli.progress import RateMeter, pace_text
from magicfs.cli.status_summary import Summary
from magicfs.cli.tables import Listing
from magicfs.cli.terminal import counted, counted_pages, duration, shown, shown_line
from magicfs.domain.files import display_path
from magicfs.domain.status import (
    FileCounts,
    IndexStatus,
    ModelStatus,
    PartStatus,
    RootStatus,
    VectorIndexBuild,
    WordsProgress,
)
from magicfs.search.render import shortage_line


def pace_of(model: ModelStatus, meter: RateMeter, *, now: float) -> str:
    """The rate at which vectors of a model are made, and the time left; empty before there is a rate."""
    rate = meter.update(model.embedded + model.failed, now=now)
    left = model.pending + model.second_vectors
    return pace_text(rate, left / rate) if left and rate else ""


def rendered(summary: Summary, paces: Mapping[str, str] | None = None) -> RenderableType:
    """The whole output. `paces` has a text for models whose vectors are being made, by their roles."""
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
    return Group(*text, *roots_table(index.roots), *parts_table(summary.parts))


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
    return [("pages", f"{counted_pages(pending)} to be read, when no file waits")] if pending else []


def _vector_index(build: VectorIndexBuild | None) -> list[tuple[str, str]]:
    if build is None:
        return []
    percent = 100 * build.done // max(1, build.total)
    done = f"{build.done} of {counted(build.total, 'chunk')}"
    return [("index", f"{percent} % of the vector index built: {done}")]


def _paused(index: IndexStatus) -> list[tuple[str, str]]:
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


def roots_table(roots: Sequence[RootStatus]) -> list[RenderableType]:
    """The roots, a row each, or what to do without any."""
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


def parts_table(parts: Sequence[PartStatus]) -> list[RenderableType]:
    """The parts of this machine, a row each, and below them what is wrong with some; nothing without any."""
    if not parts:
        return []
    table = Listing("part", "state", "pid", "up for", "restarts", whole=3)
    for part in parts:
        up_for = duration(part.uptime_s) if part.pid else "-"
        table.add(part.name, part.state, str(part.pid or "-"), up_for, str(part.restarts))
    return ["", table, *(Text(f"{part.name}: {part.detail}") for part in parts if part.detail)]
