"""Reading and writing through the mount, compared with the same on the root directly, alternating in one run.

Each figure is seconds through `mirror/` of the mount divided by seconds directly, the median of `--rounds` rounds. The
root is in the page cache for both, so that the disk has no influence.

`first_read`: a large file, read sequentially in megabytes, of which the mount has no page yet (another file each
round). `second_read`: the same file again. `random_reread`: 4 KiB at random offsets of a file that was read before.
`relist`: names and `stat` of a directory with `--entries` files that was listed before. `grep`: `grep -r` for a word in
a tree of small files that was read before. `write`: overwriting `--write-mb` megabytes of a file, up to `close()`.
`write_4k`: `--small-writes` writes of 4 KiB. `open`: opening and closing each file of that directory. `missing`: asking
for names that do not exist.

`c_` before a name: the same through libfuse's own passthrough example in C, which is built in the run where its source
and a compiler are there (`_c_passthrough.py`). `_mb_s` behind one: megabytes a second through the mount.
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

import _c_passthrough
from _report import parser, report
from _stack import Stack, stack
from indexing import write_corpus

BLOCK = 1 << 20
PAGE = 4096
ROOT = "tree"
GREP_WORD = "import"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The options of the run."""

    rounds: int
    file_mb: int
    write_mb: int
    small_writes: int
    rereads: int
    entries: int
    grep_files: int


@dataclass(frozen=True, slots=True)
class TreePaths:
    """The paths of the same tree, directly and through the mount."""

    direct: Path
    mirror: Path

    def ratio(self, action: Callable[[Path], object], *, rounds: int) -> float:
        """The median ratio of the seconds of an action, mount over direct, after one warm-up each."""
        action(self.direct)
        action(self.mirror)
        return statistics.median(self._once(action, number) for number in range(rounds))

    def _once(self, action: Callable[[Path], object], number: int) -> float:
        """One ratio. The order alternates: the second measurement may find the machine warmer."""
        if number % 2:
            mirrored = seconds(action, self.mirror)
            return mirrored / seconds(action, self.direct)
        direct = seconds(action, self.direct)
        return seconds(action, self.mirror) / direct


def seconds(action: Callable[[Path], object], path: Path) -> float:
    """The seconds that an action takes."""
    started_at = time.perf_counter()
    action(path)
    return time.perf_counter() - started_at


def make_tree(tree: Path, sizes: Sizes) -> None:
    """Write the files that the rounds need, which leaves them in the page cache."""
    tree.mkdir()
    block = random.Random(1).randbytes(BLOCK)
    for number in range(sizes.rounds + 1):
        with (tree / large(number)).open("wb") as file:
            for _ in range(sizes.file_mb):
                file.write(block)
    (tree / "written.bin").write_bytes(block * sizes.write_mb)
    (tree / "many").mkdir()
    for number in range(sizes.entries):
        (tree / "many" / entry(number)).write_text(f"file {number}")
    write_corpus(tree / "sources", files=sizes.grep_files, characters=8000, seed=3)
    os.sync()


def entry(number: int) -> str:
    """The name of a file in the directory that is listed."""
    return f"file{number:05}.txt"


def large(number: int) -> str:
    """The name of a round's large file."""
    return f"large{number}.bin"


def read_all(path: Path) -> None:
    """Read a file sequentially into one buffer."""
    buffer = bytearray(BLOCK)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def random_reader(name: str, sizes: Sizes) -> Callable[[Path], None]:
    """Return an action that reads pages at random offsets, the same each time."""
    generator = random.Random(2)
    pages = sizes.file_mb * BLOCK // PAGE
    offsets = [generator.randrange(pages) * PAGE for _ in range(sizes.rereads)]

    def read(tree: Path) -> None:
        descriptor = os.open(tree / name, os.O_RDONLY)
        try:
            for offset in offsets:
                os.pread(descriptor, PAGE, offset)
        finally:
            os.close(descriptor)

    return read


def list_all(tree: Path) -> None:
    """Read names and attributes, as `ls -l` does."""
    for name in os.listdir(tree / "many"):
        os.stat(tree / "many" / name)


def grep(tree: Path) -> None:
    """Search all files of a tree for a word."""
    subprocess.run(["grep", "-r", GREP_WORD, str(tree / "sources")], stdout=subprocess.DEVNULL, check=True)


def writer(sizes: Sizes) -> Callable[[Path], None]:
    """Return an action that overwrites a file in place."""
    block = random.Random(4).randbytes(BLOCK)

    def write(tree: Path) -> None:
        with (tree / "written.bin").open("r+b", buffering=0) as file:
            for _ in range(sizes.write_mb):
                file.write(block)

    return write


def small_writer(sizes: Sizes) -> Callable[[Path], None]:
    """Return an action that overwrites the beginning of a file in pages."""
    page = random.Random(5).randbytes(PAGE)

    def write(tree: Path) -> None:
        with (tree / "written.bin").open("r+b", buffering=0) as file:
            for _ in range(sizes.small_writes):
                file.write(page)

    return write


def opener(sizes: Sizes) -> Callable[[Path], None]:
    """Return an action that opens and closes each file of a directory."""

    def open_all(tree: Path) -> None:
        for number in range(sizes.entries):
            os.close(os.open(tree / "many" / entry(number), os.O_RDONLY))

    return open_all


