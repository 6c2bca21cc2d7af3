"""The words of chunks, and the languages of contents, as they are stored."""

import random

from magicfs.db.corpus.contents import insert_contents
from magicfs.db.corpus.rechunk import replace_chunks
from magicfs.db.pool import Connection, Database
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.domain.ids import ChunkId, Digest
from magicfs.domain.stored_contents import ContentKey, NewContent
from magicfs.domain.term_weights import term_weights
from magicfs.text.chunk_words import chunk_words


def insert(connection: Connection, *chunks: Chunk, number: int = 1, language: str | None = None) -> None:
    key = ContentKey(Digest(number.to_bytes(16)), extractor=1, kind="text/plain")
    document = Document(text="", mime_type="text/plain", keywords="taxes", language=language)
    insert_contents(connection, [NewContent(key, size=1, extracted=document, chunks=chunks)])


def words(connection: Connection, text: str) -> tuple[str, int]:
    row = connection.execute("SELECT words::text, analysis FROM chunks WHERE text = %s", (text,)).fetchone()
    assert row is not None
    return row


def test_the_words_of_a_chunk_are_those_that_were_computed(database: Database) -> None:
    chunk = Chunk(text="Two invoices", tokens=2, first_line=1, last_line=1, words="'invoices':2 'two':1", analysis=7)
    with database.transaction() as connection:
        insert(connection, chunk)
        assert words(connection, "Two invoices") == ("'invoices':2 'two':1", 7)
        assert connection.execute("SELECT keywords FROM contents").fetchall() == [("taxes",)]


def test_pieces_have_words_of_their_own(database: Database) -> None:
    pieces = [
        Chunk(text=text, tokens=1, first_line=1, last_line=1, words=f"'{text}':1", analysis=7)
        for text in ("left", "right")
    ]
    with database.transaction() as connection:
        insert(connection, Chunk(text="left right", tokens=2, first_line=1, last_line=1, words="'both':1", analysis=7))
        row = connection.execute("SELECT id FROM chunks").fetchone()
        assert row is not None
        replace_chunks(connection, {ChunkId(row[0]): pieces})
        assert words(connection, "left") == ("'left':1", 7)
        weights = connection.execute("SELECT text FROM chunks WHERE terms = %s::sparsevec", (term_weights("'left':1"),))
        assert weights.fetchall() == [("left",)]
        assert words(connection, "right") == ("'right':1", 7)


def test_the_languages_of_contents_are_recorded_once(database: Database) -> None:
    with database.transaction() as connection:
        for number, language in enumerate(["de", None, "en", "de"]):
            chunk = Chunk(text=str(number), tokens=1, first_line=1, last_line=1)
            insert(connection, chunk, number=number, language=language)
        assert connection.execute("SELECT code FROM languages ORDER BY code").fetchall() == [("de",), ("en",)]


WILD = (
    "abcXYZ019_-./\\'\"#@+:*~^ ",
    "\u00e4\u00df\u013f\u0149\u01c6\u0390\ufdfa\uac00\u4e2d\u0e01\u0e47\u0ecd\u0345\u1fbd\uff07\u02bc ",
    "\u1025\u1039\u1037\u108d\u17dd ",
    "".join(map(chr, range(0x80, 0x3000, 7))),
    "".join(map(chr, range(0x3000, 0xD7FF, 29))) + "".join(map(chr, range(0x10000, 0x1FFFF, 53))),
)


def test_postgres_reads_the_words_of_any_text(database: Database) -> None:
    randomness = random.Random(5)
    texts = [
        "".join(
            randomness.choices(randomness.choice(WILD) + randomness.choice(WILD), k=randomness.choice([1, 3, 20, 900]))
        )
        for _ in range(600)
    ]
    words = [
        chunk_words(text, language=randomness.choice([None, "de", "ar", "zh"]), metadata=(text[:9],)) for text in texts
    ]
    with database.transaction() as connection:
        connection.execute("SELECT words::tsvector FROM unnest(%s::text[]) AS words", (words,)).fetchall()
        weights = list(map(term_weights, words))
        connection.execute("SELECT weights::sparsevec FROM unnest(%s::text[]) AS weights", (weights,)).fetchall()
