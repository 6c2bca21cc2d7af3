"""The pause of a file that keeps changing: its growth, its end, and how it follows from what the file costs."""

from datetime import UTC, datetime

import pytest

from magicfs.domain.files import ClaimedFile
from magicfs.domain.ids import FileId, Lease
from magicfs.pipeline.pauses import MAX_PAUSE_SECONDS, MAX_SLOW_PAUSE_SECONDS, pause_before_rereading_s


def claim(since_reading_s: float | None, pause_s: float = 0.0) -> ClaimedFile:
    return ClaimedFile(FileId(1), Lease(1), datetime.now(UTC), b"/", b"log", 1, None, 1, 100, since_reading_s, pause_s)


def pause(claimed: ClaimedFile, *, reading_s: float = 0.01, chunks: float = 1) -> float:
    return pause_before_rereading_s(claimed, reading_s=reading_s, chunks=chunks)


def test_a_new_file_has_no_pause() -> None:
    assert pause(claim(None)) == 0


def test_the_pause_grows_to_some_seconds_while_the_file_keeps_changing() -> None:
    pauses = [pause(claim(3600.0))]
    for _ in range(5):
        pauses.append(pause(claim(pauses[-1] + 0.1, pauses[-1])))
    assert pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_file_that_was_left_alone_begins_anew() -> None:
    assert pause(claim(13.0, 5.0)) == 0.5
    assert pause(claim(10.0, 5.0)) == 5.0, "a write every ten seconds is no rest"


@pytest.mark.parametrize(
    ("reading_s", "chunks", "expected"),
    [(0.2, 0, 2.5), (0.01, 20, 8.6), (0.2, 20, 10.5), (1.0, 1000, MAX_PAUSE_SECONDS)],
)
def test_the_pause_is_long_enough_for_the_cost(reading_s: float, chunks: float, expected: float) -> None:
    assert pause(claim(1.0, 0.5), reading_s=reading_s, chunks=chunks) == pytest.approx(expected)


def test_a_slow_file_has_a_pause_after_its_first_reading_whatever_is_embedded() -> None:
    assert pause(claim(None), reading_s=0.5, chunks=1000) == 5.0
    assert pause(claim(3600.0), reading_s=0.01, chunks=1000) == 0.5


def test_a_large_file_that_keeps_changing_has_a_pause_of_minutes() -> None:
    assert pause(claim(1.0), reading_s=20.0, chunks=1000) == pytest.approx(200.0)
    assert pause(claim(1.0), reading_s=100.0, chunks=1000) == MAX_SLOW_PAUSE_SECONDS


def test_a_large_file_that_was_read_while_it_was_copied_is_read_soon() -> None:
    assert pause(claim(None), reading_s=20.0, chunks=1000) == MAX_PAUSE_SECONDS
