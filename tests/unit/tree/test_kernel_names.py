"""Which names of results the kernel may keep when one is renamed."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import cast

import pytest

from magicfs.tree.directories import Entry
from magicfs.tree.kernel_names import KEPT_SECONDS, KernelNames
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from magicfs.tree.nodes import Node


class Clock:
    """A clock that sleeping sets."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    # Threads of other tests sleep by the module itself.
    monkeypatch.setattr("magicfs.tree.kernel_names.time", SimpleNamespace(sleep=clock.sleep))
    return clock


def entry(name: bytes) -> Entry:
    return Entry(name, cast("Node", None), None, timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)


def rename(names: KernelNames, name: bytes) -> None:
    for _ in names.expiring(name):
        pass


def test_the_kernel_asks_again_for_a_name_that_it_may_keep(clock: Clock) -> None:
    names = KernelNames(clock=clock)
    assert names.listed(entry(b"a")).timeout_seconds == REAL_FILE_TIMEOUT_SECONDS
    assert names.looked_up(entry(b"b")).timeout_seconds == REAL_FILE_TIMEOUT_SECONDS
    for name in (b"a", b"b"):
        with pytest.raises(OSError) as error:
            rename(names, name)
        assert error.value.errno == errno.ESTALE
        assert names.looked_up(entry(name)).timeout_seconds == 0
        rename(names, name)
        rename(names, name)
    assert clock.seconds == 100, "nothing waits"
    assert names.listed(entry(b"c")).timeout_seconds == 0
    with pytest.raises(OSError):
        rename(names, b"c")


def test_a_kernel_that_does_not_ask_is_waited_for(clock: Clock) -> None:
    names = KernelNames(clock=clock)
    names.listed(entry(b"a"))
    with pytest.raises(OSError):
        rename(names, b"a")
    rename(names, b"a")
    assert 100 + REAL_FILE_TIMEOUT_SECONDS < clock.seconds < 100 + 2 * REAL_FILE_TIMEOUT_SECONDS


def test_what_the_kernel_cannot_keep_any_more_is_renamed_at_once(clock: Clock) -> None:
    names = KernelNames(clock=clock)
    rename(names, b"a")
    names = KernelNames(clock=clock)
    names.listed(entry(b"a"))
    names.edit()
    clock.sleep(KEPT_SECONDS)
    rename(names, b"a")
    assert clock.seconds == 100 + KEPT_SECONDS
