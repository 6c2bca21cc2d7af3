"""Contents are stored once, whoever stores them first, and begin their time as orphans anew each time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from magicfs.db.corpus.contents import (
    find_contents,
    insert_contents,
    mark_orphans,
    orphan_contents,
    orphan_contents_without_grace,
    outdate_contents,
    replace_content,
    sweep_orphans,
)
from magicfs.db.pool import Connection, Database
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.domain.ids import ContentId, Digest
from magicfs.domain.stored_contents import ContentKey, NewContent
from tests.integration.pipeline.lock_order.row_locks import waiting_backends
from tests.plugins.index import FILE_WITH_CONTENT
from tests.plugins.waiting import eventually

KEY = ContentKey(Digest(bytes(16)), extractor=1, kind="text/plain")


def content(*texts: str) -> NewContent:
    document = Document(text="\n\n".join(texts), mime_type="text/plain")
    return NewContent(KEY, size=5, extracted=document, chunks=[Chunk(text, 1, 1, 1) for text in texts])


def texts(database: Database) -> list[str]:
    with database.transaction() as connection:
        rows = connection.execute("SELECT text FROM content_chunks JOIN chunks ON id = chunk_id ORDER BY ordinal")
        return [text for (text,) in rows]


def test_the_second_one_that_stores_a_content_gets_that_of_the_first(database: Database) -> None:
    with database.transaction() as connection:
        first = insert_contents(connection, [content("one", "two")])
    with database.transaction() as connection:
        assert insert_contents(connection, [content("another", "reading", "of it")]) == first
    assert texts(database) == ["one", "two"]


@pytest.mark.parametrize("how", ["found", "stored again"])
def test_an_orphan_that_is_wanted_again_is_none(database: Database, how: str) -> None:
    with database.transaction() as connection:
        insert_contents(connection, [content("one")])
        connection.execute("UPDATE contents SET orphaned_at = now() - interval '1 day'")
    with database.transaction() as connection:
        if how == "found":
            assert find_contents(connection, [KEY]).keys() == {KEY}
        else:
            insert_contents(connection, [content("one")])
    with database.transaction() as connection:
        assert sweep_orphans(connection, grace_s=60, limit=9) == 0
    assert texts(database) == ["one"]


@pytest.mark.parametrize("mark", [orphan_contents, orphan_contents_without_grace])
def test_what_a_file_has_is_no_orphan(database: Database, mark: Callable[[Connection, list[ContentId]], None]) -> None:
    with database.transaction() as connection:
        [stored] = insert_contents(connection, [content("one")]).values()
        connection.execute(FILE_WITH_CONTENT, (stored,))
        mark(connection, [stored])
        mark_orphans(connection, unreadable_grace_s=0)
        assert connection.execute("SELECT orphaned_at FROM contents").fetchall() == [(None,)]


def test_an_orphan_is_marked_once(database: Database) -> None:
    """Its grace period would never end otherwise."""
    with database.transaction() as connection:
        [stored] = insert_contents(connection, [content("one")]).values()
        connection.execute("UPDATE contents SET orphaned_at = now() - interval '1 day'")
        orphan_contents(connection, [stored])
        assert mark_orphans(connection, unreadable_grace_s=0) == 0
        assert sweep_orphans(connection, grace_s=3600, limit=9) == 1


@pytest.mark.parametrize("mark", [orphan_contents, orphan_contents_without_grace])
def test_who_marks_orphans_waits_for_nobody(
    database: Database, mark: Callable[[Connection, list[ContentId]], None]
) -> None:
    """Who does so has locked files, for which somebody may wait who has locked a content."""
    with database.transaction() as connection:
        [stored] = insert_contents(connection, [content("one")]).values()
    with database.transaction() as holding, database.transaction() as connection:
        find_contents(holding, [KEY])
        connection.execute("SET LOCAL lock_timeout = '2s'")
        mark(connection, [stored])
        mark_orphans(connection, unreadable_grace_s=0)
        assert sweep_orphans(connection, grace_s=-1, limit=9) == 0
    with database.transaction() as connection:
        mark(connection, [stored])
        assert sweep_orphans(connection, grace_s=-1, limit=9) == 1


def test_a_sweep_keeps_an_orphan_that_a_file_has_got(database: Database) -> None:
    with database.transaction() as connection:
        [stored] = insert_contents(connection, [content("one")]).values()
        connection.execute("UPDATE contents SET orphaned_at = '-infinity'")
        connection.execute(FILE_WITH_CONTENT, (stored,))
        assert sweep_orphans(connection, grace_s=0, limit=9) == 0


def test_a_sweep_deletes_a_few_and_what_only_they_had(database: Database) -> None:
    other = replace(content("one", "three"), key=ContentKey(Digest(bytes(range(16))), extractor=1, kind="text/plain"))
    with database.transaction() as connection:
        insert_contents(connection, [content("one", "two"), other])
        connection.execute("UPDATE contents SET orphaned_at = '-infinity'")
        assert sweep_orphans(connection, grace_s=0, limit=1) == 1
        left = connection.execute("SELECT text FROM chunks ORDER BY text").fetchall()
        assert left in ([("one",), ("three",)], [("one",), ("two",)])
        assert sweep_orphans(connection, grace_s=0, limit=1) == 1
        assert connection.execute("SELECT text FROM chunks").fetchall() == []


def test_one_sweeps_at_a_time(database: Database) -> None:
    with database.transaction() as connection:
        insert_contents(connection, [content("one")])
        connection.execute("UPDATE contents SET orphaned_at = '-infinity'")
    with database.transaction() as first, database.transaction() as second:
        assert sweep_orphans(first, grace_s=0, limit=0) == 0
        assert sweep_orphans(second, grace_s=0, limit=9) == 0
    with database.transaction() as connection:
        assert sweep_orphans(connection, grace_s=0, limit=9) == 1


def test_pages_are_added_to_what_was_read_of_the_others(database: Database) -> None:
    with database.transaction() as connection:
        insert_contents(connection, [content("page 1")])
        connection.execute("UPDATE contents SET pending_pages = 2")
    with database.transaction() as connection:
        stored = find_contents(connection, [KEY])[KEY]
        assert not replace_content(connection, replace(stored, pending_pages=3), content("page 1", "page 3"))
    assert texts(database) == ["page 1"], "another worker has read a page meanwhile"
    with database.transaction() as connection:
        assert replace_content(connection, stored, content("page 1", "page 2"))
    assert texts(database) == ["page 1", "page 2"]


def test_contents_of_the_same_bytes_that_are_outdated_at_once_get_versions_of_their_own(database: Database) -> None:
    """Two readers of the same bytes may need to read them again, as when an OCR was installed."""
    with database.transaction() as connection:
        keys = [ContentKey(KEY.digest, extractor=version, kind=KEY.kind) for version in (1, 2)]
        first, second = (insert_contents(connection, [replace(content("one"), key=key)])[key] for key in keys)

    def outdate_second() -> None:
        with database.transaction() as connection:
            outdate_contents(connection, [second])

    with ThreadPoolExecutor(1) as threads:
        with database.transaction() as connection:
            outdate_contents(connection, [first])
            other = threads.submit(outdate_second)
            eventually(lambda: waiting_backends(connection) == 1)
        other.result()
    with database.transaction() as connection:
        assert connection.execute("SELECT extractor FROM contents ORDER BY id").fetchall() == [(-1,), (-2,)]