def ask_for_missing(tree: Path) -> None:
    """Ask for a hundred names that do not exist, ten times each, as a search path does."""
    for _ in range(10):
        for number in range(100):
            os.path.exists(tree / "many" / f"missing{number}")


def reads(paths: TreePaths, sizes: Sizes) -> dict[str, float]:
    """The ratios of first and second reads, each measured right after a direct read, and their megabytes a second."""
    base, mount = [], []
    for number in range(sizes.rounds + 1):
        direct, mirrored = paths.direct / large(number), paths.mirror / large(number)
        read_all(direct)
        for _ in ("first", "second"):
            base.append(seconds(read_all, direct))
            mount.append(seconds(read_all, mirrored))
    # The first round warms up the mount itself.
    ratios = [through / directly for through, directly in zip(mount, base, strict=True)]
    return {
        "second_read": statistics.median(ratios[3::2]),
        "first_read": statistics.median(ratios[2::2]),
        "second_read_mb_s": sizes.file_mb / statistics.median(mount[3::2]),
        "first_read_mb_s": sizes.file_mb / statistics.median(mount[2::2]),
    }


def use_memory(megabytes: int) -> None:
    """Allocate so much memory and free it.

    The host of a virtual machine may provide memory only at its first use, which takes longer than reading into it.
    """
    memory = bytearray(megabytes * BLOCK)
    memory[::PAGE] = b"x" * len(memory[::PAGE])


def measure(paths: TreePaths, sizes: Sizes) -> dict[str, float]:
    """The figures of one mount."""
    figures = reads(paths, sizes)
    figures["random_reread"] = paths.ratio(random_reader(large(0), sizes), rounds=sizes.rounds)
    figures["relist"] = paths.ratio(list_all, rounds=sizes.rounds)
    figures["grep"] = paths.ratio(grep, rounds=sizes.rounds)
    figures["write"] = paths.ratio(writer(sizes), rounds=sizes.rounds)
    figures["write_mb_s"] = sizes.write_mb / seconds(writer(sizes), paths.mirror)
    figures["write_4k"] = paths.ratio(small_writer(sizes), rounds=sizes.rounds)
    figures["open"] = paths.ratio(opener(sizes), rounds=sizes.rounds)
    figures["missing"] = paths.ratio(ask_for_missing, rounds=sizes.rounds)
    return figures


def measure_c(running: Stack, tree: Path, source: Path | None, sizes: Sizes) -> dict[str, float]:
    """The figures of the passthrough example in C; none where it cannot be built."""
    program = _c_passthrough.build(source, running.folder / "c")
    if program is None:
        return {}
    with _c_passthrough.mounted(program, tree, running.folder / "c_mount") as mountpoint:
        figures = measure(TreePaths(direct=tree, mirror=mountpoint), sizes)
    return {f"c_{name}": figure for name, figure in figures.items()}


def wait_until_idle(running: Stack, tree: Path) -> TreePaths:
    """Wait until the tree is in the mount and no worker reads it any more."""
    paths = TreePaths(direct=tree, mirror=running.mount / "mirror" / ROOT)
    running.wait(paths.mirror.is_dir, seconds=60)
    counts = "SELECT (SELECT count(*) FROM files WHERE state = 'pending'), (SELECT count(*) FROM files)"
    running.wait(lambda: (row := running.rows(counts)[0])[0] == 0 and row[1] > 0, seconds=600, pause=0.2)
    return paths


def main() -> None:
    """Measure and print the figures."""
    options = parser(__doc__ or "")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--file-mb", type=int, default=256, help="size of a large file")
    options.add_argument("--write-mb", type=int, default=64, help="megabytes that are written")
    options.add_argument("--small-writes", type=int, default=4000, help="writes of 4 KiB")
    options.add_argument("--rereads", type=int, default=50_000, help="pages read at random offsets")
    options.add_argument("--entries", type=int, default=1000, help="files in the directory that is listed")
    options.add_argument("--grep-files", type=int, default=2000, help="files that grep reads")
    options.add_argument("--c-example", type=Path, help="libfuse's example/passthrough_ll.c, if not the installed one")
    arguments = options.parse_args()
    sizes = Sizes(
        rounds=arguments.rounds,
        file_mb=arguments.file_mb,
        write_mb=arguments.write_mb,
        small_writes=arguments.small_writes,
        rereads=arguments.rereads,
        entries=arguments.entries,
        grep_files=arguments.grep_files,
    )
    # No embed workers, and no files above 1 MB in the index: no other process reads what the benchmark writes.
    with stack("--workers", "0", mounted=True, settings=["max_file_mb = 1"]) as running:
        tree = running.folder / ROOT
        make_tree(tree, sizes)
        running.run("roots", "add", str(tree))
        paths = wait_until_idle(running, tree)
        use_memory((sizes.rounds + 2) * sizes.file_mb)
        figures = measure(paths, sizes) | measure_c(running, tree, arguments.c_example, sizes)
    sizes_shown = {name: getattr(sizes, name) for name in Sizes.__slots__}
    report("mount_io", figures, sizes=sizes_shown, as_json=arguments.json)


if __name__ == "__main__":
    main()
