"""What the watcher makes of what the kernel says, and of what it does not say."""

from __future__ import annotations

import errno
import os

import pytest

from magicfs.ingest.inotify import Event, Inotify
from magicfs.ingest.watcher import ChangedPaths, WatchSet
from magicfs.linux import InotifyMask
from tests.plugins.index import Index


def changes(watches: WatchSet) -> ChangedPaths:
    watches.read(timeout_s=1.0)
    return watches.take(debounce_s=0.0, max_debounce_s=0.0, timeout_s=0.0)


def test_a_change_names_a_path(index: Index) -> None:
    (index.folder / "sub").mkdir()
    with WatchSet([index.root]) as watches:
        assert not changes(watches)
        (index.folder / "sub" / "one.txt").write_text("alpha")
        assert changes(watches).paths == {index.root.id: {b"sub/one.txt"}}


def test_ignored_directories_and_links_are_not_watched(index: Index) -> None:
    (index.folder / "node_modules").mkdir()
    (index.folder / ".git").mkdir()
    (index.folder / "link").symlink_to("/")
    with WatchSet([index.root]) as watches:
        (index.folder / "node_modules" / "one.js").write_text("alpha")
        (index.folder / ".git" / "index").write_text("alpha")
        assert not changes(watches)


def test_lost_events_lead_to_a_scan(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    with WatchSet([index.root]) as watches:
        monkeypatch.setattr(Inotify, "read", lambda self, *, timeout_s: iter([Event(-1, InotifyMask.Q_OVERFLOW, b"")]))
        assert changes(watches).lost_events == {index.root.id}


def test_a_root_that_comes_back_is_watched_again(index: Index) -> None:
    with WatchSet([index.root]) as watches:
        index.folder.rmdir()
        assert changes(watches).lost_events == {index.root.id}
        index.folder.mkdir()
        changes(watches)
        (index.folder / "one.txt").write_text("alpha")
        assert changes(watches).paths == {index.root.id: {b"one.txt"}}


def test_too_many_directories_are_said_once(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (index.folder / "a").mkdir()
    (index.folder / "b").mkdir()

    def refuse(self: Inotify, path: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(Inotify, "add", refuse)
    with WatchSet([index.root]):
        assert [record.message for record in caplog.records if "max_user_watches" in record.message] == [
            caplog.records[-1].message
        ]


def test_what_cannot_be_covered_leaves_no_descriptor(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Inotify, path: bytes) -> int:
        raise MemoryError

    monkeypatch.setattr(Inotify, "add", fail)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(MemoryError):
        WatchSet([index.root])
    assert len(os.listdir("/proc/self/fd")) == before


def test_new_files_of_a_root_that_lacks_most_others_are_read(index: Index) -> None:
    for number in range(20):
        (index.folder / f"{number}.txt").write_text(f"number {number}")
    index.settle()
    for number in range(20):
        (index.folder / f"{number}.txt").unlink()
    (index.folder / "new.txt").write_text("something new")
    index.settle()
    assert index.rows("SELECT state FROM roots") == [("suspect",)]
    states = index.states()
    assert states["new.txt"] == ("indexed", None)
    assert len(states) == 21, "the others are kept until somebody says"


def test_of_a_long_text_only_the_beginning_goes_ahead(index: Index) -> None:
    (index.folder / "long.txt").write_text("\n\n".join(f"paragraph {number}" for number in range(100)))
    index.scan()
    index.rows("UPDATE files SET priority = 1 RETURNING id")
    index.extraction().run_batch()
    counts = index.rows("SELECT priority, count(*) FROM embeddings GROUP BY 1 ORDER BY 1")
    assert counts == [(0, 36), (1, 64)]


def test_one_worker_at_a_time_reads_large_files(index: Index) -> None:
    from magicfs.db.files import claim_files

    for name in ("one", "two"):
        (index.folder / f"{name}.txt").write_text(f"{name} " * (512 * 1024 // 4 + 1))
    (index.folder / "small.txt").write_text("small")
    index.scan()

    def claim(owner: str) -> list[bytes]:
        with index.database.transaction() as connection:
            claims = claim_files(connection, host="here", owner=owner, limit=1, max_bytes=1 << 20, seconds=60)
        return [claim.path for claim in claims]

    assert claim("extract-1@here") in ([b"one.txt"], [b"two.txt"])
    assert claim("extract-2@here") == [b"small.txt"]
    assert claim("extract-2@here") == []
