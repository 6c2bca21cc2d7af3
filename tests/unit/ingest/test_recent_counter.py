"""Counts within a sliding window of time."""

from __future__ import annotations

from magicfs.ingest.recent_counter import RecentCounter


def test_what_was_added_counts_within_the_window_and_uses_no_memory_later() -> None:
    now = 0.0
    counter = RecentCounter(window_s=10.0, clock=lambda: now)
    counter.add("a", 2)
    now = 6.0
    counter.add("a", 3)
    counter.add("b", 1)
    assert (counter.count("a"), counter.count("b"), counter.count("c")) == (5, 1, 0)
    now = 11.0
    assert (counter.count("a"), counter.count("b")) == (3, 1)
    now = 17.0
    assert (counter.count("a"), counter.count("b")) == (0, 0)
    assert not counter._counts
