"""Searching through a real mount."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from magicfs.db.cluster.heartbeats import record_mount
from magicfs.db.pool import Database
from magicfs.fuse.thread_pools import INDEX_THREADS
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import CONNECT_SECONDS
from tests.plugins.waiting import eventually


def test_a_query_lists_results_best_first(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("half.txt", "an invoice for roses")
    root.add("both.txt", "tax invoice")
    root.add("none.txt", "a letter")
    names = mount.result_names("tax invoice")
    assert [name[:3] + name[8:] for name in names] == ["01_both.txt", "02_half.txt"]
    assert all(re.fullmatch(r"\d\d_[01]\.\d\d_.+", name) for name in names)
    assert names == sorted(names), "ls and file managers show the best first"
    scores = [float(name[3:7]) for name in names]
    assert scores == sorted(scores, reverse=True)


def test_a_filter_behind_a_minus_leaves_files_out(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("kept.txt", "roses in May")
    root.add("left.md", "roses in June")
    for query in ("roses -ext:md", "-ext:md", 'roses NOT name:"left"'):
        assert [name[8:] for name in mount.result_names(query)] == ["kept.txt"], query
    passages = (mount.query_path("roses -ext:md") / ".passages").read_text()
    assert passages == f"{root.path}/kept.txt:1-1: roses in May\n"


def test_a_result_has_the_content_and_attributes_of_its_file(mount: MountProcess, root: IndexedRoot) -> None:
    content = os.urandom(3_000_001)
    original = root.add("data.bin", content, text="random bytes")
    entry = mount.query_path("random bytes") / mount.result_names("random bytes")[0]
    assert entry.read_bytes() == content
    listed, real = entry.stat(), original.stat()
    for attribute in ("st_size", "st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_ctime_ns"):
        assert getattr(listed, attribute) == getattr(real, attribute)


def test_a_listing_and_reading_its_files_is_one_search(mount: MountProcess, root: IndexedRoot) -> None:
    for number in range(30):
        root.add(f"{number}.txt", f"roses {number}")
    names = mount.result_names("roses")
    assert len(names) == 30
    for name in names:
        (mount.query_path("roses") / name).read_bytes()
    assert mount.result_names("roses") == names
    assert json.loads((mount.query_path("roses") / ".results.json").read_text())["query"] == "roses"
    assert mount.searches == ["roses"]


def test_a_program_that_opens_a_query_as_a_file_does_not_search(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    search = mount.path / "search"
    assert (search / "HEAD").is_dir()
    if shutil.which("git") is not None:
        assert subprocess.run(["git", "-C", search, "status"], capture_output=True, check=False).returncode == 128
    descriptor = os.open(mount.query_path("roses"), os.O_RDONLY)
    try:
        with raises_errno(errno.EISDIR):
            os.read(descriptor, 1)
        assert mount.searches == []
        assert len(os.listdir(descriptor)) == 1
        assert mount.searches == ["roses"]
    finally:
        os.close(descriptor)
    assert os.listdir(search) == ["roses"]


def test_a_heartbeat_does_not_make_a_search_run_again(
    mount: MountProcess, root: IndexedRoot, database: Database
) -> None:
    root.add("a.txt", "roses")
    names = mount.result_names("roses")
    with database.transaction() as connection:
        record_mount(connection, host="there", path=b"/mnt", pid=1)
    assert mount.result_names("roses") == names
    assert mount.searches == ["roses"]


def test_concurrent_listings_share_a_search(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "slow roses")
    with ThreadPoolExecutor(8) as pool:
        listings = list(pool.map(mount.result_names, ["slow roses"] * 8))
    assert all(listing == listings[0] for listing in listings)
    assert listings[0]
    assert mount.searches == ["slow roses"]


def test_slow_searches_do_not_delay_reading_files(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "content")
    with ThreadPoolExecutor(40) as pool:
        searches = [pool.submit(mount.result_names, f"slow {number}") for number in range(40)]
        assert (mount.path / "mirror/documents/a.txt").read_text() == "content"
        assert not all(search.done() for search in searches)
        for search in searches:
            search.exception()


def test_a_result_is_found_without_a_listing(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    assert (mount.query_path("roses") / "01_1.00_a.txt").read_text() == "roses"
    assert not (mount.query_path("roses") / "01_1.00_b.txt").exists()


def test_a_name_still_exists_when_the_score_has_changed(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "red roses")
    (before,) = mount.result_names("red roses of May")
    root.add("a.txt", "red roses of May")
    (mount.path / ".magic/refresh").touch()
    (after,) = mount.result_names("red roses of May")
    assert before != after
    assert (mount.query_path("red roses of May") / before).read_text() == "red roses of May"


def test_changes_appear_soon(mount: MountProcess, root: IndexedRoot) -> None:
    assert mount.result_names("roses") == []
    path = root.add("a.txt", "roses")
    eventually(lambda: len(mount.result_names("roses")) == 1)
    entry = mount.query_path("roses") / mount.result_names("roses")[0]
    assert entry.read_text() == "roses"
    path.write_text("roses and more roses")
    eventually(lambda: entry.read_text() == "roses and more roses")
    root.remove("a.txt")
    eventually(lambda: mount.result_names("roses") == [])
    eventually(lambda: not entry.exists())


def test_a_file_that_grew_is_read_to_its_new_end(mount: MountProcess, root: IndexedRoot) -> None:
    path = root.add("a.txt", "roses")
    entry = mount.query_path("roses") / mount.result_names("roses")[0]
    assert entry.stat().st_size == 5
    path.write_text("roses, much longer than before")
    assert entry.read_text() == "roses, much longer than before"


def test_names_that_only_programs_look_up_do_not_exist(mount: MountProcess) -> None:
    for name in ("Thumbs.db", "desktop.ini", ".git", ".Trash-1000", "._a.txt", ".x.md.swp", "*"):
        assert not mount.query_path(name).exists(), name
    for name in (".hidden", ".directory", "desktop.ini", "x"):
        assert not (mount.query_path("roses") / name).exists()
    for name in ("roses", ".NET garbage collector", "functools.partial", "noise.zip", "🎉"):
        assert mount.query_path(name).is_dir()
    assert mount.searches == []


def test_a_file_has_one_inode_number_everywhere(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "red roses")
    first = mount.query_path("red") / mount.result_names("red")[0]
    second = mount.query_path("roses") / mount.result_names("roses")[0]
    mirrored = mount.path / "mirror/documents/a.txt"
    assert first.stat().st_ino == second.stat().st_ino == mirrored.stat().st_ino
    assert mount.query_path("red").stat().st_ino != mount.query_path("roses").stat().st_ino


def test_results_are_not_removed_and_directories_keep_their_times(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    search, query = mount.path / "search", mount.query_path("roses")
    (name,) = mount.result_names("roses")
    before = [(path.stat().st_mode, path.stat().st_mtime_ns) for path in (mount.path, search, query)]
    assert all(stat.S_IMODE(mode) == 0o755 for mode, _ in before)

    def assert_refused(action: Callable[[], object]) -> None:
        with raises_errno(errno.EPERM, errno.EROFS):
            action()

    assert_refused((query / "new").mkdir)
    assert_refused((search / ".git").mkdir)
    assert_refused((query / name).unlink)
    assert_refused(lambda: (search / ".hidden").write_text(""))
    assert_refused(lambda: (search / ".hidden").symlink_to("x"))
    assert_refused(lambda: os.link(query / name, query / "hard.txt"))
    assert_refused(query.rmdir)
    assert_refused(lambda: os.setxattr(query / name, "user.magicfs.score", b"1"))
    assert_refused(lambda: os.chmod(query, 0o777))
    assert (root.path / "a.txt").read_text() == "roses"
    assert [(path.stat().st_mode, path.stat().st_mtime_ns) for path in (mount.path, search, query)] == before


def test_the_recent_queries_are_listed(mount: MountProcess, root: IndexedRoot) -> None:
    assert os.listdir(mount.path) == ["search", "links", "mirror", ".magic"]
    assert os.listdir(mount.path / "search") == []
    mount.result_names("roses")
    mount.query_path("looked up only").stat()
    mount.result_names("tulips")
    assert os.listdir(mount.path / "search") == ["tulips", "roses"]


def test_percent_2f_is_a_slash(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("docs/a.txt", "roses")
    root.add("b.txt", "roses")
    assert [
        name[8:] for name in mount.result_names("roses in:%2F" + str(root.path / "docs")[1:].replace("/", "%2F"))
    ] == ["a.txt"]


def test_a_failed_search_and_a_late_one_are_errors(mount: MountProcess, root: IndexedRoot) -> None:
    for query, number in (("broken", errno.EIO), ("stuck", errno.ETIMEDOUT)):
        with raises_errno(number):
            mount.result_names(query)
    assert "opendir failed unexpectedly" in mount.log
    root.add("a.txt", "roses")
    assert len(mount.result_names("roses")) == 1


def test_as_many_searches_at_once_as_there_are_threads_wait_for_no_connection(
    mount: MountProcess, root: IndexedRoot, database: Database
) -> None:
    root.add("a.txt", "roses")
    with ThreadPoolExecutor(INDEX_THREADS) as pool:
        with database.transaction() as connection:
            connection.execute("LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE")
            listings = pool.map(mount.result_names, [f"roses {number}" for number in range(INDEX_THREADS)])
            time.sleep(CONNECT_SECONDS + 1)
        assert [len(listing) for listing in listings] == [1] * INDEX_THREADS
    assert len(mount.searches) == INDEX_THREADS


@pytest.mark.parametrize("state", ["suspect", "missing"])
def test_the_log_says_why_files_of_a_troubled_root_do_not_open(
    mount: MountProcess, root: IndexedRoot, database: Database, state: str
) -> None:
    for number in range(3):
        root.add(f"{number}.txt", f"roses {number}")
    names = mount.result_names("roses")
    (root.path / "0.txt").unlink()
    with raises_errno(errno.ENOENT):
        (mount.query_path("roses") / next(name for name in names if name.endswith("_0.txt"))).read_bytes()
    assert "gone" not in mount.log, "a single file may go"
    for path in list(root.path.iterdir()):
        path.unlink()
    if state == "missing":
        root.path.rmdir()
    with database.transaction() as connection:
        connection.execute("UPDATE roots SET state = %s, detail = 'plug the disk in'", (state,))

    def is_explained() -> bool:
        for name in names:
            with raises_errno(errno.ENOENT):
                (mount.query_path("roses") / name).read_bytes()
        return f"root documents is {state}: plug the disk in" in mount.log

    eventually(is_explained)
    is_explained()
    assert mount.log.count("root documents is") == 1
