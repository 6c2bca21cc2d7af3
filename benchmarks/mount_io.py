"""Reading and writing through the mount, against the same on the source tree, in turn in one run.

Each figure is seconds through `mirror/` of the mount over seconds directly; medians of `--rounds` rounds. The
source is warm in the page cache on both sides, so that the disk takes no part.

`first_read`: a large file from one end to the other in megabytes, of which the mount has no page yet (a fresh file
each round). `second_read`: the same file again. `random_reread`: 4 KiB at random places of a file that was read.
`relist`: names and `stat` of a directory with `--entries` files again. `grep`: `grep -r` for a word over a tree of
small files that was read before. `write`: `--write-mb` megabytes over what is in a file, up to `close()`.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from _report import parser, report
from _stack import Stack, stack
from indexing import write_corpus

BLOCK = 1 << 20
PAGE = 4096
ROOT = "tree"
SOUGHT = "import"


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is read and written."""

    rounds: int
    file_mb: int
    write_mb: int
    rereads: int
    entries: int
    grep_files: int


@dataclass(frozen=True, slots=True)
class Sides:
    """The same tree seen directly and through the mount."""

    direct: Path
    mirror: Path

    def ratio(self, action: Callable[[Path], object], *, rounds: int) -> float:
        """The usual ratio of what an action takes, after it was done once on either side."""
        action(self.direct)
        action(self.mirror)
        return statistics.median(self._once(action, number) for number in range(rounds))

    def _once(self, action: Callable[[Path], object], number: int) -> float:
        """Who is second may find the machine warmer, so that takes turns."""
        if number % 2:
            mirrored = seconds(action, self.mirror)
            return mirrored / seconds(action, self.direct)
        direct = seconds(action, self.direct)
        return seconds(action, self.mirror) / direct


def seconds(action: Callable[[Path], object], place: Path) -> float:
    """How long an action takes."""
    began = time.perf_counter()
    action(place)
    return time.perf_counter() - began


def make_tree(tree: Path, sizes: Sizes) -> None:
    """What the rounds need, all of it in the page cache."""
    tree.mkdir()
    block = random.Random(1).randbytes(BLOCK)
    for number in range(sizes.rounds + 1):
        with (tree / large(number)).open("wb") as file:
            for _ in range(sizes.file_mb):
                file.write(block)
    (tree / "written.bin").write_bytes(block * sizes.write_mb)
    (tree / "many").mkdir()
    for number in range(sizes.entries):
        (tree / "many" / f"file{number:05}.txt").write_text(f"file {number}")
    write_corpus(tree / "sources", files=sizes.grep_files, characters=8000, seed=3)
    os.sync()


def large(number: int) -> str:
    """The name of the large file of a round."""
    return f"large{number}.bin"


def read_all(path: Path) -> None:
    """Read a file from one end to the other, without a copy of it."""
    buffer = bytearray(BLOCK)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def reader_at_random(name: str, sizes: Sizes) -> Callable[[Path], None]:
    """Reads pages at the same random places each time."""
    randomness = random.Random(2)
    pages = sizes.file_mb * BLOCK // PAGE
    places = [randomness.randrange(pages) * PAGE for _ in range(sizes.rereads)]

    def read(tree: Path) -> None:
        descriptor = os.open(tree / name, os.O_RDONLY)
        try:
            for place in places:
                os.pread(descriptor, PAGE, place)
        finally:
            os.close(descriptor)

    return read


def list_all(tree: Path) -> None:
    """Names and attributes, as `ls -l` asks for them."""
    for name in os.listdir(tree / "many"):
        os.stat(tree / "many" / name)


def grep(tree: Path) -> None:
    """Look for a word in all files of a tree."""
    subprocess.run(["grep", "-r", SOUGHT, str(tree / "sources")], stdout=subprocess.DEVNULL, check=True)


def writer(sizes: Sizes) -> Callable[[Path], None]:
    """Writes over a file, in place."""
    block = random.Random(4).randbytes(BLOCK)

    def write(tree: Path) -> None:
        with (tree / "written.bin").open("r+b", buffering=0) as file:
            for _ in range(sizes.write_mb):
                file.write(block)

    return write


def reads(sides: Sides, sizes: Sizes) -> dict[str, float]:
    """First and second reads, each next to a direct one."""
    first, second = [], []
    for number in range(sizes.rounds + 1):
        direct, mirrored = sides.direct / large(number), sides.mirror / large(number)
        read_all(direct)
        base = seconds(read_all, direct)
        first.append(seconds(read_all, mirrored) / base)
        base = seconds(read_all, direct)
        second.append(seconds(read_all, mirrored) / base)
    # The first round has warmed up the mount itself.
    return {"second_read": statistics.median(second[1:]), "first_read": statistics.median(first[1:])}


def use_memory(megabytes: int) -> None:
    """Have so much memory, and give it back.

    The host of a virtual machine may find it only when it is first used, which takes longer than to read into it.
    """
    memory = bytearray(megabytes * BLOCK)
    memory[::PAGE] = b"x" * len(memory[::PAGE])


def measure(sides: Sides, sizes: Sizes) -> dict[str, float]:
    """All figures."""
    use_memory((sizes.rounds + 2) * sizes.file_mb)
    figures = reads(sides, sizes)
    figures["random_reread"] = sides.ratio(reader_at_random(large(0), sizes), rounds=sizes.rounds)
    figures["relist"] = sides.ratio(list_all, rounds=sizes.rounds)
    figures["grep"] = sides.ratio(grep, rounds=sizes.rounds)
    figures["write"] = sides.ratio(writer(sizes), rounds=sizes.rounds)
    return figures


def settle(running: Stack, tree: Path) -> Sides:
    """Wait until the tree is in the mount and nobody reads it but this benchmark."""
    sides = Sides(direct=tree, mirror=running.mount / "mirror" / ROOT)
    running.wait(sides.mirror.is_dir, seconds=60)
    waiting = "SELECT (SELECT count(*) FROM files WHERE state = 'pending'), (SELECT count(*) FROM files)"
    running.wait(lambda: (found := running.rows(waiting)[0])[0] == 0 and found[1] > 0, seconds=600, pause=0.2)
    return sides


def main() -> None:
    """Measure and print."""
    options = parser(__doc__ or "")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--file-mb", type=int, default=256, help="size of a large file")
    options.add_argument("--write-mb", type=int, default=64, help="how much is written")
    options.add_argument("--rereads", type=int, default=50_000, help="pages read at random places")
    options.add_argument("--entries", type=int, default=1000, help="files in the directory that is listed")
    options.add_argument("--grep-files", type=int, default=2000, help="files that grep reads")
    chosen = options.parse_args()
    sizes = Sizes(
        rounds=chosen.rounds,
        file_mb=chosen.file_mb,
        write_mb=chosen.write_mb,
        rereads=chosen.rereads,
        entries=chosen.entries,
        grep_files=chosen.grep_files,
    )
    # No vectors are wanted here, and what is written is not to be read by anybody else.
    with stack("--workers", "0", mounted=True, settings=["max_file_mb = 1"]) as running:
        tree = running.folder / ROOT
        make_tree(tree, sizes)
        running.run("roots", "add", str(tree))
        figures = measure(settle(running, tree), sizes)
    sizes_shown = {name: getattr(sizes, name) for name in Sizes.__slots__}
    report("mount_io", figures, sizes=sizes_shown, as_json=chosen.json)


if __name__ == "__main__":
    main()
