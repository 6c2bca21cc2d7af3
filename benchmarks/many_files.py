"""What a tree of many files costs the agent: its first scan, a rescan of the unchanged tree, and a start on it.

The files are empty and few to a directory, each of which is watched. No worker embeds, but extract workers record
meanwhile that the files have no text, which is part of the database's time. Figures of each scan: the seconds that
passed, from the request until the root is recorded as scanned, and the seconds of the processor that the agent and the
database used. `agent_mb` is the most memory that the agent has had, resident, in any of them.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from _processor import peak_mb
from _report import parser, report
from _stack import Stack, stack
from idle import processes_by_part, processor_seconds

LONGEST_SECONDS = 3600.0
AGENT, DATABASE = "agent", "postgres"
NOT_SCANNED = "SELECT name FROM roots WHERE scanned_at IS NULL OR scanned_at < to_timestamp({began})"


@dataclass(slots=True)
class Measured:
    """The figures so far."""

    running: Stack
    figures: dict[str, float] = field(default_factory=dict)

    def agent(self) -> psutil.Process | None:
        """The agent's process; None while it starts."""
        found = processes_by_part(self.running).get(AGENT)
        return found[0] if found else None

    def database_seconds(self) -> float:
        """Seconds of the processor that the database has used."""
        return processor_seconds(processes_by_part(self.running)[DATABASE])

    def scan(self, name: str, *, began: float, agent_before: float, database_before: float) -> None:
        """Wait until the root has been scanned since `began`, and add what that took."""
        query = NOT_SCANNED.format(began=began)
        self.running.wait(lambda: not self.running.rows(query), seconds=LONGEST_SECONDS, pause=0.2)
        agent = self.agent()
        assert agent is not None, "the agent has ended"
        self.figures |= {
            f"{name}_s": time.time() - began,
            f"{name}_agent_cpu_s": processor_seconds([agent]) - agent_before,
            f"{name}_database_cpu_s": self.database_seconds() - database_before,
            "agent_mb": max(self.figures.get("agent_mb", 0.0), peak_mb(agent.pid)),
        }


def make_tree(folder: Path, *, files: int, in_directory: int) -> None:
    """Make empty files, a hundred directories side by side."""
    directory = folder
    for number in range(files):
        if number % in_directory == 0:
            place = number // in_directory
            directory = folder / f"{place // 100:05}" / f"{place % 100:02}"
            directory.mkdir(parents=True)
        os.close(os.open(directory / f"file{number:07}.txt", os.O_CREAT | os.O_WRONLY, 0o600))


def measure(running: Stack, tree: Path) -> dict[str, float]:
    """All figures."""
    measured = Measured(running)
    running.wait(lambda: measured.agent() is not None, seconds=60)
    agent = measured.agent()
    assert agent is not None
    for name, command in (("first", ("roots", "add", str(tree))), ("unchanged", ("scan",))):
        used, database_used, began = processor_seconds([agent]), measured.database_seconds(), time.time()
        running.run(*command)
        measured.scan(name, began=began, agent_before=used, database_before=database_used)
    database_used, began = measured.database_seconds(), time.time()
    agent.send_signal(signal.SIGTERM)
    measured.scan("start", began=began, agent_before=0.0, database_before=database_used)
    return measured.figures


def main() -> None:
    """Measure and print."""
    options = parser(__doc__ or "")
    options.add_argument("--files", type=int, default=1_000_000)
    options.add_argument("--in-directory", type=int, default=20)
    chosen = options.parse_args()
    with stack("--workers", "0") as running:
        tree = running.folder / "tree"
        make_tree(tree, files=chosen.files, in_directory=chosen.in_directory)
        figures = measure(running, tree)
        [(found,)] = running.rows("SELECT count(*) FROM files")
        assert found == chosen.files, f"{found} files are in the index"
    sizes = {"files": chosen.files, "in_directory": chosen.in_directory}
    report("many_files", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
