"""What the kernel keeps of a watched directory."""

from __future__ import annotations

import time

import pytest
from pyfuse3 import EntryAttributes

from magicfs.fuse.watched_directory import ASKED_BEFORE_KEPT, QUIET_SECONDS, WATCHED_SECONDS, Unchanged, Watch
from magicfs.tree.directories import InMemoryListing
from magicfs.tree.locations import FileLocation
from magicfs.tree.real.directories import RealDirectory
from tests.fakes.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def watch(clock: Clock) -> Watch:
    del clock
    return Watch(RealDirectory(FileLocation(host="here", root=b"/", path=b"")), 1, (1, 1))


def test_what_was_asked_for_before_a_change_or_soon_after_it_is_not_kept(watch: Watch, clock: Clock) -> None:
    before = Unchanged(watch, b"name")
    assert before.holds()
    watch.count_change()
    assert not Unchanged(watch, b"name").holds()
    clock.now += QUIET_SECONDS
    assert Unchanged(watch, b"name").holds()
    assert not before.holds()


def test_what_was_asked_for_before_a_mount_is_not_kept_and_what_is_asked_for_then_is(watch: Watch) -> None:
    before = Unchanged(watch, b"name")
    watch.note_kept_listing((1, 1), InMemoryListing([]))
    watch.count_mount()
    assert not before.holds()
    assert watch.kept_listing((1, 1)) is None
    assert Unchanged(watch, b"name").holds()


def test_a_name_is_kept_or_missing(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RealDirectory, "status_nowait", lambda _: object())
    assert [watch.keep_missing(b"name") for _ in range(ASKED_BEFORE_KEPT + 1)] == [False] * ASKED_BEFORE_KEPT + [True]
    assert watch.keeps(b"name")
    watch.keep_name(b"name", 20, EntryAttributes())
    assert (watch.names, watch.missing) == ({b"name": 20}, set())
    assert watch.keep_missing(b"name")
    assert (watch.names, watch.missing) == ({}, {b"name"})
    assert watch.forget_name(b"name") is None
    assert not watch.keeps(b"name")


def test_names_that_the_kernel_has_dropped_by_itself_need_not_be_taken_back(watch: Watch, clock: Clock) -> None:
    watch.keep_name(b"name", 20, EntryAttributes())
    watch.keep_attributes(b"name", EntryAttributes())
    clock.now += WATCHED_SECONDS
    assert watch.to_take_back() == [b"name"]
    clock.now += 2 * WATCHED_SECONDS
    assert watch.to_take_back() == []
    assert not watch.keeps(b"name")
    assert not watch.forget_attributes(b"name")
