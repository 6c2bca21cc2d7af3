"""The content of a file is replaced at once or not at all."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from magicfs.tree import saving
from magicfs.tree.locations import FileLocation
from magicfs.tree.saving import replace_content

LOOP = """
import os, sys, itertools
from magicfs.tree.locations import FileLocation
from magicfs.tree.saving import replace_content
place = FileLocation(host="here", root=os.fsencode(sys.argv[1]), path=b"a")
for number in itertools.count():
    with open(sys.argv[2], "w+b") as source:
        source.write((b"%d " % number) * 300_000)
        source.flush()
        replace_content(place, source.fileno())
        print(number, flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    path = tmp_path / "root/a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    os.setxattr(path, "user.note", b"kept")
    return path


def replace(file: Path, content: bytes) -> None:
    source = file.parent.parent / "source"
    source.write_bytes(content)
    with source.open("rb") as opened:
        replace_content(FileLocation(host="here", root=os.fsencode(file.parent), path=b"a"), opened.fileno())


@pytest.mark.parametrize("has_unnamed_files", [True, False])
def test_mode_owner_and_attributes_are_kept(
    file: Path, monkeypatch: pytest.MonkeyPatch, *, has_unnamed_files: bool
) -> None:
    if os.geteuid() == 0:
        os.chown(file, 1234, 1235)
    if not has_unnamed_files:
        monkeypatch.setattr(saving.os, "O_TMPFILE", os.O_DIRECTORY | os.O_CREAT)
    before = file.stat()
    replace(file, b"new content")
    after = file.stat()
    assert file.read_bytes() == b"new content"
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(file, "user.note") == b"kept"
    assert os.listdir(file.parent) == ["a"]


def test_a_link_is_not_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"outside")
    file.unlink()
    file.symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="regular"):
        replace(file, b"new")
    assert (tmp_path / "outside").read_bytes() == b"outside"


def test_a_file_that_cannot_be_replaced_is_written_to(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of another owner in a directory of a group."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(saving, "_replace", refuse)
    before = file.stat()
    replace(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_ino == before.st_ino
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_process_that_is_killed_leaves_the_old_or_the_new_content(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"old " * 300_000)
    generator = random.Random(1)
    command = [sys.executable, "-c", LOOP, file.parent, tmp_path / "source"]
    for _ in range(20):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
        time.sleep(generator.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        words = file.read_bytes().split()
        assert len(words) == 300_000
        assert len(set(words)) == 1
