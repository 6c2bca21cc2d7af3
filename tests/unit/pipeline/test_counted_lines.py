"""The lines of a large text are counted once, and of one that grows only the new ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import xxhash

from magicfs.domain.files import FileStat
from magicfs.pipeline import counted_lines
from magicfs.pipeline.counted_lines import CountedPart, LineCounts

LINE = b"%07d a line\n"
HEAD_BYTES = 4096


def lines(first: int, last: int) -> bytes:
    return b"".join(LINE % number for number in range(first, last))


class Log:
    """A file, and how much of it was read."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path.write_bytes(lines(0, 50_000))
        self.path = path
        self.read_bytes = 0
        self._pread = os.pread
        monkeypatch.setattr(os, "pread", self._read)

    def _read(self, descriptor: int, length: int, offset: int) -> bytes:
        self.read_bytes += length
        return self._pread(descriptor, length, offset)

    def count(self, counts: LineCounts) -> tuple[CountedPart, bytes]:
        """What is counted of the file but for its last bytes, and these."""
        self.read_bytes = 0
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            status = os.fstat(descriptor)
            head = self._pread(descriptor, HEAD_BYTES, 0)
            until = (status.st_size - HEAD_BYTES) // 4 * 4
            part = counts.count(descriptor, FileStat.of(status), head, until=until)
            return part, self._pread(descriptor, status.st_size, until)
        finally:
            os.close(descriptor)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(tmp_path / "a.log", monkeypatch)


def assert_counted(log: Log, part: CountedPart, rest: bytes) -> None:
    content = log.path.read_bytes()
    assert part.lines.count_before(rest) == content[: part.end].count(b"\n")
    hasher = part.hasher.copy()
    hasher.update(rest)
    assert hasher.digest() == xxhash.xxh3_128_digest(content)
    assert part.end + len(rest) == len(content)


def test_of_a_file_that_grows_only_what_is_new_is_counted(log: Log) -> None:
    counts = LineCounts()
    assert_counted(log, *log.count(counts))
    assert log.read_bytes > 500_000
    for first in range(50_000, 53_000, 1000):
        with log.path.open("ab") as file:
            file.write(lines(first, first + 1000))
        assert_counted(log, *log.count(counts))
        assert log.read_bytes < 200_000


def test_an_unchanged_file_is_not_counted_again(log: Log) -> None:
    counts = LineCounts()
    log.count(counts)
    assert_counted(log, *log.count(counts))
    assert log.read_bytes < 150_000


@pytest.mark.parametrize("change", ["beginning", "middle", "counted end", "shorter", "same size"])
def test_a_file_that_was_written_anew_is_counted_anew(log: Log, change: str) -> None:
    counts = LineCounts()
    part, _ = log.count(counts)
    content = log.path.read_bytes()
    place = {"beginning": 10, "counted end": part.end - 10}.get(change, len(content) // 2)
    inserted = b"\n" * (4 if change == "middle" else 0)
    content = content[:place] + (inserted or b"\n\n\n\n") + content[place + 4 - len(inserted) :]
    if change == "shorter":
        content = content[: len(content) * 2 // 3]
    log.path.write_bytes(content + (b"" if change in {"same size", "shorter"} else lines(1, 1000)))
    os.utime(log.path, ns=(1, 1))
    assert_counted(log, *log.count(counts))


def test_what_takes_too_long_goes_on_the_next_time(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted_lines, "COUNT_SECONDS", 0.0)
    counts = LineCounts()
    part, _ = log.count(counts)
    assert part.end == HEAD_BYTES
    monkeypatch.setattr(counted_lines, "COUNT_SECONDS", 3600.0)
    assert_counted(log, *log.count(counts))


def test_few_files_are_remembered(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted_lines, "MAX_FILES", 1)
    counts = LineCounts()
    log.count(counts)
    first, log.path = log.path, tmp_path / "b.log"
    log.path.write_bytes(lines(0, 50_000))
    log.count(counts)
    log.path = first
    assert_counted(log, *log.count(counts))
    assert log.read_bytes > 500_000
