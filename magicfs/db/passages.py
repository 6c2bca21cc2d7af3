"""Statements about passages: where chunks that answer stand in their files, and what they say.

Used by `magicfs.search.passage_ranking`. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.chunks import ChunkPlace
from magicfs.domain.ids import ChunkId, FileId

_SQL = load_queries("passages")


def places_of_chunks(
    connection: Connection, files: Sequence[FileId], chunks: Iterable[ChunkId]
) -> list[tuple[FileId, ChunkPlace]]:
    """The places of given chunks in given files, in the order of the text. A file may have a chunk several times."""
    rows = connection.execute(_SQL["places_of_chunks"], {"files": list(files), "chunks": list(chunks)})
    return [(FileId(file), ChunkPlace(ChunkId(chunk), *place)) for file, chunk, *place in rows]


def first_places(connection: Connection, files: Sequence[FileId]) -> dict[FileId, ChunkPlace]:
    """The place of the first chunk of each of some files; those without text are left out."""
    rows = connection.execute(_SQL["first_places"], {"files": list(files)})
    return {FileId(file): ChunkPlace(ChunkId(chunk), *place) for file, chunk, *place in rows}


def texts_and_tokens(connection: Connection, chunks: Iterable[ChunkId]) -> dict[ChunkId, tuple[str, int]]:
    """The texts of given chunks, and their numbers of tokens."""
    rows = connection.execute(_SQL["texts_and_tokens"], {"chunks": list(chunks)})
    return {ChunkId(chunk): (text, tokens) for chunk, text, tokens in rows}
