"""When an index gets a multilingual model, and what becomes of its chunks without one."""

from dataclasses import replace

import pytest

from magicfs.db.corpus.contents import insert_contents, orphan_contents
from magicfs.db.pool import Connection, Database
from magicfs.db.vectors.model_changes import activate_model, build_model
from magicfs.db.vectors.multilingual import (
    MIN_FOREIGN_SHARE,
    declare_mode,
    foreign_share,
    needs_multilingual,
    read_mode,
    record_foreign_question,
)
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.domain.ids import ContentId, Digest
from magicfs.domain.models import ModelSpec, MultilingualMode
from magicfs.domain.stored_contents import ContentKey, NewContent
from tests.fakes.embedder import FAKE_SPEC

ENGLISH = replace(FAKE_SPEC, languages=("en",))
ALL_LANGUAGES = replace(FAKE_SPEC, name="fake/every-language")


def insert(connection: Connection, *languages: str | None, size: int = 1000) -> None:
    """One content for each language."""
    [(first,)] = connection.execute("SELECT count(*) FROM contents").fetchall()
    contents = [
        NewContent(
            ContentKey(Digest((first + number).to_bytes(16)), extractor=1, kind="text/plain"),
            size=size,
            extracted=Document(text="", mime_type="text/plain", language=language),
            chunks=[
                Chunk(text=f"{first + number}", tokens=1, first_line=1, last_line=1, words="'one':1", analysis=1),
            ],
        )
        for number, language in enumerate(languages)
    ]
    insert_contents(connection, contents)


def test_three_letters_in_german_among_a_hundred_need_another_model(database: Database) -> None:
    with database.transaction() as connection:
        assert not needs_multilingual(connection)
        activate_model(connection, ENGLISH)
        insert(connection, *["en"] * 100, *[None] * 50)
        assert not needs_multilingual(connection)
        insert(connection, "de", "de", "de")
        assert needs_multilingual(connection)


def test_one_of_three_files_in_german_needs_another_model(database: Database) -> None:
    with database.transaction() as connection:
        activate_model(connection, ENGLISH)
        insert(connection, "en", "en", "de", size=40)
        assert needs_multilingual(connection)


def test_wrong_guesses_need_no_other_model(database: Database) -> None:
    with database.transaction() as connection:
        activate_model(connection, ENGLISH)
        # As in the packages of Python: 0.2 % of the texts, most of them short lists of words.
        insert(connection, *["en"] * 60)
        insert(connection, "fr", size=30)
        assert 0 < foreign_share(connection, ["en"]) < MIN_FOREIGN_SHARE
        assert not needs_multilingual(connection)


def test_texts_that_no_file_has_do_not_count(database: Database) -> None:
    with database.transaction() as connection:
        activate_model(connection, ENGLISH)
        insert(connection, "en", "de")
        [(german,)] = connection.execute("SELECT id FROM contents WHERE language = 'de'").fetchall()
        orphan_contents(connection, [ContentId(german)])
        assert foreign_share(connection, ["en"]) == 0


def test_an_index_without_languages_has_no_foreign_text(database: Database) -> None:
    with database.transaction() as connection:
        insert(connection, None)
        assert foreign_share(connection, ["en"]) == 0


def test_a_question_in_another_language_needs_another_model(database: Database) -> None:
    with database.transaction() as connection:
        activate_model(connection, ENGLISH)
        insert(connection, "en")
        record_foreign_question(connection)
        assert needs_multilingual(connection)
        connection.execute("UPDATE meta SET value = value::bigint - 3e6::bigint WHERE key = 'foreign_question'")
        assert not needs_multilingual(connection)


def test_questions_are_recorded_once_a_minute_and_wait_for_nobody(database: Database) -> None:
    def recorded() -> list[tuple[str]]:
        with database.transaction() as connection:
            return connection.execute("SELECT value FROM meta WHERE key = 'foreign_question'").fetchall()

    with database.transaction() as first, database.transaction() as second:
        record_foreign_question(first)
        second.execute("SET LOCAL lock_timeout = '20s'")
        record_foreign_question(second)
    before = recorded()
    with database.transaction() as connection:
        connection.execute("UPDATE meta SET value = value::bigint - 30 WHERE key = 'foreign_question'")
        record_foreign_question(connection)
    assert recorded() == [(str(int(before[0][0]) - 30),)]


@pytest.mark.parametrize("specs", [(ALL_LANGUAGES,), (ENGLISH, ALL_LANGUAGES)])
def test_an_index_whose_model_reads_every_language_needs_no_other(
    database: Database, specs: tuple[ModelSpec, ...]
) -> None:
    active, *building = specs
    with database.transaction() as connection:
        declare_mode(connection, host="box", mode=MultilingualMode.ALWAYS)
        activate_model(connection, active)
        for spec in building:
            build_model(connection, spec)
        insert(connection, "de")
        assert not needs_multilingual(connection)


def test_always_needs_one_at_once_and_never_does_not(database: Database) -> None:
    with database.transaction() as connection:
        activate_model(connection, ENGLISH)
        declare_mode(connection, host="box", mode=MultilingualMode.ALWAYS)
        assert needs_multilingual(connection)
        insert(connection, "de")
        declare_mode(connection, host="box", mode=MultilingualMode.NEVER)
        assert not needs_multilingual(connection)


def test_the_index_follows_a_host_whose_setting_has_changed(database: Database) -> None:
    auto, always, never = MultilingualMode
    with database.transaction() as connection:
        assert read_mode(connection) is auto
        assert declare_mode(connection, host="a", mode=never) is never
        assert declare_mode(connection, host="b", mode=auto) is never
        assert declare_mode(connection, host="a", mode=never) is never
        assert declare_mode(connection, host="b", mode=always) is always
        assert declare_mode(connection, host="a", mode=never) is always
        assert declare_mode(connection, host="a", mode=auto) is auto
