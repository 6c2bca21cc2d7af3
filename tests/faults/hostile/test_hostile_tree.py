"""Trees that are made to break a file indexer, with a real agent and real workers: every sound file is indexed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.faults.hostile.traps import INDEXED, SOON, Tree


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
        b"lying.docx": ("failed", "corrupt"),
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
