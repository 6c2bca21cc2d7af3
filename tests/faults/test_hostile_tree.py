"""Trees that are made to break a file indexer, with a real agent and real workers: every sound file is indexed.

The agent scans once and then only watches, so that only its events find a later change.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.hostile_tree import INDEXED, MIB, SOON, Tree, set_traps
from tests.plugins.growth import peaks
from tests.plugins.stack import Stack

NEVER = "3600"
WITHOUT_ROOT_RIGHTS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Takes the capabilities away by which root reads every file."""

WORKER_MIB = 400


def without_root_rights() -> tuple[str, ...]:
    return WITHOUT_ROOT_RIGHTS if os.getuid() == 0 and shutil.which("setpriv") else ()


@pytest.fixture(scope="module")
def outside() -> Iterator[Path]:
    """A directory beside the tree to which links of the tree point. Nothing in it may be read."""
    place = Path(tempfile.mkdtemp(prefix="mfs-"))
    folder = place / "outside"
    (folder / "inner").mkdir(parents=True)
    (folder / "secret.txt").write_text("A secret of somebody else.")
    yield folder
    # Python's own way to remove a tree fails on one this deep.
    subprocess.run(["rm", "-rf", place], check=True)


@pytest.fixture(scope="module")
def tree(module_stack: Stack, outside: Path) -> Iterator[Tree]:
    folder = outside.parent / "tree"
    folder.mkdir()
    set_traps(folder / "traps", outside)
    stack = module_stack
    stack.environment["MAGICFS_SCAN_SECONDS"] = NEVER
    # What is embedded, and how much of a large file is cut into chunks, other tests look at.
    stack.environment["MAGICFS_MAX_TEXT_MB"] = "1"
    stack.environment["MAGICFS_MAX_EMBEDDED_CHUNKS"] = "10"
    stack.prefix = without_root_rights()
    stack.add_root(folder)
    with peaks(stack) as largest:
        stack.start_all(embedders=1)
        stack.start_worker("extract", 2)
        stack.wait(stack.settled, seconds=300, what="an index of the traps")
        yield Tree(stack, folder)
    sizes = {name: size // MIB for name, size in largest.items()}
    assert max(sizes.values()) <= WORKER_MIB, sizes


@pytest.fixture(autouse=True)
def healthy_afterwards(tree: Tree) -> Iterator[None]:
    """The pipeline is healthy after each test."""
    yield
    tree.assert_healthy()


def test_every_trap_is_indexed_or_skipped(tree: Tree) -> None:
    found = tree.states("traps")
    assert found.pop(b"d/" * 1000 + b"bottom.txt") == INDEXED
    assert found.pop(b"laughs.docx") in {("failed", "corrupt"), ("failed", "bomb"), ("named", None)}
    permission = ("failed", "permission")
    assert found.pop(b"closed.txt") == (permission if tree.stack.prefix or os.getuid() else INDEXED)
    if not tree.stack.prefix and os.getuid() == 0:
        assert found.pop(b"closed/inside.txt") == INDEXED
    assert found == {
        b"plain.txt": INDEXED,
        b"sparse.txt": ("skipped", "too-large"),
        b"42.zip": INDEXED,
        b"laughs.svg": INDEXED,
        b"lying.docx": ("failed", "bomb"),
        b"nul.txt": INDEXED,
        b"halves.txt": INDEXED,
        b"empty.txt": ("named", None),
        b"blank.txt": ("named", None),
    }
    assert "\0" not in tree.text("traps/nul.txt")
    assert len(tree.text("traps/laughs.svg")) < 10_000


def test_a_file_that_becomes_readable_is_read(tree: Tree) -> None:
    if not tree.stack.prefix and os.getuid() == 0:
        pytest.skip("root reads everything, and setpriv is not installed")
    (tree.folder / "traps" / "closed.txt").chmod(0o600)
    (tree.folder / "traps" / "closed").chmod(0o700)
    tree.wait_for_text("traps/closed.txt", "nobody")
    tree.wait_for_text("traps/closed/inside.txt", "either")


def test_links_are_not_followed(tree: Tree, outside: Path) -> None:
    (tree.folder / "links").mkdir()
    (tree.folder / "links" / "everything").symlink_to("/")
    (tree.folder / "links" / "away").symlink_to(outside)
    (outside / "inner" / "new.txt").write_text("Nothing to us.")
    (outside / "new.txt").write_text("Nothing to us either.")
    (tree.folder / "links" / "real.txt").write_text("But this.")
    tree.wait_for("links", {b"real.txt"})
    (outside / "new.txt").write_text("Changed.")
    tree.assert_healthy()
    tree.wait_for("links", {b"real.txt"})
    assert len(tree.states("traps/away")) == 0


def test_a_tree_that_appears_quickly_is_not_missed(tree: Tree) -> None:
    for number in range(20):
        below = tree.folder / "quick" / f"a{number}" / "b" / "c"
        below.mkdir(parents=True)
        (below / "deep.txt").write_text(f"Deep down in {number}.")
        (below.parent / "middle.txt").write_text(f"Half way down in {number}.")
    tree.wait_for("quick", {f"a{at}/b/{rest}".encode() for at in range(20) for rest in ("c/deep.txt", "middle.txt")})
    (tree.folder / "quick" / "a7" / "b" / "c" / "later.txt").write_text("Later.")
    tree.wait_for_text("quick/a7/b/c/later.txt", "Later.")


def test_directories_that_are_renamed_keep_their_files(tree: Tree) -> None:
    (tree.folder / "old" / "sub").mkdir(parents=True)
    for number in range(5):
        (tree.folder / "old" / "sub" / f"{number}.txt").write_text(f"Renamed with its directory: {number}.")
    names = {f"sub/{number}.txt".encode() for number in range(5)}
    tree.wait_for("old", names)
    chunks = "SELECT id FROM chunks WHERE starts_with(text, 'Renamed with its directory') ORDER BY id"
    before = tree.stack.rows(chunks)
    assert len(before) == 5
    (tree.folder / "old").rename(tree.folder / "renamed")
    tree.wait_for("renamed", names)
    tree.wait_for("old", set())
    assert tree.stack.rows(chunks) == before
    (tree.folder / "renamed" / "sub" / "new.txt").write_text("Written under the new name.")
    tree.wait_for("renamed", names | {b"sub/new.txt"})
    (tree.folder / "old" / "sub").mkdir(parents=True)
    (tree.folder / "old" / "sub" / "again.txt").write_text("The old name is used again.")
    tree.wait_for("old", {b"sub/again.txt"})
    shutil.rmtree(tree.folder / "renamed" / "sub")
    tree.wait_for("renamed", set())


def test_a_tree_that_is_moved_in_is_indexed_and_one_that_is_moved_out_is_not(tree: Tree, outside: Path) -> None:
    (outside / "moved" / "sub").mkdir(parents=True)
    (outside / "moved" / "one.txt").write_text("Moved in.")
    (outside / "moved" / "sub" / "two.txt").write_text("Moved in, deeper.")
    (outside / "moved").rename(tree.folder / "moved")
    tree.wait_for("moved", {b"one.txt", b"sub/two.txt"})
    (tree.folder / "moved" / "sub" / "three.txt").write_text("Written when it was in.")
    tree.wait_for("moved", {b"one.txt", b"sub/two.txt", b"sub/three.txt"})
    (tree.folder / "moved").rename(outside / "moved")
    tree.wait_for("moved", set())
    (outside / "moved" / "four.txt").write_text("Written when it was out.")
    tree.assert_healthy()
    tree.wait_for("moved", set())


def test_editors_save_by_renaming(tree: Tree) -> None:
    folder = tree.folder / "editor"
    folder.mkdir()
    for number in range(5):
        (folder / "notes.txt~").write_text(f"Draft number {number}.")
        (folder / "notes.txt~").rename(folder / "notes.txt")
        tree.wait_for_text("editor/notes.txt", f"number {number}")
    tree.wait_for("editor", {b"notes.txt"})


STRANGE_NAMES = {
    b"Case.txt",
    b"case.txt",
    b"caf\xe9.txt",
    b"\xff\xfe.txt",
    b"new\nline.txt",
    b"tab\tand \x1b[31mred.txt",
    "ein Käfer 🐞.txt".encode(),
    b"n" * 251 + b".txt",
    b" ",
    b"-rf",
    b"%s %(x)s {}.txt",
    b"'; DROP TABLE files; --",
    b"back\\slash.txt",
}


def test_names_are_bytes(tree: Tree) -> None:
    folder = os.fsencode(tree.folder / "names")
    os.mkdir(folder)
    for name in STRANGE_NAMES:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"The name is strange: " + name.hex().encode())
    tree.wait_for("names", STRANGE_NAMES)
    for name in STRANGE_NAMES:
        os.rename(os.path.join(folder, name), os.path.join(folder, name[:200] + b" 2"))
    tree.wait_for("names", {name[:200] + b" 2" for name in STRANGE_NAMES})
    os.rename(folder, folder + b"\xe9\n")
    tree.wait_for("names", set())
    found = "SELECT count(*) FROM files WHERE position(%s IN path) = 1"

    def are_found(number: int) -> bool:
        return tree.stack.rows(found, b"names\xe9\n/") == [(number,)]

    tree.stack.wait(lambda: are_found(len(STRANGE_NAMES)), seconds=SOON, what="their new place")
    for name in STRANGE_NAMES:
        os.unlink(os.path.join(folder + b"\xe9\n", name[:200] + b" 2"))
    tree.stack.wait(lambda: are_found(0), seconds=SOON, what="their end")


