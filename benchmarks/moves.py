"""How soon files are found under their new names when their folder is renamed, and how many are missing meanwhile.

Each file has bytes of its own, and all have one text: no vectors are made meanwhile. Figures: `folder_s` and `single_s`
= seconds from the first rename until all files of a folder are found at their new paths, when the folder itself is
renamed and when each of its files is; `folder_missing` and `single_missing` = how many files were found at neither path
at the same time, at most.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from _report import parser, report
from _stack import Stack, stack

TEXT = "The harvest of apples was good this year."
TIMEOUT_SECONDS = 900.0
READ = """
    SELECT count(*), count(*) FILTER (WHERE path >= '{0}/' AND path < '{0}0') FROM files WHERE content_id IS NOT NULL
"""


def make_files(folder: Path, *, files: int, in_directory: int) -> None:
    """Make files that differ in the white space at their ends."""
    for number in range(files):
        directory = folder / f"reports of {number // in_directory}"
        if number % in_directory == 0:
            directory.mkdir(parents=True)
        end = "".join(" \t"[number >> bit & 1] for bit in range(20))
        (directory / f"quarterly report {number}.txt").write_text(TEXT + end)


def seconds_until_found(running: Stack, name: str, *, files: int, began: float) -> tuple[float, int]:
    """Seconds until all files are found below the folder of this name, and how many were not found at a time."""
    missing = 0
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        [(found, found_there)] = running.rows(READ.format(name))
        missing = max(missing, files - found)
        if found_there == files:
            return time.perf_counter() - began, missing
        time.sleep(0.02)
    raise RuntimeError(f"not all files are found within {TIMEOUT_SECONDS} s")


def rename_each(folder: Path, new: Path) -> None:
    """Rename the files of a folder one by one, as `mv folder/* new/` does in each of its directories."""
    for directory in os.listdir(folder):
        (new / directory).mkdir(parents=True)
        for name in os.listdir(folder / directory):
            (folder / directory / name).rename(new / directory / name)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__ or "")
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--in-directory", type=int, default=200)
    chosen = options.parse_args()
    with stack("--workers", str(os.cpu_count())) as running:
        tree = running.folder / "tree"
        make_files(tree / "old name", files=chosen.files, in_directory=chosen.in_directory)
        running.run("roots", "add", str(tree))
        running.wait(
            lambda: running.rows(READ.format("old name"))[0][0] == chosen.files and running.pending() == 0,
            seconds=TIMEOUT_SECONDS,
            pause=0.5,
        )
        began = time.perf_counter()
        (tree / "old name").rename(tree / "new name")
        folder_s, folder_missing = seconds_until_found(running, "new name", files=chosen.files, began=began)
        running.wait(lambda: running.pending() == 0, seconds=TIMEOUT_SECONDS, pause=0.5)
        began = time.perf_counter()
        rename_each(tree / "new name", tree / "third name")
        single_s, single_missing = seconds_until_found(running, "third name", files=chosen.files, began=began)
    figures = {
        "folder_s": folder_s,
        "folder_missing": folder_missing,
        "single_s": single_s,
        "single_missing": single_missing,
    }
    sizes = {"files": chosen.files, "in_directory": chosen.in_directory}
    report("moves", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
