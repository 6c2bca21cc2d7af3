"""How long a rescan takes, compared with `find` printing the same metadata of the same tree, both warm, in turn.

Figures: `ratio_unchanged` = a whole rescan of an unchanged tree / find; `ratio_one_percent` = a rescan after 1 % of
the files were written to, until the changes are in the database and the workers are notified / find. Medians of
several rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

from _index import make_scanner
from _report import parser, report
from _stack import stack

from magicfs.db.cluster.roots import list_roots
from magicfs.ingest.roots import add_root

METADATA = "%p %s %T@ %C@ %i %m %U %G\n"


def make_tree(folder: Path, *, files: int, in_directory: int) -> list[str]:
    """Make many small files in directories of a usual size. Returns their paths, as text to spare the GC."""
    paths = []
    for number in range(files):
        directory = folder / f"directory{number // in_directory:05}"
        if number % in_directory == 0:
            directory.mkdir(parents=True)
        path = directory / f"file{number:07}.txt"
        path.write_text(f"file {number}")
        paths.append(str(path))
    return paths


def timed_find(folder: Path, output: Path) -> float:
    """Seconds that find takes, its output going to a file."""
    with output.open("wb") as file:
        began = time.perf_counter()
        subprocess.run(["find", str(folder), "-type", "f", "-printf", METADATA], stdout=file, check=True)
        return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    options = parser(__doc__ or "")
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--in-directory", type=int, default=200)
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    unchanged: list[float] = []
    changed: list[float] = []
    with stack("--workers", "0") as running:
        tree = running.folder / "tree"
        paths = make_tree(tree, files=chosen.files, in_directory=chosen.in_directory)
        # A root of a host without an agent, so that the scans measured here are the only ones.
        root = add_root(running.database, host="benchmark", path=tree, home=running.settings.home)
        scanner = make_scanner(running.database)

        def scan() -> tuple[float, int]:
            with running.database.transaction() as connection:
                registered = next(each for each in list_roots(connection) if each.root.id == root.id)
            began = time.perf_counter()
            result = scanner.scan(registered)
            return time.perf_counter() - began, result.changed

        assert scan()[1] == chosen.files
        scan()
        output = running.folder / "find.out"
        timed_find(tree, output)
        for number in range(chosen.rounds):
            find = (timed_find(tree, output) + timed_find(tree, output)) / 2
            seconds, count = scan()
            assert count == 0
            unchanged.append(seconds / find)
            few = paths[number::100]
            for path in few:
                os.truncate(path, number)
            seconds, count = scan()
            assert count == len(few)
            changed.append(seconds / find)
            scan()
    figures = {"ratio_unchanged": statistics.median(unchanged), "ratio_one_percent": statistics.median(changed)}
    sizes = {"files": chosen.files, "in_directory": chosen.in_directory, "rounds": chosen.rounds}
    report("rescan", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
