"""`links/`: the results of a search as symbolic links to the real files."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

from magicfs.db.pool import Database
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.waiting import eventually


def links_of(mount: MountProcess, query: str) -> Path:
    return mount.path / "links" / query


def names_in(directory: Path) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries]


def test_links_have_the_names_and_the_order_of_the_search(mount: MountProcess, root: IndexedRoot) -> None:
    paths = [root.add("docs/both.txt", "tax invoice"), root.add("half.txt", "an invoice for roses")]
    names = names_in(links_of(mount, "tax invoice"))
    assert names == mount.result_names("tax invoice")
    assert [os.readlink(links_of(mount, "tax invoice") / name) for name in names] == [str(path) for path in paths]
    assert mount.searches == ["tax invoice"], "both show one search"
    listed = subprocess.run(["ls", "-l", links_of(mount, "tax invoice")], capture_output=True, text=True, check=True)
    assert f"{names[0]} -> {paths[0]}" in listed.stdout


def test_programs_read_and_save_the_file_where_it_is(mount: MountProcess, root: IndexedRoot) -> None:
    path = root.add("a.txt", "roses")
    link = links_of(mount, "roses") / names_in(links_of(mount, "roses"))[0]
    assert link.is_symlink()
    assert link.resolve() == path
    assert link.lstat().st_size == len(os.fsencode(path))
    assert link.stat().st_dev == path.stat().st_dev
    link.write_text("more roses")
    assert path.read_text() == "more roses"
    temporary = path.with_suffix(".new")
    temporary.write_text("saved by a rename")
    temporary.rename(link.resolve())
    assert link.read_text() == "saved by a rename"


def test_results_of_other_hosts_are_left_out(
    mount: MountProcess, root: IndexedRoot, database: Database, tmp_path: Path
) -> None:
    remote = IndexedRoot(database, tmp_path / "remote", host="far away", name="remote")
    remote.add("far.txt", "roses")
    root.add("near.txt", "roses and many other flowers of the garden")
    searched = mount.result_names("roses")
    assert len(searched) == 2
    assert names_in(links_of(mount, "roses")) == [name for name in searched if name.endswith("_near.txt")]
    far = next(name for name in searched if name.endswith("_far.txt"))
    with raises_errno(errno.ENOENT):
        (links_of(mount, "roses") / far).lstat()


def test_the_generated_files_are_there_too(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "some roses here")
    for name in (".results.json", ".passages"):
        assert (links_of(mount, "roses") / name).read_bytes() == (mount.query_path("roses") / name).read_bytes()
    assert names_in(mount.path / "links") == ["roses"]


def test_a_link_of_an_earlier_listing_still_works(mount: MountProcess, root: IndexedRoot) -> None:
    path = root.add("a.txt", "red roses")
    (before,) = names_in(links_of(mount, "red roses of May"))
    root.add("a.txt", "red roses of May")
    (mount.path / ".magic/refresh").touch()
    (after,) = names_in(links_of(mount, "red roses of May"))
    assert before != after
    assert os.readlink(links_of(mount, "red roses of May") / before) == str(path)


def test_a_link_to_a_deleted_file_dangles_until_the_index_knows(mount: MountProcess, root: IndexedRoot) -> None:
    path = root.add("a.txt", "roses")
    (name,) = names_in(links_of(mount, "roses"))
    path.unlink()
    link = links_of(mount, "roses") / name
    assert link.is_symlink()
    assert not link.exists()
    root.delete_row("a.txt")
    eventually(lambda: names_in(links_of(mount, "roses")) == [])


def test_nothing_is_changed_there(mount: MountProcess, root: IndexedRoot) -> None:
    path = root.add("a.txt", "roses")
    (name,) = names_in(links_of(mount, "roses"))
    for action in (
        (links_of(mount, "roses") / name).unlink,
        lambda: (links_of(mount, "roses") / "new").symlink_to(path),
        (mount.path / "links" / ".git").mkdir,
    ):
        with raises_errno(errno.EPERM, errno.EROFS):
            action()
    assert path.exists()
    with raises_errno(errno.ENOENT):
        (links_of(mount, "roses") / ".hidden").lstat()
