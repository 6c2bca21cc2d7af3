"""What is recorded of files that scans have seen, and queries on files that must use an index."""

import os
from pathlib import Path

import pytest

from magicfs.db.corpus.files import upsert_files
from magicfs.db.pool import Database
from magicfs.db.queries import load_queries
from magicfs.domain.files import FileName, FileStat, SeenFile
from magicfs.text.names import file_name
from tests.plugins.index import Index
from tests.plugins.services import make_scanner

MANY = """
INSERT INTO files (root_id, path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid)
SELECT %s, number::text::bytea, number::text, '', 1, 1, 1, number, 33188, 0, 0 FROM generate_series(1, 20000) AS number
"""


def test_the_paths_of_an_inode_come_from_an_index(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO hosts (name) VALUES ('here')")
        [root] = connection.execute(
            "INSERT INTO roots (host_id, path, name, device) SELECT id, '/docs', 'docs', 1 FROM hosts RETURNING id"
        ).fetchall()
        connection.execute(MANY, root)
        connection.execute("ANALYZE files")
        connection.execute("SET LOCAL enable_seqscan = off")
        values = {"root_id": root[0], "inos": [7, 11]}
        plan = connection.execute(f"EXPLAIN {load_queries('files')['paths_of_inodes']}", values).fetchall()
    assert "files_inode" in str(plan)


def test_the_name_of_a_changed_file_is_not_computed_again(index: Index) -> None:
    old, new = index.folder / "Old Letter.txt", index.folder / "New Letter.txt"
    old.write_text("words")
    index.scan()
    old.write_text("other words")
    new.write_text("words")
    seen = [SeenFile(os.fsencode(path.name), FileStat.of(path.stat())) for path in (old, new)]
    named: list[bytes] = []

    def name_of(path: bytes) -> FileName:
        named.append(path)
        return file_name(path)

    with index.database.transaction() as connection:
        assert len(upsert_files(connection, index.root.id, seen, name_of=name_of, priority=0)) == 2
    assert named == [b"New Letter.txt"]
    columns = "SELECT display, extension, folded, words::text, state FROM files ORDER BY display"
    assert [row[:3] + row[4:] for row in index.rows(columns)] == [
        ("New Letter.txt", "txt", "new letter.txt", "pending"),
        ("Old Letter.txt", "txt", "old letter.txt", "pending"),
    ]
    assert all("letter" in row[3] for row in index.rows(columns))


def renumbered(path: Path) -> SeenFile:
    """The file, with the inode number that a file system over a network gives it the next time."""
    stat = FileStat.of(path.stat())
    return SeenFile(os.fsencode(path.name), stat._replace(ino=stat.ino + 1))


def record(index: Index, seen: SeenFile) -> int:
    """How many files must be read after this one was seen."""
    with index.database.transaction() as connection:
        files = upsert_files(connection, index.root.id, [seen], name_of=file_name, priority=0, renumbers=True)
        return len(files)


def test_a_file_with_another_inode_number_alone_is_not_read_again(index: Index) -> None:
    path = index.folder / "letter.txt"
    path.write_text("words")
    os.utime(path, (1e9, 1e9))
    index.scan()
    seen = renumbered(path)
    assert record(index, seen) == 1, "it waits to be read, whatever its number"
    index.extraction().run_batch()
    state = "SELECT state, changed_at, content_id, priority FROM files"
    before = index.rows(state)
    assert record(index, SeenFile(seen.path, FileStat.of(path.stat()))) == record(index, seen) == 0
    assert index.rows(state) == before
    assert index.rows("SELECT ino FROM files") == [(seen.stat.ino,)]
    assert record(index, SeenFile(seen.path, seen.stat._replace(ctime_ns=seen.stat.ctime_ns + 1))) == 1


@pytest.mark.parametrize("is_shared", [False, True])
def test_another_inode_number_is_another_file_where_numbers_stay(
    index: Index, monkeypatch: pytest.MonkeyPatch, is_shared: bool
) -> None:
    """A directory may have replaced that of the file, with one of its length that was made in the same moment."""
    path = index.folder / "letter.txt"
    path.write_text("words")
    os.utime(path, (1e9, 1e9))
    index.settle()
    index.rows("UPDATE files SET ino = ino + 1 RETURNING 1")
    [(number,)] = index.rows("SELECT ino FROM files")
    monkeypatch.setattr("magicfs.ingest.row_writer.is_shared_file_system", lambda _: is_shared)
    index.scanner = make_scanner(index.database)
    index.scan()
    assert index.rows("SELECT ino FROM files") == [(number - 1,)]
    assert index.states() == {"letter.txt": ("indexed" if is_shared else "pending", None)}


def test_a_file_that_was_just_written_and_has_another_inode_number_is_read_again(index: Index) -> None:
    """Another file of its length may have replaced it in the same second, which is all that some times say."""
    path = index.folder / "letter.txt"
    path.write_text("words")
    index.settle()
    assert record(index, renumbered(path)) == 1


def test_a_file_that_could_not_be_opened_is_read_again_with_another_inode_number(index: Index) -> None:
    path = index.folder / "letter.txt"
    path.write_text("words")
    os.utime(path, (1e9, 1e9))
    index.settle()
    index.rows("UPDATE files SET state = 'skipped', reason = 'vanished' RETURNING 1")
    assert record(index, renumbered(path)) == 1
