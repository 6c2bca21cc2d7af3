"""Databases of SQLite are found by the texts in their tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.integration.text.reading import read
from tests.plugins.documents import compressed_with_zstd
from tests.plugins.pictures import members

NOTES = ("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, body TEXT)",)
HERON = ("INSERT INTO notes VALUES (1, 'The heron', 'waits at the river')",)


def database(*statements: str, rows: Sequence[tuple[str, tuple[object, ...]]] = ()) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    for statement, values in rows:
        connection.execute(statement, values)
    connection.commit()
    content = connection.serialize()
    connection.close()
    return content


@pytest.mark.parametrize("name", [b"notes.db", b"notes.sqlite", b"notes"])
def test_a_database_has_the_texts_of_its_tables(extractor: FileExtractor, name: bytes) -> None:
    document = read(extractor, database(*NOTES, *HERON), name)
    assert document.text.split("\n") == ["notes", "The heron\twaits at the river"]


def test_what_only_programs_know_is_no_text(extractor: FileExtractor) -> None:
    content = database(
        "CREATE TABLE notes (id INTEGER, guid TEXT, body TEXT, picture BLOB, at REAL, state TEXT)",
        "INSERT INTO notes VALUES (7, '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',"
        " 'Käse<br>&amp; <b>Br</b>ot', x'00ff', 1.5, '--')",
        "CREATE TABLE col (conf TEXT, key TEXT)",
        """INSERT INTO col VALUES ('{"sort": "name", "decks": [1]}', 'Ny2IIajDQK3gEXNqGQWELt')""",
        "CREATE VIRTUAL TABLE words USING fts5(body)",
        "INSERT INTO words VALUES ('KÄSE & Brot')",
        "CREATE VIEW whole AS SELECT body FROM notes",
    )
    assert read(extractor, content, b"notes.db").text.split("\n") == ["notes", "Käse", "& Brot"]


@pytest.mark.parametrize(
    "text",
    [
        "Ann <ann@example.com> wrote",
        "see <https://example.com/a>",
        "Map<String, List<Integer>> if a <b && c> d",
        "[[Heron]] waits at the river",
        "{{Note}} on herons",
        '["The heron" waits] there',
        "Heron_2024_Danube",
        "Danube-Delta-2024",
    ],
)
def test_what_only_looks_like_markup_or_settings_is_text(extractor: FileExtractor, text: str) -> None:
    content = database(*NOTES, rows=[("INSERT INTO notes (body) VALUES (?)", (text,))])
    assert read(extractor, content, b"notes.db").text.split("\n") == ["notes", text]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<section><en-note>a <span style='x'>heron</span></en-note><!-- b --></section>", "a heron"),
        ("A heron<hr/><IMG src='a.png'>", "A heron"),
        ('{"a": {}} [["x"], 1]', None),
        ("[[1, 2], [3]] end", None),
        ('["a", "b"]', None),
    ],
)
def test_markup_and_settings_are_left_out(extractor: FileExtractor, text: str, shown: str | None) -> None:
    content = database(*NOTES, *HERON, rows=[("INSERT INTO notes (body) VALUES (?)", (text,))])
    lines = ["notes", "The heron\twaits at the river", *([shown] if shown else [])]
    assert read(extractor, content, b"notes.db").text.split("\n") == lines


def test_a_cell_that_begins_another_word_stays(extractor: FileExtractor) -> None:
    rows = [("INSERT INTO notes (title, body) VALUES (?, ?)", each) for each in (("Johnson", "John"), ("Ann B", "Ann"))]
    assert read(extractor, database(*NOTES, rows=rows), b"notes.db").text.split("\n")[1:] == ["Johnson\tJohn", "Ann B"]


def test_a_table_named_like_an_index_is_read(extractor: FileExtractor) -> None:
    content = database(
        "CREATE VIRTUAL TABLE note USING fts5(body, content='note_texts')",
        "CREATE TABLE note_texts (body TEXT)",
        "INSERT INTO note_texts VALUES ('The heron')",
        "INSERT INTO note (rowid, body) VALUES (1, 'The heron')",
    )
    assert read(extractor, content, b"notes.db").text.split("\n") == ["note_texts", "The heron"]


@pytest.mark.parametrize("kind", ["fts4", "fts5"])
def test_texts_that_only_an_index_has_are_read_once(extractor: FileExtractor, kind: str) -> None:
    content = database(
        f"CREATE VIRTUAL TABLE found USING {kind}(title, body)",
        *NOTES,
        "INSERT INTO notes VALUES (1, 'The heron', '<p>waits at the <b>river</b></p>')",
        "INSERT INTO found VALUES ('The heron', 'waits at the river')",
        "INSERT INTO found VALUES ('A gull', 'waits at the river')",
        "INSERT INTO found VALUES ('A gull', 'flies over the quay')",
    )
    lines = read(extractor, content, b"notes.db").text.split("\n")
    assert lines == ["notes", "The heron\twaits at the river", "", "found", "A gull", "A gull\tflies over the quay"]


def test_indexes_of_the_same_texts_are_read_once_row_by_row(extractor: FileExtractor) -> None:
    content = database(
        "CREATE VIRTUAL TABLE chats USING fts5(who, body)",
        "INSERT INTO chats VALUES ('Ann', 'shall we meet'), ('Bea', 'yes'), ('Ann', 'yes')",
        "CREATE VIRTUAL TABLE parts USING fts5(who, body, prefix='2')",
        "INSERT INTO parts SELECT * FROM chats",
    )
    lines = read(extractor, content, b"chats.db").text.split("\n")
    assert lines == ["chats", "Ann\tshall we meet", "Bea\tyes", "Ann\tyes"]


@pytest.mark.parametrize("written", ['"en-US"', "[en-US]", "`en-US`", "'en-US'"])
def test_a_table_with_a_rule_of_its_program_is_read(extractor: FileExtractor, written: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.create_collation("en-US", lambda one, other: (one > other) - (one < other))
        connection.executescript(
            f"CREATE TABLE birds (name TEXT COLLATE {written} PRIMARY KEY) WITHOUT ROWID;"
            "INSERT INTO birds VALUES ('heron')"
        )
        content = connection.serialize()
    assert read(extractor, content, b"a.db").text == "birds\nheron"


def test_a_table_with_a_damaged_name_costs_its_own_rows(extractor: FileExtractor) -> None:
    content = database(*NOTES, *HERON, "CREATE TABLE other (body TEXT)", "INSERT INTO other VALUES ('A gull')")
    document = read(extractor, content.replace(b"other", b"oth\xff\xfe"), b"notes.db")
    assert "waits at the river" in document.text
    assert document.unread_parts is not None


def test_a_deck_of_cards_is_read(extractor: FileExtractor) -> None:
    deck = database(
        "CREATE TABLE notes (id INTEGER, guid TEXT, flds TEXT, sfld TEXT)",
        rows=[("INSERT INTO notes VALUES (1, 'a{@b', ?, 'der Reiher')", ("der Reiher\x1fthe heron",))],
    )
    text = read(extractor, members({"collection.anki2": deck, "media": "{}"}), b"German.apkg").text
    assert text.split("\n")[5:8] == ["notes", "der Reiher", "the heron"]


def test_a_compressed_deck_of_cards_is_read(extractor: FileExtractor) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.create_collation("unicase", lambda one, other: (one > other) - (one < other))
        connection.executescript(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, guid TEXT, flds TEXT, sfld INTEGER);"
            "CREATE TABLE decks (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE unicase, kind BLOB);"
            "CREATE UNIQUE INDEX decks_by_name ON decks (name);"
            "CREATE TABLE fields (of INTEGER, name TEXT NOT NULL COLLATE unicase, PRIMARY KEY (of, name))"
            " WITHOUT ROWID;"
            "INSERT INTO notes VALUES (1, 'a{@b', 'der Reiherthe heron', 'der Reiher');"
            "INSERT INTO decks VALUES (1, 'Birds of the delta', x'00');"
            "INSERT INTO fields VALUES (1, 'Front')"
        )
        deck = connection.serialize()
    parts = {
        "meta": b"\x08\x03",
        "collection.anki2": database(*NOTES),
        "collection.anki21b": compressed_with_zstd(deck),
        "media": compressed_with_zstd(b""),
    }
    document = read(extractor, members(parts), b"German.apkg")
    assert {"der Reiher", "the heron", "Birds of the delta", "Front"} <= set(document.text.split("\n"))
    assert document.unread_parts is None


def test_a_database_with_a_log_is_read(extractor: FileExtractor) -> None:
    content = database(*NOTES, *HERON)
    assert "river" in read(extractor, content[:18] + b"\2\2" + content[20:], b"notes.db").text


def test_a_schema_runs_no_function(extractor: FileExtractor) -> None:
    content = database(
        *NOTES,
        *HERON,
        "CREATE TABLE endless (a TEXT, b TEXT GENERATED ALWAYS AS (replace(hex(zeroblob(9)), '0', a)) VIRTUAL)",
        "INSERT INTO endless (a) VALUES ('a gull')",
    )
    document = read(extractor, content, b"notes.db")
    assert "waits at the river" in document.text
    assert "gullgull" not in document.text


def test_a_damaged_table_costs_its_own_rows(extractor: FileExtractor) -> None:
    rows = [("INSERT INTO other VALUES (?)", (f"gull number {number} " * 20,)) for number in range(200)]
    content = bytearray(database(*NOTES, *HERON, "CREATE TABLE other (body TEXT)", rows=rows))
    content[3 * 4096 : 12 * 4096] = b"\xff" * (9 * 4096)
    document = read(extractor, bytes(content), b"notes.db")
    assert "waits at the river" in document.text
    assert document.unread_parts is not None


@pytest.mark.parametrize("page_bytes", [512, 4096, 65_536])
@pytest.mark.parametrize("tenths", [5, 9])
def test_a_database_that_is_cut_keeps_what_stands_before(
    extractor: FileExtractor, page_bytes: int, tenths: int
) -> None:
    rows = [("INSERT INTO other VALUES (?)", (f"gull number {number} " * 20,)) for number in range(3000)]
    pages = f"PRAGMA page_size = {page_bytes}"
    whole = database(pages, *NOTES, *HERON, "CREATE TABLE other (body TEXT)", rows=rows)
    document = read(extractor, whole[: len(whole) * tenths // 10], b"notes.db")
    assert "waits at the river" in document.text
    assert "gull number 1 " in document.text
    assert "gull number 2999 " not in document.text
    assert str(document.unread_parts) == "1 of 2 parts could not be read: table other (corrupt)"


@pytest.mark.parametrize("content", [database(*NOTES, *HERON)[:3000], database(*NOTES)])
def test_a_database_without_texts_is_not_read(extractor: FileExtractor, content: bytes) -> None:
    outcome = extractor.extract(content, name=b"notes.db")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason in {SkipReason.CORRUPT, SkipReason.NO_TEXT}


def test_a_large_table_ends_with_the_limit_of_a_text() -> None:
    rows = [("INSERT INTO notes (title) VALUES (?)", (f"heron {number}",)) for number in range(20_000)]
    with FileExtractor(limits=Limits(text_bytes=10_000)) as extractor:
        document = read(extractor, database(*NOTES, rows=rows), b"notes.db")
    assert document.text.startswith("notes\nheron 0\nheron 1\n")
    assert len(document.text) <= 10_100
    assert document.cut_bytes > 0


def test_tables_behind_the_limit_of_a_text_are_too_large() -> None:
    rows = [("INSERT INTO notes (title) VALUES (?)", (f"heron {number}",)) for number in range(2000)]
    content = database(*NOTES, "CREATE TABLE other (body TEXT)", "INSERT INTO other VALUES ('A gull')", rows=rows)
    with FileExtractor(limits=Limits(text_bytes=10_000)) as extractor:
        document = read(extractor, content, b"notes.db")
    assert document.unread_parts is not None
    assert [part.reason for part in document.unread_parts.some] == [SkipReason.TOO_LARGE]


def test_the_rest_of_a_cell_that_is_too_long_is_counted(extractor: FileExtractor) -> None:
    texts = [("INSERT INTO notes (body) VALUES (?)", ("heron " * words,)) for words in (20_000, 50_000)]
    document = read(extractor, database(*NOTES, rows=texts), b"notes.db")
    assert document.unread_parts is not None
    assert (document.unread_parts.count, document.unread_parts.some[0].reason) == (1, SkipReason.TOO_LARGE)
    assert document.unread_parts.some[0].name == "what follows in a cell of table notes"
