"""Files that change, vanish or wait while others are read, with a real agent and real workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.hostile.traps import MIB, SOON, Tree

READERS = ("extract-1", "extract-2")


@contextmanager
def stopped(tree: Tree, *workers: str) -> Iterator[None]:
    """The children of these workers do nothing meanwhile, however long it takes."""
    children = [child for name in workers if (child := tree.stack.child_of(name))]
    for child in children:
        os.kill(child, signal.SIGSTOP)
    try:
        yield
    finally:
        for child in children:
            os.kill(child, signal.SIGCONT)


def test_a_file_that_is_rewritten_all_the_time(tree: Tree) -> None:
    folder = tree.folder / "busy"
    folder.mkdir()
    [(before,)] = tree.stack.rows("SELECT count(*) FROM contents")
    writes = 150
    for number in range(writes):
        (folder / "log.txt").write_text(f"Written {number} times before. " * 50)
        time.sleep(0.02)
    (folder / "log.txt").write_text("At rest.")
    tree.wait_for_text("busy/log.txt", "At rest.")
    [(after,)] = tree.stack.rows("SELECT count(*) FROM contents")
    assert after - before < writes / 5


def test_files_that_vanish_before_they_are_read(tree: Tree) -> None:
    folder = tree.folder / "vanish"
    folder.mkdir()
    with stopped(tree, *READERS):
        for number in range(9):
            (folder / f"{number}.txt").write_text(f"Soon gone: {number}.")
        tree.stack.wait(lambda: len(tree.states("vanish")) == 9, seconds=SOON, what="their rows")
        for number in range(1, 9):
            (folder / f"{number}.txt").unlink()
    tree.wait_for("vanish", {b"0.txt"})


def test_a_log_that_is_written_all_the_time_is_read_a_few_times(tree: Tree) -> None:
    log = tree.folder / "written" / "service.log"
    log.parent.mkdir()
    log.write_text("The service starts.\n")
    tree.wait_for("written", {b"service.log"})
    contents = "SELECT coalesce(max(id), 0) FROM contents"
    [(before,)] = tree.stack.rows(contents)
    began = time.monotonic()
    for number in range(50):
        with log.open("a") as lines:
            lines.write(f"The service answers request {number}.\n")
        if number == 0:
            tree.wait_for_text("written/service.log", "request 0")
        time.sleep(0.05)
    tree.wait_for_text("written/service.log", "request 49")
    tree.wait_for("written", {b"service.log"})
    [(after,)] = tree.stack.rows(contents)
    # One row of contents for each reading, between which there are five seconds at last.
    assert after - before <= 7 + (time.monotonic() - began) / 4


def test_a_file_that_is_saved_does_not_wait_behind_a_large_one(tree: Tree) -> None:
    folder = tree.folder / "large"
    folder.mkdir()
    words = "".join(f"word{number} " for number in range(200_000))
    (folder / "line.txt").write_text((words * (50 * MIB // len(words) + 1))[: 50 * MIB])
    claims = "SELECT leased_by FROM files WHERE display = 'large/line.txt' AND lease IS NOT NULL"
    tree.stack.wait(lambda: bool(tree.stack.rows(claims)), seconds=SOON, what="the claim of the large file")
    [(owner,)] = tree.stack.rows(claims)
    with stopped(tree, owner.partition("@")[0]):
        (folder / "small.txt").write_text("Saved while a large file is being read.")
        tree.wait_for_text("large/small.txt", "Saved while")
        assert tree.states("large")[b"line.txt"] == ("pending", None), "still being read"
    tree.wait_for("large", {b"line.txt", b"small.txt"}, seconds=300)


@pytest.mark.parametrize("count", [1_000, pytest.param(100_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(1800)
def test_a_file_that_is_saved_does_not_wait_behind_a_bulk(tree: Tree, outside: Path, count: int) -> None:
    many = f"many{count}"
    (outside / many).mkdir()
    for number in range(count):
        (outside / many / f"{number}.txt").write_text(f"Tiny file number {number} of {count}.")
    known = "SELECT count(*), count(*) FILTER (WHERE state = 'indexed') FROM files WHERE starts_with(display, %s)"

    def rows_and_indexed() -> tuple[int, int]:
        return tree.stack.rows(known, f"{many}/")[0]

    saved = f"{many}/saved.txt"
    with stopped(tree, *READERS):
        (outside / many).rename(tree.folder / many)
        tree.stack.wait(
            lambda: rows_and_indexed()[0] > count / 2, seconds=SOON + count / 100, what="the rows of a bulk"
        )
        (tree.folder / saved).write_text("Saved meanwhile.")
        ahead = "SELECT FROM files WHERE display = %s AND priority = 1"
        tree.stack.wait(lambda: bool(tree.stack.rows(ahead, saved)), seconds=SOON + count / 100, what="its event")
    tree.stack.wait(lambda: rows_and_indexed() == (count + 1, count + 1), seconds=SOON + count / 50, what="the bulk")
    assert tree.text(saved) == "Saved meanwhile."
    later = "indexed_at > (SELECT indexed_at FROM files WHERE display = %s)"
    [(read_later,)] = tree.stack.rows(
        f"SELECT count(*) FROM files WHERE starts_with(display, %s) AND {later}", f"{many}/", saved
    )
    assert read_later > count / 2, "the bulk was still to be read"
