"""The lists of files that are not indexed, for `magicfs failures` and for the mount."""

from __future__ import annotations

from magicfs.db.failures import list_failures, unindexed_files, unindexed_reasons
from magicfs.db.pool import Database
from tests.integration.search.corpus import Corpus


def test_failed_and_skipped_files_have_reasons_and_are_listed(database: Database) -> None:
    corpus = Corpus(database)
    with database.transaction() as connection:
        assert unindexed_reasons(connection) == []
    corpus.add(b"fine.txt", "text")
    for path in (b"b.iso", b"a.iso", b"c.pdf", b"d.pdf"):
        corpus.file(path, None, state="pending")
    with database.transaction() as connection:
        connection.execute("UPDATE files SET state = 'failed', reason = 'corrupt' WHERE display = 'c.pdf'")
        connection.execute(
            "UPDATE files SET state = 'skipped', reason = 'too-large', changed_at = now() + interval '1 h' "
            "WHERE display LIKE '%.iso'"
        )
        connection.execute("UPDATE files SET state = 'skipped', reason = 'encrypted' WHERE display = 'd.pdf'")
        assert unindexed_reasons(connection) == ["corrupt", "encrypted", "too-large"]
        assert [file.path for file in unindexed_files(connection, reason="too-large", limit=10)] == [b"a.iso", b"b.iso"]
        assert [file.path for file in unindexed_files(connection, reason="too-large", limit=1)] == [b"a.iso"]
        listed = list_failures(connection, skipped=True)
        assert len(listed) == 4
        assert listed[0].path == b"c.pdf"
        assert [file.path for file in list_failures(connection)] == [b"c.pdf"]
        assert [file.path for file in list_failures(connection, reason="encrypted", skipped=True)] == [b"d.pdf"]
