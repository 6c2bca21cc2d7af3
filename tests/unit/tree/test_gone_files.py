"""A line in the log says why files of a missing or suspect root do not open."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from magicfs.domain.ids import RootId
from magicfs.domain.roots import RegisteredRoot, Root, RootState
from magicfs.tree.gone_files import LOG_SECONDS, GoneFileLog
from magicfs.tree.locations import FileLocation
from magicfs.tree.mirror import MirrorDirectory
from magicfs.tree.remote.files import NoRemoteFiles
from magicfs.tree.remote.nodes import RemoteSource
from tests.fakes.clock import Clock

ROOT = Root(RootId(1), "here", b"/data", "docs", device=1)
SUSPECT = RegisteredRoot(ROOT, RootState.SUSPECT, "12 files are gone: run this", None)
FILE = FileLocation(host="here", root=b"/data", path=b"a.txt")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gone_files(clock: Clock, caplog: pytest.LogCaptureFixture) -> GoneFileLog:
    caplog.set_level(logging.WARNING)
    return GoneFileLog(clock=clock)


def test_a_root_has_one_line_a_minute(gone_files: GoneFileLog, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    gone_files.set_roots([SUSPECT])
    for _ in range(50):
        gone_files.report(FILE)
    assert caplog.messages == ["'/data/a.txt' is gone: root docs is suspect: 12 files are gone: run this"]
    clock.now += LOG_SECONDS
    gone_files.report(FILE)
    assert len(caplog.messages) == 2


def test_a_file_of_a_root_that_is_there_has_none(gone_files: GoneFileLog, caplog: pytest.LogCaptureFixture) -> None:
    gone_files.report(FILE)
    gone_files.set_roots([replace(SUSPECT, state=RootState.PRESENT, detail=None)])
    gone_files.report(FILE)
    gone_files.set_roots([replace(SUSPECT, root=replace(ROOT, host="there"))])
    gone_files.report(FILE)
    assert caplog.messages == []


def test_a_root_that_came_back_and_went_again_has_a_line_at_once(
    gone_files: GoneFileLog, caplog: pytest.LogCaptureFixture
) -> None:
    for state in (RootState.MISSING, RootState.PRESENT, RootState.MISSING):
        gone_files.set_roots([replace(SUSPECT, state=state)])
        gone_files.report(FILE)
    assert len(caplog.messages) == 2


def test_the_mirror_reports_a_root_that_is_not_there(
    gone_files: GoneFileLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = replace(ROOT, path=os.fsencode(tmp_path / "gone"))
    mirror = MirrorDirectory(host="here", gone_files=gone_files, source=RemoteSource(NoRemoteFiles()), mounted_at_ns=1)
    mirror.set_roots([root])
    gone_files.set_roots([replace(SUSPECT, root=root, state=RootState.MISSING)])
    with pytest.raises(FileNotFoundError):
        mirror.lookup(b"docs")
    assert len(caplog.messages) == 1
