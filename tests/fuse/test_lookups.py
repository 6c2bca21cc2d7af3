"""Look-ups that the fast path answers (`looked_up`): what they find, and that the kernel's counts stay balanced."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.fuse.all_kinds import attributes, checked_numbers, make_all_kinds
from tests.fuse.assertions import served
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.known_names import forget, inode_count, known
from tests.plugins.kernel_caches import drop_caches, kept_caches, needs_root
from tests.plugins.waiting import eventually

FILES = 500
RACE_SECONDS = 4.0


def run_together(calls: Sequence[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def real(root: IndexedRoot) -> Path:
    directory = root.path / "d"
    directory.mkdir()
    for number in range(FILES):
        (directory / str(number)).write_text(f"text {number}")
    return directory


@pytest.fixture
def shown(mirror: Path, real: Path) -> Path:
    """The directory in the mount, in which a name was looked up before."""
    eventually((mirror / real.name / "0").exists)
    return mirror / real.name


def test_python_has_nothing_to_do_with_most_of_them(mount: MountProcess, shown: Path, real: Path) -> None:
    with kept_caches():
        # What is not in memory at once is left to Python.
        assert len([path.stat() for path in real.iterdir()]) == FILES
        for number in range(1, FILES):
            (shown / str(number)).stat()
    assert served(mount) > FILES * 0.9


def test_what_is_looked_up_is_as_on_the_disk(mount: MountProcess, shown: Path, real: Path) -> None:
    make_all_kinds(real)
    numbers = checked_numbers(shown, real)
    for name in (".git", ".hidden", "a~", "x.pyc"):
        (real / name).write_text(name)
        assert (shown / name).read_text() == name
    assert not (shown / "missing").exists()
    # A listing gives each the same number.
    listed = {entry.name: entry.inode() for entry in os.scandir(shown)}
    assert {name: listed[name] for name in numbers} == numbers
    assert "Traceback" not in mount.log


@needs_root
def test_the_kernel_forgets_as_often_as_it_was_told(mount: MountProcess, shown: Path, real: Path) -> None:
    make_all_kinds(real)
    names = os.listdir(real)
    before = inode_count(mount)

    def look_up() -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (shown / name).lstat()

    for turn in range(4):
        with kept_caches():
            for _ in range(3):
                look_up()
                # The kernel asks anew for what it knows.
                time.sleep(1.1)
            os.rename(shown / str(turn), shown / f"renamed {turn}")
            os.rename(real / str(turn + 10), real / f"renamed on the disk {turn}")
            (shown / str(turn + 20)).unlink()
            (shown / str(turn + 30)).write_text("new")
            os.link(shown / str(turn + 40), shown / f"linked {turn}")
            (shown / f"renamed on the disk {turn}").read_bytes()
            known(mount, before + FILES // 2, look_up)
        forget(mount, before + 2)
    for path in real.iterdir():
        assert attributes(shown / path.name) == attributes(path)
    assert "more often" not in mount.log
    assert "Traceback" not in mount.log


@needs_root
def test_counts_stay_balanced_while_names_change_and_are_forgotten(
    mount: MountProcess, shown: Path, real: Path
) -> None:
    before = inode_count(mount)
    names = [str(number) for number in range(1, FILES)]
    ends_at = time.monotonic() + RACE_SECONDS
    errors: list[BaseException] = []

    def repeat(act: Callable[[str], object]) -> None:
        try:
            for name in itertools.cycle(names):
                if time.monotonic() > ends_at:
                    return
                with contextlib.suppress(FileNotFoundError):
                    act(name)
        except (OSError, AssertionError) as error:
            errors.append(error)

    def replace(directory: Path, name: str) -> None:
        (directory / f"{name}.new").write_text(f"text {name}")
        os.replace(directory / f"{name}.new", directory / name)

    def read(name: str) -> None:
        text = (shown / name).read_text()
        # A file that is written anew is empty for a moment, and another one never has its name.
        assert text in {"", f"text {name}"}, text

    def drop(_: str) -> None:
        drop_caches()
        time.sleep(0.05)

    def look_up(name: str) -> None:
        (shown / name).stat()

    acts: list[Callable[[str], object]] = [look_up, read, partial(replace, real), partial(replace, shown), drop]
    run_together([partial(repeat, act) for act in acts])
    assert not errors
    for name in names:
        assert attributes(shown / name) == attributes(real / name)
    forget(mount, before + 2)
    assert "more often" not in mount.log
    assert "Traceback" not in mount.log


def test_a_file_that_is_replaced_after_its_look_up_is_the_new_one(shown: Path, real: Path) -> None:
    for turn, directory in enumerate((real, shown) * 5, 1):
        name = str(turn)
        before = (shown / name).stat().st_ino
        (directory / "new").write_text("another text")
        os.replace(directory / "new", directory / name)

        def is_replaced(name: str = name, before: int = before) -> bool:
            return (shown / name).stat().st_ino != before

        assert (shown / name).read_text() == "another text"
        eventually(is_replaced)


def test_a_file_that_is_renamed_on_the_disk_stays_the_same(shown: Path, real: Path) -> None:
    for number in range(1, 20):
        before = (shown / str(number)).stat().st_ino
        with (shown / str(number)).open() as file:
            (real / str(number)).rename(real / f"renamed {number}")
            assert (shown / f"renamed {number}").stat().st_ino == before
            assert os.fstat(file.fileno()).st_ino == before
            assert file.read() == (shown / f"renamed {number}").read_text() == f"text {number}"


def test_a_directory_in_the_place_of_another_shows_its_own_files(shown: Path, real: Path) -> None:
    assert (shown / "1").read_text() == "text 1"
    inside = os.open(shown, os.O_PATH | os.O_DIRECTORY)
    real.rename(real.parent / "away")
    real.mkdir()
    (real / "1").write_text("another file")
    (real / "2").write_text("second file")
    # By the descriptor it is the former one or stale, never what has taken its place.
    with contextlib.suppress(OSError):
        assert (Path(f"/proc/self/fd/{inside}") / "2").read_text() == "text 2"
    os.close(inside)
    eventually(lambda: (shown / "1").read_text() == "another file")
    eventually(lambda: (shown / "2").read_text() == "second file")
    assert (shown.parent / "away/2").read_text() == "text 2"


def test_a_removed_file_stays_for_who_has_found_it(mount: MountProcess, shown: Path) -> None:
    for number in range(1, 50):
        found = os.open(shown / str(number), os.O_PATH)
        (shown / str(number)).unlink()
        assert Path(f"/proc/self/fd/{found}").read_text() == f"text {number}"
        os.close(found)
    assert not (shown / "1").exists()
    assert "Traceback" not in mount.log


@pytest.mark.parametrize("first", ["search", "mirror"])
def test_a_result_and_its_file_in_the_mirror_are_one(
    mount: MountProcess, root: IndexedRoot, mirror: Path, first: str
) -> None:
    for number in range(5):
        root.add(f"d/rose {number}.txt", f"roses {number}")
    (root.path / "d/other").touch()
    eventually((mirror / "d/other").exists)
    names = [f"rose {number}.txt" for number in range(5)]
    with kept_caches():
        if first == "mirror":
            by_mirror = {name: (mirror / "d" / name).stat().st_ino for name in names}
            results = {name[8:]: mount.query_path("roses") / name for name in mount.result_names("roses")}
        else:
            results = {name[8:]: mount.query_path("roses") / name for name in mount.result_names("roses")}
            by_search = {name: path.stat().st_ino for name, path in results.items()}
            by_mirror = {name: (mirror / "d" / name).stat().st_ino for name in names}
            assert by_search == by_mirror
        for name, path in results.items():
            with (
                path.open("r+b") as one,
                (mirror / "d" / name).open("r+b") as other,
                mmap.mmap(one.fileno(), 0) as mapped,
                mmap.mmap(other.fileno(), 0) as again,
            ):
                mapped[:2] = b"RO"
                assert again[:5] == b"ROses"
                assert os.fstat(one.fileno()).st_ino == by_mirror[name]


def test_a_mount_ends_while_names_are_looked_up(mount: MountProcess, shown: Path) -> None:
    ended = threading.Event()

    def look_up() -> None:
        with contextlib.suppress(OSError):
            for number in itertools.cycle(range(FILES)):
                if ended.is_set():
                    return
                (shown / str(number)).stat()

    def end() -> None:
        time.sleep(0.3)
        assert mount.stop() == 0
        ended.set()

    run_together([look_up] * 4 + [end])
    assert ended.is_set()
    assert "Traceback" not in mount.log
