"""Which lookups are a search for a name that is free."""

from __future__ import annotations

import pytest

from magicfs.tree.results.free_names import SERIES_LENGTH, SERIES_SECONDS, FreeNameSearches
from tests.fakes.clock import Clock

THREAD, OTHER = 100, 101


def _ask(names: FreeNameSearches, name: bytes, thread: int) -> bool:
    """Ask for a name; whether it is free."""
    names.note(name, thread)
    return names.is_free(name, thread)


@pytest.mark.parametrize(
    "form",
    [
        "New Folder ({})",
        "untitled folder {}",
        "Neuer Ordner ({})",
        "新建文件夹 {}",
        "Untitled {}.txt",
        "a2 ({}th copy).odt",
    ],
)
def test_counting_up_ends(form: str) -> None:
    names = FreeNameSearches(clock=Clock())
    answers = [_ask(names, form.format(number).encode(), THREAD) for number in range(2, 12)]
    assert answers.index(True) == SERIES_LENGTH - 1
    assert all(answers[SERIES_LENGTH - 1 :])


def test_a_name_that_is_free_stays_so_for_the_thread_that_creates_it() -> None:
    names = FreeNameSearches(clock=Clock())
    for number in range(1, SERIES_LENGTH + 1):
        answer = _ask(names, b"New Folder (%d)" % number, THREAD)
    assert answer
    assert _ask(names, b"New Folder (%d)" % SERIES_LENGTH, THREAD)
    names.take(b"New Folder (%d)" % SERIES_LENGTH)
    assert not _ask(names, b"New Folder (%d)" % SERIES_LENGTH, THREAD)
    assert _ask(names, b"New Folder (%d)" % (SERIES_LENGTH + 1), THREAD)


def test_what_a_person_or_a_script_asks_for_is_no_series() -> None:
    clock = Clock()
    names = FreeNameSearches(clock=clock)
    for number in range(1, 20):
        assert not _ask(names, b"chapter %d" % number, THREAD + number), "each in a process of its own"
    for number in range(1, 20):
        assert not _ask(names, b"chapter %d" % number, THREAD)
        names.end(THREAD)
    for number in range(1, 20):
        assert not _ask(names, b"windows %d" % number, THREAD)
        clock.now += 2 * SERIES_SECONDS
    for number in (1, 3, 5, 7, 9, 8, 7, 6, 5, 4, 3):
        assert not _ask(names, b"version %d" % number, THREAD)
    assert not any(_ask(names, b"report", THREAD) for _ in range(20))


def test_threads_do_not_mix_and_are_forgotten() -> None:
    names = FreeNameSearches(clock=Clock())
    for number in range(1, 1000):
        assert not _ask(names, b"q %d" % number, THREAD + number % 3 * 1000 + number)
    assert len(names._series) < 100
