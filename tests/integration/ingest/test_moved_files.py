"""Which file is the one that was moved, and which is another: its row follows it, on disk and in a real Postgres."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, LiteralString

import pytest

from magicfs.db.corpus import moved_files
from magicfs.db.corpus.moved_files import LockedFile
from tests.integration.ingest.trees import found, on_disk, process
from tests.plugins.index import Index


def test_a_file_stays_found_when_one_that_was_not_read_replaces_it(index: Index, folder: Path) -> None:
    (folder / "draft.txt").write_text("new text")
    process(index, "old name/draft.txt")
    (folder / "draft.txt").replace(folder / "4.txt")
    process(index, "old name/draft.txt", "old name/4.txt")
    assert found(index)["old name/4.txt"] == "number 4"
    index.settle()
    assert found(index) == on_disk(index)


def test_a_file_stays_found_when_an_editor_moves_the_old_version_aside(index: Index, folder: Path) -> None:
    (folder / "4.txt").rename(folder / "4.bak")
    (folder / "4.txt").write_text("new text")
    process(index, "old name/4.bak", "old name/4.txt")
    assert found(index)["old name/4.txt"] == "number 4"
    index.settle()
    assert found(index) == on_disk(index)


def test_another_name_of_a_file_takes_nothing_from_the_first(index: Index, folder: Path) -> None:
    os.link(folder / "4.txt", folder / "link.txt")
    process(index, "old name/link.txt")
    assert found(index)["old name/4.txt"] == "number 4"
    index.settle()
    folder.rename(index.folder / "new")
    process(index, "old name", "new")
    assert found(index) == on_disk(index)


def test_a_later_file_with_the_same_number_is_another_one(index: Index, folder: Path) -> None:
    status = (folder / "4.txt").stat()
    (folder / "4.txt").unlink()
    later = folder / "later.txt"
    for _ in range(200):
        later.write_text("number X")
        os.utime(later, ns=(status.st_atime_ns, status.st_mtime_ns))
        if later.stat().st_ino == status.st_ino:
            break
        later.rename(index.folder.parent / f"kept {_}")
    else:
        pytest.skip("the file system gives no number twice")
    assert later.stat().st_size == status.st_size
    process(index, "old name/4.txt", "old name/later.txt")
    assert "old name/later.txt" not in found(index)
    index.settle()
    assert found(index) == on_disk(index)


def test_copies_are_known_by_their_own_files(index: Index, folder: Path) -> None:
    (folder / "copy.txt").write_text("number 4")
    index.settle()
    (folder / "copy.txt").rename(index.folder / "copy.txt")
    process(index, "old name/copy.txt", "copy.txt")
    assert found(index) == on_disk(index)
    folder.rename(index.folder / "new")
    process(index, "old name", "new")
    assert found(index) == on_disk(index)


def test_quarantined_and_waiting_files_are_what_they_were(index: Index, folder: Path) -> None:
    index.rows(
        "UPDATE files SET state = 'failed', reason = 'crashed', detail = 'x' WHERE display LIKE '%%/3.txt' RETURNING 1"
    )
    index.rows("UPDATE files SET state = 'pending', attempts = 3 WHERE display LIKE '%%/4.txt' RETURNING 1")
    index.rows("UPDATE files SET state = 'skipped', reason = 'vanished' WHERE display LIKE '%%/5.txt' RETURNING 1")
    index.rows("UPDATE files SET state = 'skipped', reason = 'permission' WHERE display LIKE '%%/6.txt' RETURNING 1")
    index.restart_agent()
    folder.rename(index.folder / "new")
    process(index, "old name", "new")
    states = index.rows(
        "SELECT display, state, reason, attempts FROM files WHERE display ~ 'new/[3456].txt' ORDER BY 1"
    )
    assert states == [
        ("new/3.txt", "failed", "crashed", 0),
        ("new/4.txt", "pending", None, 3),
        ("new/5.txt", "pending", None, 0),
        ("new/6.txt", "pending", None, 0),
    ]
    index.settle()
    assert index.states()["new/3.txt"] == ("failed", "crashed")


@pytest.mark.parametrize("meanwhile", ["UPDATE files SET path = 'elsewhere.txt'", "DELETE FROM files"])
def test_a_row_that_another_transaction_was_faster_to_move_or_delete_is_left_alone(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: LiteralString
) -> None:
    lock_files = moved_files.lock_files

    def lock_later(*given: Any, **named: Any) -> list[LockedFile]:
        monkeypatch.undo()
        index.rows(meanwhile + " WHERE display = 'old name/4.txt' RETURNING 1")
        return lock_files(*given, **named)

    monkeypatch.setattr(moved_files, "lock_files", lock_later)
    (folder / "4.txt").rename(folder / "moved.txt")
    process(index, "old name/moved.txt")
    paths = {path for (path,) in index.rows("SELECT path FROM files")}
    assert b"old name/moved.txt" in paths
    assert (b"elsewhere.txt" in paths) is meanwhile.startswith("UPDATE")


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("state = 'failed', reason = 'crashed', detail = 'x', attempts = 3", id="it has failed"),
        pytest.param(
            "attempts = 2, priority = -2, leased_until = now() + interval '1 day'", id="its pages could not be read"
        ),
    ],
)
def test_a_file_with_a_new_name_of_its_own_is_read_at_once_with_all_its_attempts(
    index: Index, folder: Path, before: LiteralString
) -> None:
    """As another kind of file, it may be read. On some file systems a new name changes no time of a file."""
    (folder / "3.txt").rename(folder / "three.md")
    changed_at_ns = (folder / "three.md").stat().st_ctime_ns
    index.rows(f"UPDATE files SET {before}, ctime_ns = %s WHERE display LIKE '%%/3.txt' RETURNING 1", changed_at_ns)
    index.restart_agent()
    index.scan()
    row = (
        "SELECT state, reason, detail, attempts, priority, leased_until FROM files WHERE display = 'old name/three.md'"
    )
    assert index.rows(row) == [("pending", None, None, 0, 0, None)]
    index.read_all()
    assert found(index) == on_disk(index)


def test_the_result_of_a_worker_that_reads_the_former_path_is_dropped(index: Index, folder: Path) -> None:
    index.rows("UPDATE files SET state = 'pending' WHERE display LIKE '%%/4.txt' RETURNING 1")
    claims = index.extraction("late@here").claim_files()
    assert [claim.path for claim in claims] == [b"old name/4.txt"]
    folder.rename(index.folder / "new")
    (index.folder / "old name").mkdir()
    (index.folder / "old name/4.txt").write_text("of another file")
    process(index, "old name", "new")
    index.processor().process(claims)
    assert found(index)["new/4.txt"] == "number 4"
    claim = "SELECT state, attempts, lease, leased_until FROM files WHERE display = 'new/4.txt'"
    assert index.rows(claim) == [("pending", 0, None, None)], "it is read at once"
    index.settle()
    assert found(index) == on_disk(index)
