"""`.magic/` in a real mount."""

from __future__ import annotations

import json
import os

from tests.fuse.conftest import Node
from tests.fuse.shelf import Shelf


def test_the_status_is_fresh_each_time(node: Node, shelf: Shelf) -> None:
    path = node.mount / ".magic/status.json"
    assert json.loads(path.read_text())["files"]["total"] == 0
    shelf.add("a.txt", "roses")
    status = json.loads(path.read_text())
    assert status["files"]["indexed"] == 1
    assert [root["name"] for root in status["roots"]] == ["shelf"]
    assert [mount["path"] for mount in status["mounts"]] == [str(node.mount)]
    assert path.stat().st_size == len(path.read_bytes())


def test_refresh_drops_what_is_kept(node: Node, shelf: Shelf) -> None:
    refresh = node.mount / ".magic/refresh"
    for action in (lambda: None, refresh.touch, lambda: refresh.write_text("please"), lambda: None):
        action()
        node.names("roses")
    assert len(node.searches) == 3


def test_failed_files_by_reason(node: Node, shelf: Shelf) -> None:
    failed = node.mount / ".magic/failed"
    assert os.listdir(failed) == []
    for name in ("a/x.pdf", "b/x.pdf"):
        (shelf.folder / name).parent.mkdir()
        (shelf.folder / name).write_text(name)
        shelf.index(name, "", failed="corrupt")
    assert os.listdir(failed) == ["corrupt"]
    assert os.listdir(failed / "corrupt") == ["x.pdf", "x (2).pdf"]
    entry = failed / "corrupt/x (2).pdf"
    assert entry.read_text() == "b/x.pdf"
    assert os.getxattr(entry, "user.magicfs.reason") == b"corrupt"
    assert os.getxattr(entry, "user.magicfs.detail") == b"it is broken"
    assert not (failed / "timeout").exists()
    assert not (failed / "corrupt/y.pdf").exists()
