"""The status of a file, with the time of its birth, and replacing a file."""

import os
import subprocess
from pathlib import Path

import pytest

from magicfs.linux.files import MAX_LOG_BYTES, replace_file, rotate_log, status_and_birth


def birth_seconds(path: Path) -> int:
    """When the file was made, as `stat` says it; 0 on a file system that does not know."""
    return int(subprocess.run(["stat", "--format=%W", path], check=True, capture_output=True).stdout)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_a_file_is_replaced_by_one_of_the_mode_that_is_wanted(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        for mode in (0o600, 0o644):
            replace_file(tmp_path / "a", "hello", mode=mode)
            assert (tmp_path / "a").stat().st_mode & 0o777 == mode
    finally:
        os.umask(before)


def test_a_long_log_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    log, former = tmp_path / "a.log", tmp_path / "a.log.1"
    rotate_log(log)
    for number in range(2):
        log.write_bytes(b"%d" % number)
        rotate_log(log)
        assert log.stat().st_size == 1, "a short one grows on"
        os.truncate(log, MAX_LOG_BYTES + 1)
        rotate_log(log)
        assert log.stat().st_size == 0
        assert former.stat().st_size == MAX_LOG_BYTES + 1
        with former.open("rb") as file:
            assert file.read(1) == b"%d" % number
    assert sorted(os.listdir(tmp_path)) == ["a.log", "a.log.1"]


def test_what_has_a_log_open_goes_on_with_the_new_one(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as server:
        server.truncate(MAX_LOG_BYTES + 1)
        rotate_log(log)
        server.write(b"a line")
    assert log.read_bytes() == b"a line"


def test_a_log_that_cannot_be_moved_grows_on(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    os.truncate(log, MAX_LOG_BYTES + 1)
    (tmp_path / "a.log.1").mkdir()
    rotate_log(log)
    assert log.stat().st_size == MAX_LOG_BYTES + 1
    assert sorted(os.listdir(tmp_path)) == ["a.log", "a.log.1"]


def test_only_a_log_is_renamed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    os.truncate(tmp_path / "target", MAX_LOG_BYTES + 1)
    (tmp_path / "a.log").symlink_to("target")
    rotate_log(tmp_path / "a.log")
    assert sorted(os.listdir(tmp_path)) == ["a.log", "target"]


class TestStatusAndBirth:
    def test_the_status_is_that_of_lstat(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("hello")
        (tmp_path / "link").symlink_to("a")
        os.utime(tmp_path / "a", ns=(1_500_000_000_123_456_789, -1_000_000_001))
        directory = os.open(tmp_path, os.O_PATH)
        try:
            for name in ("a", "link"):
                status, born_ns = status_and_birth(directory, name.encode())
                expected = os.lstat(tmp_path / name)
                fields = [field for field in dir(expected) if field.startswith("st_")]
                assert [getattr(status, field) for field in fields] == [getattr(expected, field) for field in fields]
                assert born_ns // 10**9 == birth_seconds(tmp_path / name)
            assert status_and_birth(directory)[0].st_ino == tmp_path.stat().st_ino
            with pytest.raises(FileNotFoundError):
                status_and_birth(directory, b"missing")
        finally:
            os.close(directory)
