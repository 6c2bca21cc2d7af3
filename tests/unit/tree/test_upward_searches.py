"""Programs that look for a file in all directories above the one where they are."""

from __future__ import annotations

import pytest

from magicfs.tree.results.upward_searches import UPWARD_SECONDS, UpwardSearches
from tests.fakes.clock import Clock

PROGRAM, THREAD, OTHER = 100, 101, 200
"""Two threads of one process, and another one."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def searches(clock: Clock) -> UpwardSearches:
    return UpwardSearches(clock=clock, are_of_one_process=lambda first, second: first // 100 == second // 100)


def test_a_name_that_a_thread_has_asked_for_below(searches: UpwardSearches) -> None:
    for name in (b"Cargo.toml", b".npmrc", b"tsconfig.base.json", b"node_modules"):
        searches.begin(name, PROGRAM)
    for name in (b"Cargo.toml", b".npmrc", b"tsconfig.base.json", b"node_modules"):
        assert searches.continues(name, PROGRAM)
        assert searches.continues(name, PROGRAM), "it may ask again"
        assert searches.continues(name, THREAD)


def test_what_a_person_asks_for(searches: UpwardSearches, clock: Clock) -> None:
    assert not searches.continues(b"Cargo.toml", PROGRAM)
    searches.begin(b"Cargo.toml", PROGRAM)
    assert not searches.continues(b"Cargo.toml", OTHER)
    assert not searches.continues(b"cargo", PROGRAM)
    clock.now += UPWARD_SECONDS + 0.1
    assert not searches.continues(b"Cargo.toml", PROGRAM)


@pytest.mark.parametrize("name", [b"invoice", b"tax 3.5 per cent", b"notes.txt from May", b"etc."])
def test_what_is_no_name_of_a_file(searches: UpwardSearches, name: bytes) -> None:
    searches.begin(name, PROGRAM)
    assert not searches.continues(name, PROGRAM)


def test_threads_that_the_kernel_cannot_tell_apart(searches: UpwardSearches) -> None:
    searches.begin(b"Cargo.toml", 0)
    assert not searches.continues(b"Cargo.toml", 0)


def test_the_latest_names_are_kept(searches: UpwardSearches) -> None:
    searches.begin(b"oldest.c", PROGRAM)
    for number in range(999):
        searches.begin(b"again.c", PROGRAM)
        searches.begin(b"%d.c" % number, PROGRAM)
    assert not searches.continues(b"oldest.c", PROGRAM)
    assert searches.continues(b"again.c", PROGRAM)
