"""Real files: what is done at once and what is left to a thread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from magicfs import linux
from magicfs.tree import files
from magicfs.tree.files import FileLocation, RealFile, RealHandle


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealFile:
    monkeypatch.setattr(linux, "_is_local", lambda *_: True)
    (tmp_path / "a.txt").write_text("some words")
    return RealFile(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a.txt"), here=True)


def opened(file: RealFile, flags: int = os.O_RDONLY) -> RealHandle:
    handle = file.open_now(flags)
    assert isinstance(handle, RealHandle)
    return handle


def test_a_file_is_opened_to_read_and_closed_at_once(file: RealFile) -> None:
    handle = opened(file)
    assert handle.read(0, 100) == b"some words"
    assert handle.closes_now()
    handle.close()


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC])
def test_to_write_is_left_to_a_thread(file: RealFile, flags: int) -> None:
    assert file.open_now(flags) is None


def test_closing_a_large_file_is_left_to_a_thread(
    file: RealFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been deleted: whoever closes it last waits until its blocks are given back."""
    monkeypatch.setattr(files, "SMALL_BYTES", 1 << 16)
    handle = opened(file)
    (tmp_path / "a.txt").write_bytes(bytes(1 << 17))
    (tmp_path / "a.txt").unlink()
    assert not handle.closes_now()
    handle.close()


def test_a_file_that_was_opened_in_a_thread_is_closed_in_one(file: RealFile) -> None:
    handle = file.open(os.O_RDONLY)
    assert not handle.closes_now()
    handle.close()


def test_what_is_no_file_any_more_is_opened_in_no_way(file: RealFile, tmp_path: Path) -> None:
    (tmp_path / "a.txt").unlink()
    assert file.open_now(os.O_RDONLY) is None
    assert file.known_attributes() is None
    (tmp_path / "a.txt").mkdir()
    assert file.known_attributes() is None
    with pytest.raises(OSError, match="not a regular file"):
        file.open_now(os.O_RDONLY)
