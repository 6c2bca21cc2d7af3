"""The progress report that is computed from counts: rate, time left, and stalls."""

from __future__ import annotations

import pytest

from magicfs.cli.progress import STALL_SECONDS, WINDOW_SECONDS, ProgressMeter, StallDetector
from magicfs.cli.terminal import duration
from magicfs.domain.status import ChunkCounts, FileCounts, IndexProgress


def status(*, pending: int, indexed: int, embedded: int, chunks: int, failed: int = 0) -> IndexProgress:
    return IndexProgress(
        files=FileCounts(total=pending + indexed, pending=pending, indexed=indexed, skipped=0, failed=0),
        chunks=ChunkCounts(total=chunks, embedded=embedded, failed=failed),
    )


def test_without_history_there_is_no_time_left() -> None:
    report = ProgressMeter().update(status(pending=5, indexed=0, embedded=0, chunks=0), now=0)
    assert (report.rate, report.seconds_left, report.share) == (0.0, None, 0.0)


def test_files_that_are_still_to_be_read_are_expected_to_be_like_the_others() -> None:
    report = ProgressMeter().update(status(pending=90, indexed=10, embedded=0, chunks=40), now=0)
    assert report.chunks_expected == 400


def test_the_rate_tells_the_time_left() -> None:
    meter = ProgressMeter()
    meter.update(status(pending=0, indexed=10, embedded=0, chunks=100), now=0)
    report = meter.update(status(pending=0, indexed=10, embedded=20, chunks=100), now=2)
    assert (report.rate, report.seconds_left) == (10.0, 8.0)
    assert str(report) == "10 of 10 files, 20 of 100 chunks, 10 chunks/s, 8 s left"


def test_one_thing_has_a_singular() -> None:
    report = ProgressMeter().update(status(pending=0, indexed=1, embedded=0, chunks=1), now=0)
    assert str(report) == "1 of 1 file, 0 of 1 chunk, 0 chunks/s"


def test_there_is_no_pace_when_nothing_is_left() -> None:
    report = ProgressMeter().update(status(pending=0, indexed=2, embedded=3, chunks=3), now=0)
    assert str(report) == "2 of 2 files, 3 of 3 chunks"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = ProgressMeter()
    for second in range(int(3 * WINDOW_SECONDS)):
        slow = min(second, 2 * WINDOW_SECONDS)
        report = meter.update(status(pending=0, indexed=1, embedded=int(10 * slow), chunks=10_000), now=second)
    assert report.rate == pytest.approx(0.0, abs=1.0)


def test_failed_chunks_are_done() -> None:
    report = ProgressMeter().update(status(pending=0, indexed=1, embedded=8, chunks=10, failed=2), now=0)
    assert (report.chunks_done, report.share) == (10, 1.0)


def test_no_progress_for_some_seconds_is_a_stall() -> None:
    meter, detector = ProgressMeter(), StallDetector()
    still = meter.update(status(pending=1, indexed=1, embedded=1, chunks=2), now=0)
    moved = meter.update(status(pending=0, indexed=2, embedded=1, chunks=2), now=1)
    assert not detector.is_stalled(still, now=1000)
    assert not detector.is_stalled(moved, now=1000 + STALL_SECONDS)
    assert detector.is_stalled(moved, now=1000 + 2 * STALL_SECONDS)
    assert not detector.is_stalled(moved, now=1001 + 2 * STALL_SECONDS)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h 0 min"), (7500, "2 h 5 min"), (200_000, "2 d")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
