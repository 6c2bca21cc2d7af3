"""When a host is idle, by a clock that the test moves."""

from __future__ import annotations

from magicfs.ingest.activity import IDLE_AFTER_SECONDS, Activity
from tests.fakes.clock import Clock


def test_a_host_is_idle_when_it_had_no_work_for_a_while() -> None:
    clock = Clock()
    activity = Activity(clock)
    assert not activity.is_idle()
    clock.now += IDLE_AFTER_SECONDS
    assert activity.is_idle()
    activity.note_work()
    clock.now += IDLE_AFTER_SECONDS - 1
    assert not activity.is_idle()


def test_it_becomes_idle_once_after_each_work() -> None:
    clock = Clock()
    activity = Activity(clock)
    for _ in range(2):
        assert not activity.has_become_idle()
        clock.now += IDLE_AFTER_SECONDS
        assert [activity.has_become_idle() for _ in range(3)] == [True, False, False]
        activity.note_work()


def test_what_changes_while_there_is_work_is_maintained_after_it() -> None:
    clock = Clock()
    activity = Activity(clock)
    activity.begin_maintenance()
    assert activity.has_changed
    clock.now += IDLE_AFTER_SECONDS
    activity.begin_maintenance()
    assert not activity.has_changed
    activity.note_work()
    assert activity.has_changed
