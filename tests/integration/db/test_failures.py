"""The lists of files that are not indexed, for `magicfs failures` and for the mount."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from magicfs.cli import application
from magicfs.config import Settings
from magicfs.db.corpus.failures import (
    count_failures,
    iterate_failures,
    retry_failures,
    unindexed_files,
    unindexed_reasons,
)
from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import start_multilingual
from tests.integration.search.corpus import SPEC, Corpus, unit


def test_failed_and_skipped_files_have_reasons_and_are_listed(database: Database) -> None:
    corpus = Corpus(database)
    with database.transaction() as connection:
        assert unindexed_reasons(connection) == []
    corpus.add(b"fine.txt", "text")
    for path in (b"b.iso", b"a.iso", b"e.iso", b"c.pdf", b"d.pdf"):
        corpus.file(path, None, state="pending")
    with database.transaction() as connection:
        connection.execute("UPDATE files SET state = 'failed', reason = 'corrupt' WHERE display = 'c.pdf'")
        connection.execute(
            "UPDATE files SET state = 'skipped', reason = 'too-large', changed_at = now() + interval '1 h' "
            "WHERE display LIKE '%.iso'"
        )
        connection.execute("UPDATE files SET state = 'skipped', reason = 'encrypted' WHERE display = 'd.pdf'")
        assert unindexed_reasons(connection) == ["corrupt", "encrypted", "too-large"]
        assert [file.path for file in unindexed_files(connection, reason="too-large", limit=10)] == [
            b"a.iso",
            b"b.iso",
            b"e.iso",
        ]
        assert [file.path for file in unindexed_files(connection, reason="too-large", limit=1)] == [b"a.iso"]
        listed = [file.path for file in iterate_failures(connection, skipped=True)]
        assert listed == [b"c.pdf", b"e.iso", b"a.iso", b"b.iso", b"d.pdf"], "failed ones first, and then the newest"
        assert [file.path for file in iterate_failures(connection)] == [b"c.pdf"]
        assert [file.path for file in iterate_failures(connection, reason="encrypted", skipped=True)] == [b"d.pdf"]
        assert count_failures(connection, reason=None, skipped=True) == 5
        assert count_failures(connection, reason=None, skipped=False) == 1
        assert count_failures(connection, reason="encrypted", skipped=True) == 1


def test_what_is_tried_again_has_all_its_attempts_and_no_pause(database: Database) -> None:
    Corpus(database).add(b"crashed.txt", "text")
    failed = "state = 'failed', reason = 'crashed', attempts = 4, leased_until = now() + interval '5 minutes'"
    with database.transaction() as connection:
        connection.execute(f"UPDATE files SET {failed}")
        connection.execute(f"UPDATE embeddings SET {failed}")
        assert retry_failures(connection) == 2
        for table in ("files", "embeddings"):
            rows = connection.execute(f"SELECT state, reason, attempts, leased_until FROM {table}").fetchall()
            assert rows == [("pending", None, 0, None)]


def test_chunks_that_failed_under_one_of_two_models_are_listed(database: Database) -> None:
    corpus = Corpus(database)
    corpus.add(b"english.txt", "one", vectors=[unit(1, 0, 0)])
    corpus.add(b"german.txt", "eins", vectors=[])
    with database.transaction() as connection:
        second = start_multilingual(connection, replace(SPEC, name="fake/all")).id
        connection.execute("DELETE FROM embeddings WHERE model_id = %s", (second,))
        connection.execute("UPDATE embeddings SET state = 'unread' WHERE state = 'pending'")
        connection.execute(
            "INSERT INTO embeddings (model_id, chunk_id, state, reason) SELECT %s, id, 'failed', 'crashed' FROM chunks",
            (second,),
        )
        listed = {file.path: file.detail for file in iterate_failures(connection)}
        assert listed == {
            b"english.txt": "lines 1-9 have a vector of one model only, and none of fake/all",
            b"german.txt": "lines 1-9 are found by their words only",
        }
        assert count_failures(connection, reason=None, skipped=False) == 2
        with connection.transaction(force_rollback=True):
            connection.execute("UPDATE models SET state = 'retired' WHERE id = %s", (second,))
            assert list(iterate_failures(connection)) == []
            assert count_failures(connection, reason=None, skipped=False) == 0
        assert retry_failures(connection) == 2


def test_contents_of_the_same_bytes_are_read_again_together(database: Database) -> None:
    """Two files have the same partly read bytes, one of them as an older extractor read them."""
    corpus = Corpus(database)
    corpus.add(b"new.txt", "the beginning of a long text")
    corpus.add(b"old.txt", "the beginning of a long text, as it was read before")
    with database.transaction() as connection:
        connection.execute("UPDATE contents SET cut_bytes = 9, extractor = id, digest = repeat('s', 16)::bytea")
    with database.transaction() as connection:
        assert retry_failures(connection) == 2
        versions = [row[0] for row in connection.execute("SELECT extractor FROM contents")]
    assert len(set(versions)) == 2
    assert max(versions) < 0


def test_a_file_of_which_a_part_was_not_read_is_read_again(database: Database) -> None:
    """An attachment for which there was no time is read when there is more."""
    corpus = Corpus(database)
    corpus.add(b"letter.eml", "a letter with an attachment")
    corpus.add(b"whole.txt", "a text that was read")
    with database.transaction() as connection:
        connection.execute(
            "UPDATE contents SET unread_parts = '1 of 2 parts could not be read: plan.pdf (timeout)' "
            "WHERE id = (SELECT content_id FROM files WHERE display = 'letter.eml')"
        )
        assert retry_failures(connection) == 1
        waiting = connection.execute("SELECT display FROM files WHERE state = 'pending'").fetchall()
    assert waiting == [("letter.eml",)]


class TestVeryManyFailures:
    """More than a terminal shows."""

    @pytest.fixture
    def settings(self, database: Database, database_url: str, tmp_path: Path) -> Settings:
        Corpus(database)
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO files (root_id, path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid, "
                "state, reason) SELECT id, convert_to(number || '.pdf', 'UTF8'), number || '.pdf', 'pdf', 1, 0, 0, 0, "
                "420, 0, 0, 'failed', 'corrupt' FROM roots, generate_series(1, 2500) AS number"
            )
        return Settings(home=tmp_path, host="box", database_url=database_url)

    def run(self, settings: Settings, *options: str) -> tuple[list[str], str]:
        environment = {"MAGICFS_HOME": str(settings.home), "MAGICFS_DATABASE_URL": settings.database_dsn}
        result = CliRunner().invoke(application.app, ["failures", *options], env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines(), result.stderr

    def test_the_list_says_how_many_more_there_are(self, settings: Settings) -> None:
        shown, remarks = self.run(settings, "--limit", "1000")
        assert len(shown) == 1000
        assert "and 1500 more" in remarks
        assert "--limit 2500" in remarks
        shown, remarks = self.run(settings, "--limit", "2500")
        assert (len(shown), remarks) == (2500, "")
        shown, remarks = self.run(settings, "--limit", "2499", "--reason", "corrupt", "--no-skipped")
        assert len(shown) == 2499
        assert "and 1 more" in remarks

    def test_the_json_object_has_all_of_them(self, settings: Settings) -> None:
        lines, _ = self.run(settings, "--json")
        printed = json.loads("\n".join(lines))
        assert len({failure["path"] for failure in printed["failures"]}) == 2500
        assert (printed["retried"], printed["more"]) == (0, 0)
        lines, _ = self.run(settings, "--json", "--limit", "10")
        printed = json.loads("\n".join(lines))
        assert (len(printed["failures"]), printed["more"]) == (10, 2490)
        lines, _ = self.run(settings, "--json", "--reason", "encrypted")
        assert json.loads("\n".join(lines)) == {"failures": [], "more": 0, "retried": 0}
