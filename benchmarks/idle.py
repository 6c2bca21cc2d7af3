"""What a stack takes that has nothing to do: processor time and memory of each part, with everything below it.

The stack has indexed the examples and waits. Processor time is that of the processes and of those that they started
and that have ended meanwhile; what else the machine does hardly changes it. Memory is the proportional set size:
what several processes share counts once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from _report import parser, report
from _stack import Stack, stack

from magicfs.runtime.supervisor import Supervisor

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

SUPERVISOR = "supervisor"

FIGURES = ("processes", "core_percent", "pss_mb")
"""Of each part: how many processes, their processor time in percent of a core, and their memory."""


def processes_by_part(running: Stack) -> dict[str, list[psutil.Process]]:
    """The processes of each part, and the supervisor's own."""
    supervisor = Supervisor(running.settings.home)
    found = {SUPERVISOR: [psutil.Process(supervisor.pid())]}
    for part in supervisor.parts():
        if part.pid is not None:
            top = psutil.Process(part.pid)
            found[part.name] = [top, *top.children(recursive=True)]
    return found


def processor_seconds(processes: Sequence[psutil.Process]) -> float:
    """The processor time that the processes and their ended children have used so far."""
    seconds = 0.0
    for process in processes:
        # That of one that has ended is its parent's.
        with suppress(psutil.NoSuchProcess):
            seconds += sum(process.cpu_times()[:4])
    return seconds


def proportional_mb(processes: Sequence[psutil.Process]) -> float:
    """The proportional set size of the processes, in MB."""
    size = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            size += process.memory_full_info().pss
    return size / 1e6


def measure(running: Stack, seconds: float) -> dict[str, dict[str, float]]:
    """For each part: its processes, its memory, and its share of a core in percent over so many seconds."""
    parts = processes_by_part(running)
    before = {name: processor_seconds(processes) for name, processes in parts.items()}
    time.sleep(seconds)
    used = {name: processor_seconds(processes) - before[name] for name, processes in parts.items()}
    return {
        name: {
            "processes": float(len(processes)),
            "core_percent": 100 * used[name] / seconds,
            "pss_mb": proportional_mb(processes),
        }
        for name, processes in parts.items()
    }


def main() -> None:
    """Measure and print."""
    options = parser(__doc__ or "")
    options.add_argument("--workers", type=int, default=2, help="embed workers")
    options.add_argument("--settle", type=float, default=45.0, help="seconds without work before the measurement")
    options.add_argument("--seconds", type=float, default=60.0, help="seconds of the measurement")
    options.add_argument("--models", type=Path, help="a model store to share")
    chosen = options.parse_args()
    up = (str(EXAMPLES), "--workers", str(chosen.workers), "--wait")
    with stack(*up, mounted=True, models=chosen.models) as running:
        time.sleep(chosen.settle)
        parts = measure(running, chosen.seconds)
    total = {figure: sum(part[figure] for part in parts.values()) for figure in FIGURES}
    figures = {"total": total, **parts}
    sizes = {"workers": chosen.workers, "settle_s": chosen.settle, "seconds": chosen.seconds}
    report("idle", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
