"""The words of stored chunks: computes those of an earlier version anew, from the chunks and contents that are stored.

Maintenance uses it, and the embed workers for pieces of chunks. It analyses no text and detects no language itself.
Runs in the caller's transaction. A pass goes through the chunks by their ids; `meta` has how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from magicfs.db.corpus.contents import insert_languages
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.vectors.models import multilingual_model
from magicfs.db.vectors.second_vectors import settle_contents
from magicfs.domain.chunks import ChunkSource
from magicfs.domain.ids import ChunkId, ContentId
from magicfs.domain.status import WordsProgress
from magicfs.domain.term_weights import term_weights

_SQL = load_queries("words")

WORDS_LOCK = 0x6D616769_63667305
"""The advisory lock that lets one transaction in the cluster compute words anew."""

_SAMPLES = 3
_SAMPLE_CHARACTERS = 4000
"""The parts of a content in which its language is detected."""

LanguageOf = Callable[[str, Sequence[str], str | None], str | None]
"""The language of a content by its MIME type, samples of its text, and the language that is stored."""


def read_progress(connection: Connection) -> WordsProgress | None:
    """How far the pass over all chunks is; None while none is needed."""
    row = connection.execute(_SQL["read_pass"]).fetchone()
    if row is None or row[1] >= row[2]:
        return None
    return WordsProgress(done=row[1], total=row[2])


def rewrite_words(
    connection: Connection,
    *,
    analysis: int,
    language_of: LanguageOf,
    words_of: Callable[[ChunkSource], str],
    limit: int,
) -> int:
    """Compute the words of up to `limit` chunks that have those of a version before `analysis`. Returns their number.

    It is 0 when no such chunk is left, and while another transaction does this work. The languages of their contents
    are detected and stored.
    """
    if not fetch_one(connection.execute(_SQL["take_lock"], {"lock": WORDS_LOCK}))[0]:
        return 0
    version, done, end = connection.execute(_SQL["read_pass"]).fetchone() or (0, 0, 0)
    if version > analysis:
        return 0
    if version < analysis:
        done, end = 0, _last_chunk(connection)
    values = {"after": done, "analysis": analysis, "limit": limit}
    rows = connection.execute(_SQL["next_outdated_chunks"], values).fetchall()
    if not rows:
        # Chunks that come later have the words of this version.
        end = _last_chunk(connection)
    last = rows[-1][0] if rows else end
    done = last if len(rows) == limit else max(last, end)
    languages, changed = _detect_languages(connection, rows, language_of)
    sources = [_source(row, languages.get(row[3])) for row in rows]
    words = [words_of(source) for source in sources]
    computed = {"ids": [row[0] for row in rows], "words": words, "terms": list(map(term_weights, words))}
    connection.execute(_SQL["write_words"], computed | {"analysis": analysis})
    if changed and multilingual_model(connection) is not None:
        # Another model may be the one that reads them.
        settle_contents(connection, changed)
    connection.execute(_SQL["write_pass"], {"analysis": analysis, "done": done, "end": max(done, end)})
    return len(rows)


def read_sources(connection: Connection, chunks: Collection[ChunkId]) -> dict[ChunkId, ChunkSource]:
    """What the words of stored chunks depend on."""
    rows = connection.execute(_SQL["sources_of_chunks"], {"ids": list(chunks)})
    return {ChunkId(row[0]): _source(row, row[5]) for row in rows}


def _last_chunk(connection: Connection) -> int:
    return int(fetch_one(connection.execute(_SQL["last_chunk"]))[0])


def _detect_languages(
    connection: Connection, rows: Iterable[Sequence[Any]], language_of: LanguageOf
) -> tuple[dict[ContentId, str | None], list[ContentId]]:
    """The languages of the contents of some chunks, which are stored, and the contents that had another one."""
    contents = {ContentId(row[3]): (row[4], row[5]) for row in rows if row[3] is not None}
    if not contents:
        return {}, []
    values = {"ids": sorted(contents), "samples": _SAMPLES, "characters": _SAMPLE_CHARACTERS}
    languages = {
        ContentId(content): language_of(contents[content][0], samples, contents[content][1])
        for content, samples in connection.execute(_SQL["samples"], values)
    }
    insert_languages(connection, {language for language in languages.values() if language})
    values = {"ids": list(languages), "languages": list(languages.values())}
    changed = [ContentId(row[0]) for row in connection.execute(_SQL["set_languages"], values)]
    return languages, changed


def _source(row: Sequence[Any], language: str | None) -> ChunkSource:
    _, text, headings, _, _, _, is_first, title, author, keywords = row
    metadata = (title, author, keywords) if is_first else ()
    return ChunkSource(text, language, metadata=metadata, headings=headings)
