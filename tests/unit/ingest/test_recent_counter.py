"""Counts that are forgotten after a while."""

from __future__ import annotations

from magicfs.ingest.deletion_guard import Lately


def test_what_was_noted_counts_for_a_while_and_costs_nothing_later() -> None:
    now = 0.0
    lately = Lately(window_s=10.0, clock=lambda: now)
    lately.note("a", 2)
    now = 6.0
    lately.note("a", 3)
    lately.note("b", 1)
    assert (lately.count("a"), lately.count("b"), lately.count("c")) == (5, 1, 0)
    now = 11.0
    assert (lately.count("a"), lately.count("b")) == (3, 1)
    now = 17.0
    assert (lately.count("a"), lately.count("b")) == (0, 0)
    assert not lately._counts
