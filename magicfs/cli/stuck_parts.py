"""Names the parts of this machine that run and do nothing: stopped ones, silent ones, those of a former program.

Used by `magicfs status` and the checks. A signal of a terminal or a debugger stops a process, and the supervisor sees
no difference. It asks the parts themselves and starts nothing. Main thread.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psutil

from magicfs.cli import environment
from magicfs.cli.terminal import counted, duration
from magicfs.config import Settings
from magicfs.domain.parts import EMBED_WORKER, MOUNT, QUERY_EMBEDDER
from magicfs.domain.status import MountStatus, PartStatus
from magicfs.ipc.server_lock import answers_ping
from magicfs.state_directory.memory_kills import killed_workers

if TYPE_CHECKING:
    from magicfs.runtime.supervisor import Supervisor

T = TypeVar("T")

ANSWER_SECONDS = 6.0
"""A part answers within milliseconds, on a machine with ten times the work that it can do in a second or two."""

SUPERVISOR_SECONDS = 3.0
"""The supervisor answers within two on a busy machine that starts it, and has as long again while it waits for a
processor. This is only said: nobody ends it for that."""

STARTUP_SECONDS = 20.0
"""A part that has just started may not listen yet."""

SILENT_MOUNT_SECONDS = 60.0
"""A mount that has run for longer has reported. It does so every five seconds, when the database answers."""

REPORT_SECONDS = 8.0
"""When a machine wakes, or its clock is put forward, each report is old until the next one, after five seconds."""

SETTLED_SECONDS = 2.0
"""A part that fails when it starts has ended within this time, unless the machine has too much to do."""

PAUSE_SECONDS = 0.2
"""Pause between two checks: a debugger may stop a process for a moment."""

_EMBED_REMEDY = (
    "end other programs, add swap, run fewer workers ('magicfs up --workers 1'), or use a smaller model "
    "('magicfs model list')"
)

RESTART = "run 'magicfs down', then 'magicfs up'"

CHANGED_PROGRAM = "the program on the disk is not the one that runs, as after an update: run 'magicfs up'"


def parts_and_stuck(settings: Settings) -> tuple[list[PartStatus], list[str]]:
    """The parts of this machine, and a line for each one that is stuck, with what to do. Takes seconds at most."""
    if not settings.run_dir.is_dir():
        return [], []
    supervisor = environment.supervisor(settings, answer_seconds=SUPERVISOR_SECONDS)
    if (pid := _stopped_pid(supervisor)) is not None:
        return [], [f"the supervisor is stopped (process {pid}): run 'kill -CONT {pid}', or {RESTART}"]
    if parts := supervisor.parts():
        stuck = [*_stuck(settings.embedder_socket, parts), *short_of_memory(settings, parts)]
        if supervisor.has_changed_program():
            stuck.append(CHANGED_PROGRAM)
        return parts, stuck
    if supervisor.listens():
        return [], [f"the supervisor does not answer, or is about to end: if it stays so, {RESTART}"]
    return [], short_of_memory(settings)


def short_of_memory(settings: Settings, parts: Sequence[PartStatus] = ()) -> list[str]:
    """A line for each worker of this machine whose children the kernel keeps killing for want of memory.

    Of those that run, and of the `parts`, which are started again.
    """
    restarted = {part.name for part in parts}
    return [
        f"{name} has too little memory: the system has killed it {counted(kills.times, 'time')} since "
        f"{time.strftime('%H:%M', time.localtime(kills.first_at))}, and it tries again after "
        f"{duration(kills.pause_s)}: "
        + (_EMBED_REMEDY if name.startswith(EMBED_WORKER) else "end other programs, or add swap")
        for name, kills in killed_workers(settings.run_dir).items()
        if name in restarted or not settings.has_ended(f"{name}@{settings.host}")
    ]


def silent_mounts(parts: Sequence[PartStatus], mounts: Sequence[MountStatus], *, host: str) -> list[str]:
    """A line for the mount of this machine if it runs and has not reported lately.

    An upgrade of the index leaves the mounts of the other hosts so: they refuse it until they are started anew.
    """
    reporting = {mount.pid for mount in mounts if mount.host == host}
    return [
        f"{part.name} runs and does not report, as one of an older version: its searches fail: {RESTART}"
        for part in parts
        if part.name == MOUNT
        and part.state == "running"
        and part.uptime_s > SILENT_MOUNT_SECONDS
        and part.pid not in reporting
    ]


def read_again(read: Callable[[], T], lacks_reports: Callable[[T], bool]) -> T:
    """What `read` returns, read again while it lacks reports of parts, for REPORT_SECONDS at most."""
    deadline = time.monotonic() + REPORT_SECONDS
    while lacks_reports(found := read()) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return found


def _stopped_pid(supervisor: Supervisor) -> int | None:
    """The pid of a supervisor that is stopped, now and a moment later."""
    pid = supervisor.stopped_pid()
    if pid is None:
        return None
    time.sleep(PAUSE_SECONDS)
    return supervisor.stopped_pid()


def part_that_keeps_ending(supervisor: Supervisor, parts: Sequence[PartStatus]) -> PartStatus | None:
    """The first of the `parts` that ends soon after each start; None if all run, or run again after one end.

    One that has just ended or started is watched for REPORT_SECONDS at most.
    """
    return next((part for part in parts if not _goes_on(supervisor, part)), None)


def _goes_on(supervisor: Supervisor, first: PartStatus) -> bool:
    """Whether a part, which had the status `first`, goes on to run, after one more start if it has ended."""
    deadline = time.monotonic() + REPORT_SECONDS
    part: PartStatus | None = first
    while part is not None and part.state != "running":
        is_up = part.state == "starting"
        if is_up and part.uptime_s >= SETTLED_SECONDS:
            return True
        if time.monotonic() > deadline or (not is_up and part.restarts > first.restarts):
            return is_up
        time.sleep(PAUSE_SECONDS)
        part = supervisor.part(first.name)
    return True


def _stuck(embedder_socket: Path, parts: Sequence[PartStatus]) -> Iterator[str]:
    stopped = stopped_processes(parts)
    yield from stopped_lines(stopped)
    for part in parts:
        if part.name != QUERY_EMBEDDER or part.name in stopped or part.state != "running":
            continue
        if part.uptime_s > STARTUP_SECONDS and not answers_ping(embedder_socket, seconds=ANSWER_SECONDS):
            yield f"{part.name} does not answer, and searches go by words alone until it is started again: {RESTART}"


def stopped_lines(stopped: Mapping[str, int]) -> list[str]:
    """A line for each part that has a stopped process; the argument is what `stopped_processes` returns."""
    return [f"{name} is stopped (process {pid}): run 'kill -CONT {pid}', or {RESTART}" for name, pid in stopped.items()]


def stopped_processes(parts: Sequence[PartStatus]) -> dict[str, int]:
    """The parts that have a stopped process, now and a moment later, each with the pid of the first one."""
    first = _stopped_parts(parts)
    if not first:
        return {}
    time.sleep(PAUSE_SECONDS)
    second = _stopped_parts(parts)
    return {name: pid for name, pid in first.items() if second.get(name) == pid}


def _stopped_parts(parts: Sequence[PartStatus]) -> dict[str, int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    stopped = set()
    for process in psutil.process_iter(["ppid", "status"]):
        children[process.info["ppid"]].append(process.pid)
        if process.info["status"] in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}:
            stopped.add(process.pid)
    found = {}
    for part in parts:
        family = [part.pid] if part.pid and stopped else []
        for pid in family:
            family.extend(children[pid])
        for pid in family:
            if pid in stopped:
                found[part.name] = pid
                break
    return found
