"""`.magic/` in a real mount."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.waiting import eventually


def test_the_status_is_current_at_each_read(mount: MountProcess, root: IndexedRoot) -> None:
    path = mount.path / ".magic/status.json"
    # A thread of the mount reports it.
    eventually(lambda: json.loads(path.read_text())["mounts"] != [])
    assert json.loads(path.read_text())["files"]["total"] == 0
    root.add("a.txt", "roses")
    status = json.loads(path.read_text())
    assert status["files"]["indexed"] == 1
    assert [root["name"] for root in status["roots"]] == ["documents"]
    assert [mount["path"] for mount in status["mounts"]] == [str(mount.path)]
    # The numbers of the mount itself may get a digit more between both.
    eventually(lambda: path.stat().st_size == len(path.read_bytes()))


def test_refresh_clears_the_result_cache(mount: MountProcess, root: IndexedRoot) -> None:
    refresh = mount.path / ".magic/refresh"
    for action in (lambda: None, refresh.touch, lambda: refresh.write_text("please"), lambda: None):
        action()
        mount.result_names("roses")
    assert len(mount.searches) == 3


@pytest.mark.parametrize("refresh", [Path.touch, lambda path: path.write_text("please")])
def test_refresh_requests_a_scan_of_this_hosts_roots(
    mount: MountProcess, root: IndexedRoot, database: Database, tmp_path: Path, refresh: Callable[[Path], object]
) -> None:
    IndexedRoot(database, tmp_path / "theirs", host="elsewhere", name="theirs")

    def requested() -> list[tuple[str, bool]]:
        with database.transaction() as connection:
            return connection.execute("SELECT name, scan_wanted_at IS NOT NULL FROM roots ORDER BY name").fetchall()

    (mount.path / ".magic/refresh").read_text()
    assert requested() == [("documents", False), ("theirs", False)]
    refresh(mount.path / ".magic/refresh")
    assert requested() == [("documents", True), ("theirs", False)]


def test_failed_and_skipped_files_are_listed_by_reason(
    mount: MountProcess, root: IndexedRoot, database: Database
) -> None:
    failed = mount.path / ".magic/failed"
    assert os.listdir(failed) == []
    for name in ("a/x.pdf", "b/x.pdf"):
        (root.path / name).parent.mkdir()
        (root.path / name).write_text(name)
        root.index(name, "", failed="corrupt")
    assert os.listdir(failed) == ["corrupt"]
    assert os.listdir(failed / "corrupt") == ["x.pdf", "x (2).pdf"]
    entry = failed / "corrupt/x (2).pdf"
    assert entry.read_text() == "b/x.pdf"
    assert os.getxattr(entry, "user.magicfs.reason") == b"corrupt"
    assert os.getxattr(entry, "user.magicfs.detail") == b"it is broken"
    assert not (failed / "timeout").exists()
    assert not (failed / "corrupt/y.pdf").exists()
    root.add("big.iso", "x")
    with database.transaction() as connection:
        connection.execute(
            "UPDATE files SET state = 'skipped', reason = 'too-large', content_id = NULL WHERE path = 'big.iso'"
        )
    assert sorted(os.listdir(failed)) == ["corrupt", "too-large"]
    assert os.listdir(failed / "too-large") == ["big.iso"]
    assert os.getxattr(failed / "too-large/big.iso", "user.magicfs.reason") == b"too-large"
