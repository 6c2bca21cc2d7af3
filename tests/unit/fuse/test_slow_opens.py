"""Which file systems have their files opened in threads, and for how long."""

from __future__ import annotations

from magicfs.fuse.slow_opens import FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS, SLOW_SECONDS, SlowOpens
from magicfs.tree.nodes import ThreadPool
from tests.fakes.clock import Clock

HERE, THERE = ThreadPool("8:1"), ThreadPool("8:2")
SLOW, QUICK = 2 * SLOW_SECONDS, SLOW_SECONDS / 2


def test_a_slow_open_is_a_short_pause_of_its_own_file_system() -> None:
    clock = Clock()
    opens = SlowOpens(clock=clock)
    opens.record(HERE, SLOW)
    assert opens.is_paused(HERE)
    assert not opens.is_paused(THERE)
    clock.now += FIRST_PAUSE_SECONDS
    assert not opens.is_paused(HERE)


def test_a_file_system_that_stays_slow_pauses_longer_and_a_quick_one_is_forgiven() -> None:
    clock = Clock()
    opens = SlowOpens(clock=clock)
    pauses = []
    for _ in range(10):
        opens.record(HERE, SLOW)
        began = clock.now
        while opens.is_paused(HERE):
            clock.now += FIRST_PAUSE_SECONDS
        pauses.append(clock.now - began)
    assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
    assert max(pauses) == MAX_PAUSE_SECONDS
    for _ in range(10):
        opens.record(HERE, QUICK)
    opens.record(HERE, SLOW)
    clock.now += FIRST_PAUSE_SECONDS
    assert not opens.is_paused(HERE)
