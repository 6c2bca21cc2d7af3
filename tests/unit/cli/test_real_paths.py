"""The real file behind a typed path. tests/e2e/test_similar.py has those of a mount."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from magicfs.cli.real_paths import RealPath, real_path
from magicfs.errors import UsageError


def test_links_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path.resolve() / "docs"
    folder.mkdir()
    (folder / "plan.txt").touch()
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").symlink_to("link/plan.txt")
    monkeypatch.chdir(tmp_path)
    real = RealPath(f"{folder}/plan.txt")
    assert {real_path(typed) for typed in ("docs/plan.txt", "./link/plan.txt", "file", f"{folder}/../file")} == {real}
    monkeypatch.setenv("HOME", str(folder))
    assert real_path("~/plan.txt") == real


def test_what_is_not_here_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert real_path("/no/such/../folder/file.txt") == RealPath("/no/folder/file.txt")
    assert real_path("gone.txt") == RealPath(os.path.join(os.getcwd(), "gone.txt"))
    (tmp_path / "broken").symlink_to("/no/such/file")
    assert real_path("broken") == RealPath("/no/such/file")


def test_a_name_of_any_bytes_keeps_them(tmp_path: Path) -> None:
    name = os.fsdecode(bytes(tmp_path) + b"/caf\xe9\n.txt")
    Path(name).touch()
    assert real_path(name) == RealPath(os.path.realpath(name))


def test_marks_of_direction_that_a_terminal_has_added_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "מסמך.txt"
    path.touch()
    assert real_path(f"\u2068{path}\u2069") == RealPath(str(path.resolve()))


def test_attributes_of_a_file_that_is_in_no_mount_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.touch()
    with contextlib.suppress(OSError):
        os.setxattr(path, "user.magicfs.path", b"/etc/passwd")
        os.setxattr(path, "user.magicfs.host", b"elsewhere")
    assert real_path(str(path)) == RealPath(str(path.resolve()))


@pytest.mark.parametrize("typed", ["", "a\0b"])
def test_what_can_be_no_path_is_wrong_usage(typed: str) -> None:
    with pytest.raises(UsageError):
        real_path(typed)
