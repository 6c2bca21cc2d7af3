"""Which changes the watches of directories report."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from magicfs.ingest import directory_watches, watch_budget, watch_set
from magicfs.ingest.watch_budget import WatchBudget
from magicfs.ingest.watch_set import ChangedPaths, WatchSet
from magicfs.linux.inotify import Event, Inotify, InotifyMask
from tests.plugins.index import Index


def changes(watches: WatchSet) -> ChangedPaths:
    watches.read(timeout_s=1.0)
    return watches.take(debounce_s=0.0, max_debounce_s=0.0, timeout_s=0.0)


def test_a_change_names_a_path(index: Index) -> None:
    (index.folder / "sub").mkdir()
    with WatchSet(index.root, WatchBudget()) as watches:
        assert not changes(watches)
        (index.folder / "sub" / "one.txt").write_text("alpha")
        assert changes(watches).paths == {b"sub/one.txt"}


def test_ignored_directories_and_links_are_not_watched(index: Index) -> None:
    (index.folder / "node_modules").mkdir()
    (index.folder / ".git").mkdir()
    (index.folder / "link").symlink_to("/")
    with WatchSet(index.root, WatchBudget()) as watches:
        (index.folder / "node_modules" / "one.js").write_text("alpha")
        (index.folder / ".git" / "index").write_text("alpha")
        assert not changes(watches)


@pytest.mark.parametrize("name", [".gitignore", ".ignore", ".magicfsignore", "CACHEDIR.TAG"])
def test_a_directory_that_nothing_ignores_any_more_is_watched(index: Index, name: str) -> None:
    deciding = index.folder / "sub" / name
    (index.folder / "sub/deep").mkdir(parents=True)
    deciding.write_text("Signature: 8a477f597d28d172789f06886806bc55\ndeep\n")
    with WatchSet(index.root, WatchBudget()) as watches:
        deciding.unlink()
        assert changes(watches).paths == {os.fsencode(f"sub/{name}")}
        (index.folder / "sub/deep/one.txt").write_text("alpha")
        assert changes(watches).paths == {b"sub/deep/one.txt"}


def test_lost_events_lead_to_a_scan(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    with WatchSet(index.root, WatchBudget()) as watches:
        monkeypatch.setattr(Inotify, "read", lambda self, *, timeout_s: iter([Event(-1, InotifyMask.Q_OVERFLOW, b"")]))
        assert changes(watches).lost_events


def test_a_root_that_comes_back_is_watched_again(index: Index) -> None:
    with WatchSet(index.root, WatchBudget()) as watches:
        index.folder.rmdir()
        assert changes(watches).lost_events
        index.folder.mkdir()
        changes(watches)
        (index.folder / "one.txt").write_text("alpha")
        assert changes(watches).paths == {b"one.txt"}


def test_a_root_below_a_directory_that_another_one_has_replaced_is_watched_there(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_set, "CHECK_SECONDS", 0.0)
    above = index.folder / "above"
    (above / "root" / "sub").mkdir(parents=True)
    root = replace(index.root, path=os.fsencode(above / "root"))
    with WatchSet(root, WatchBudget()) as watches:
        assert not changes(watches)
        above.rename(index.folder / "aside")
        (above / "root" / "sub").mkdir(parents=True)
        assert changes(watches).lost_events
        (above / "root" / "sub" / "one.txt").write_text("alpha")
        (index.folder / "aside" / "root" / "two.txt").write_text("beta")
        assert changes(watches).paths == {b"sub/one.txt"}


def test_a_root_below_a_directory_that_was_renamed_is_gone(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_set, "CHECK_SECONDS", 0.0)
    above = index.folder / "above"
    (above / "root").mkdir(parents=True)
    root = replace(index.root, path=os.fsencode(above / "root"))
    with WatchSet(root, WatchBudget()) as watches:
        above.rename(index.folder / "aside")
        assert changes(watches).lost_events
        assert not changes(watches)
        (index.folder / "aside").rename(above)
        assert changes(watches).lost_events
        (above / "root" / "one.txt").write_text("alpha")
        assert changes(watches).paths == {b"one.txt"}


def test_too_many_directories_are_logged_once(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (index.folder / "a").mkdir()
    (index.folder / "b").mkdir()

    def refuse(self: Inotify, path: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(Inotify, "add", refuse)
    with WatchSet(index.root, WatchBudget()):
        assert [record.message for record in caplog.records if "max_user_watches" in record.message] == [
            caplog.records[-1].message
        ]


def test_refused_directories_are_watched_once_the_system_allows_it(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (index.folder / "a/inner").mkdir(parents=True)
    add = Inotify.add
    allowed = {b""}

    def add_some(self: Inotify, path: bytes) -> int:
        if os.path.relpath(path, os.fsencode(index.folder)).replace(b".", b"") not in allowed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return add(self, path)

    monkeypatch.setattr(Inotify, "add", add_some)
    monkeypatch.setattr(directory_watches, "RETRY_SECONDS", 0.0)
    with WatchSet(index.root, WatchBudget()) as watches:
        assert not changes(watches)
        allowed |= {b"a/inner"}
        assert not changes(watches).lost_events, "some are refused"
        assert not watches.is_complete
        allowed |= {b"a"}
        assert changes(watches).lost_events, "what has changed before is not known"
        assert watches.is_complete
        (index.folder / "a/inner/one.txt").write_text("alpha")
        assert changes(watches).paths == {b"a/inner/one.txt"}


def test_some_watches_are_left_to_other_programs(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_budget, "SMALL_ROOT", 0)
    monkeypatch.setattr(directory_watches, "RETRY_SECONDS", 0.0)
    for name in ("a", "b", "c"):
        (index.folder / name).mkdir()
    allowed = 4
    budget = WatchBudget(allowed=lambda: allowed)
    with WatchSet(index.root, budget) as watches:
        assert not changes(watches)
        assert not watches.is_complete, "three of four directories have the three watches that may be used"
        unwatched = {b"a", b"b", b"c"}.difference(watches.watches.directories)
        assert len(unwatched) == 1
        allowed = 8
        assert changes(watches).lost_events
        assert watches.is_complete
        allowed = 4
        (index.folder / "a").rename(index.folder / "d")
        assert changes(watches).paths == {b"a", b"d"}
    with WatchSet(index.root, WatchBudget(allowed=lambda: 8)) as watches:
        assert watches.is_complete


def test_watches_that_end_can_be_used_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_budget, "SMALL_ROOT", 0)
    budget = WatchBudget(allowed=lambda: 4)
    for turn in range(5):
        with WatchSet(index.root, budget) as watches:
            for name in ("a", "b"):
                (index.folder / name).mkdir()
                changes(watches)
            watches.watches.watch_tree(b"")
            assert watches.is_complete, turn
            for name in ("a", "b"):
                (index.folder / name).rmdir()
                changes(watches)
            (index.folder / "c").mkdir()
            changes(watches)
            assert watches.is_complete, turn
        (index.folder / "c").rmdir()


def test_a_small_root_is_watched_although_a_large_one_has_used_the_budget(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_budget, "SMALL_ROOT", 2)
    budget = WatchBudget(allowed=lambda: 4)
    for _ in range(3):
        assert budget.take(of_root=100)
    assert not budget.take(of_root=100)
    (index.folder / "a").mkdir()
    with WatchSet(index.root, budget) as watches:
        assert watches.is_complete
        (index.folder / "b").mkdir()
        changes(watches)
        assert not watches.is_complete


def test_the_budget_holds_while_it_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_budget, "SMALL_ROOT", 0)
    budget = WatchBudget(allowed=lambda: 4)
    taken = [budget.take(of_root=1) for _ in range(4)]

    def allowed() -> int:
        taken.append(budget.take(of_root=1))
        return 8

    monkeypatch.setattr(budget, "_allowed", allowed)
    budget.refresh()
    assert taken == [True, True, True, False, False]
    assert budget.take(of_root=1)


def test_a_directory_that_is_mounted_at_a_second_place_is_watched_at_both(index: Index) -> None:
    """The kernel has one watch for both."""
    (index.folder / "one").mkdir()
    (index.folder / "two/mounted").mkdir(parents=True)
    mount = ["mount", "--bind", str(index.folder / "one"), str(index.folder / "two/mounted")]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        with WatchSet(index.root, WatchBudget()) as watches:
            (index.folder / "one/a.txt").write_text("alpha")
            assert changes(watches).paths == {b"one/a.txt", b"two/mounted/a.txt"}
            (index.folder / "two").rename(index.folder / "three")
            changes(watches)
            changes(watches)
            (index.folder / "one/a.txt").unlink()
            assert changes(watches).paths == {b"one/a.txt", b"three/mounted/a.txt"}
    finally:
        for place in ("two/mounted", "three/mounted"):
            subprocess.run(["umount", index.folder / place], check=False, capture_output=True)


def test_a_failed_watch_leaves_no_descriptor_open(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def fail(self: Inotify, path: bytes) -> int:
        made.append(self.descriptor)
        raise MemoryError

    monkeypatch.setattr(Inotify, "add", fail)
    with pytest.raises(MemoryError):
        WatchSet(index.root, WatchBudget())
    [descriptor] = made
    # Another thread may have its number by now.
    with contextlib.suppress(FileNotFoundError):
        assert "inotify" not in os.readlink(f"/proc/self/fd/{descriptor}")


def test_a_moved_directory_is_watched_under_its_new_name_alone(index: Index) -> None:
    (index.folder / "old/inner").mkdir(parents=True)
    (index.folder / "old2").mkdir()
    with WatchSet(index.root, WatchBudget()) as watches:
        (index.folder / "old").rename(index.folder / "new")
        assert changes(watches).paths == {b"old", b"new"}
        changes(watches)
        (index.folder / "new/inner/one.txt").write_text("alpha")
        (index.folder / "old2/two.txt").write_text("alpha")
        assert changes(watches).paths == {b"new/inner/one.txt", b"old2/two.txt"}


def test_both_names_of_what_was_moved_come_together(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    (index.folder / "old").mkdir()
    with WatchSet(index.root, WatchBudget()) as watches:
        watch = watches.watches.number_of(b"")
        readings = [
            [Event(watch, InotifyMask.CREATE, b"other"), Event(watch, InotifyMask.MOVED_FROM, b"old")],
            [Event(watch, InotifyMask.MOVED_TO, b"new")],
            [],
        ]
        monkeypatch.setattr(Inotify, "read", lambda self, *, timeout_s: iter(readings.pop(0)))
        noted = changes(watches)
    assert noted.paths == {b"other", b"old", b"new"}
    assert noted.moved_away == {b"old"}


def test_a_program_that_moves_files_out_of_the_root_holds_back_no_changes(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WatchSet(index.root, WatchBudget()) as watches:
        watch = watches.watches.number_of(b"")
        numbers = itertools.count()

        def read(self: Inotify, *, timeout_s: float) -> Iterator[Event]:
            number = next(numbers)
            assert number < 300, "it reads for ever"
            time.sleep(0.001)
            return iter([Event(watch, InotifyMask.MOVED_FROM, b"%d" % number)])

        monkeypatch.setattr(Inotify, "read", read)
        assert b"0" in changes(watches).moved_away