def test_two_names_of_one_file(tree: Tree) -> None:
    folder = tree.folder / "hard"
    folder.mkdir()
    (folder / "first.txt").write_text("One file.")
    os.link(folder / "first.txt", folder / "second.txt")
    tree.wait_for("hard", {b"first.txt", b"second.txt"})
    (folder / "second.txt").write_text("Written to by its second name.")
    tree.wait_for_text("hard/second.txt", "second name")
    tree.wait_for_text("hard/first.txt", "second name")
    (folder / "first.txt").unlink()
    tree.wait_for("hard", {b"second.txt"})


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


def test_rules_take_effect_at_once(tree: Tree) -> None:
    folder = tree.folder / "ruled"
    (folder / "node_modules" / "inner").mkdir(parents=True)
    (folder / "node_modules" / "inner" / "code.js").write_text("const ignored = true")
    (folder / "drafts").mkdir()
    (folder / "drafts" / "draft.txt").write_text("A draft.")
    (folder / "kept.txt").write_text("Kept.")
    tree.wait_for("ruled", {b"kept.txt", b"drafts/draft.txt"})
    (folder / ".magicfsignore").write_text("drafts/\n")
    tree.wait_for("ruled", {b"kept.txt"})
    (folder / ".magicfsignore").write_text("!node_modules/\n")
    tree.wait_for("ruled", {b"kept.txt", b"drafts/draft.txt", b"node_modules/inner/code.js"})
    (folder / "node_modules" / "inner" / "more.js").write_text("const ignored = false")
    tree.wait_for(
        "ruled", {b"kept.txt", b"drafts/draft.txt", b"node_modules/inner/code.js", b"node_modules/inner/more.js"}
    )


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
