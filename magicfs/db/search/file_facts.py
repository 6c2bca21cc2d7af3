"""Facts about given files and chunks: what they are called, which words they have, where their text stands.

Used by `magicfs.search` for what it shows of its results and for the explanation of one, and by `magicfs.ingest` for
all that the index has about a file. It finds no files. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.search.candidate_statements import name_parameters
from magicfs.db.search.scope import Scope
from magicfs.domain.chunks import ChunkPlace, NameMatch
from magicfs.domain.file_facts import FileFacts
from magicfs.domain.files import FileState
from magicfs.domain.ids import ChunkId, FileId, ModelId, RootId
from magicfs.domain.query import Term

_SQL = load_queries("file_facts")
_SEARCH_FACTS_SQL = load_queries("search_facts")

_BEGINNING_CHARACTERS = 100
_SOME_COPIES = 3


def met_conditions(connection: Connection, conditions: Sequence[str]) -> set[str]:
    """The conditions on words that any chunk meets, of some; each is the text of a `tsquery`."""
    if not conditions:
        return set()
    return {row[0] for row in connection.execute(_SEARCH_FACTS_SQL["met_conditions"], {"met": list(conditions)})}


def name_matches(connection: Connection, files: Sequence[FileId], terms: Sequence[Term]) -> list[NameMatch]:
    """The words of the question that the paths of given files have; files without any are left out."""
    rows = connection.execute(_SQL["name_matches"], name_parameters(terms) | {"files": list(files)}, prepare=False)
    return [NameMatch(FileId(file_id), frozenset(in_path), frozenset(in_name)) for file_id, in_path, in_name in rows]


def is_named_so(connection: Connection, file: FileId, phrases: str | None) -> bool:
    """Whether the path of a file has every phrase of a condition; also without any."""
    return bool(fetch_one(connection.execute(_SQL["is_named_so"], {"file": file, "phrases": phrases}))[0])


def chunks_with_phrase(connection: Connection, chunks: Iterable[ChunkId], phrase: str) -> set[ChunkId]:
    """The chunks that have the words of a phrase side by side. `phrase` is the text of a `tsquery`."""
    rows = connection.execute(_SQL["chunks_with_phrase"], {"chunks": list(chunks), "phrase": phrase})
    return {ChunkId(row[0]) for row in rows}


def is_in_scope(connection: Connection, scope: Scope, file: FileId) -> bool:
    """Whether a file meets the conditions of a scope on files."""
    row = connection.execute(_SQL["is_in_scope"], scope.parameters | {"file": file}, prepare=False).fetchone()
    return bool(row and row[0])


def token_signs(connection: Connection, model: ModelId, chunks: Sequence[ChunkId]) -> dict[ChunkId, bytes]:
    """The signs of the tokens of those chunks, of some, that have any under a model."""
    rows = connection.execute(_SQL["token_signs"], {"model_id": model, "chunks": list(chunks)}, binary=True)
    return {ChunkId(chunk): signs for chunk, signs in rows}


def chunks_of_file(connection: Connection, file: FileId) -> list[ChunkId]:
    """All chunks of a file."""
    return [ChunkId(row[0]) for row in connection.execute(_SQL["chunks_of_file"], {"file": file})]


def place_in_file(connection: Connection, file: FileId, chunk: ChunkId) -> tuple[int, int, int | None]:
    """The first and last line of a chunk in a file, and its page; zeros if the file does not have it any more."""
    row = connection.execute(_SQL["place_in_file"], {"file": file, "chunk": chunk}).fetchone()
    return (0, 0, None) if row is None else (row[0], row[1], row[2])


def lexemes_in_chunk(connection: Connection, chunk: ChunkId, terms: Sequence[Term]) -> set[str]:
    """The lexemes of some words that a chunk has, each as the text of a `tsquery`."""
    lexemes = list({lexeme.tsquery for term in terms for lexeme in term.lexemes})
    return {row[0] for row in connection.execute(_SQL["lexemes_in_chunk"], {"chunk": chunk, "lexemes": lexemes})}


def vector_state(connection: Connection, chunk: ChunkId, *, model: ModelId) -> str | None:
    """The state of a chunk's embedding under a model; None without one."""
    row = connection.execute(_SQL["vector_state"], {"chunk": chunk, "model": model}).fetchone()
    return None if row is None else str(row[0])


def chunk_texts(connection: Connection, chunks: Iterable[ChunkId]) -> dict[ChunkId, str]:
    """The texts of given chunks."""
    rows = connection.execute(_SQL["chunk_texts"], {"chunks": list(chunks)})
    return {ChunkId(chunk_id): text for chunk_id, text in rows}


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


def read_file_facts(connection: Connection, root: RootId, path: bytes) -> FileFacts | None:
    """The facts about a file by its path below a root; None when the index does not have it."""
    values = {
        "root_id": root,
        "path": path,
        "beginning": _BEGINNING_CHARACTERS,
        "copies": _SOME_COPIES,
    }
    found = connection.execute(_SQL["read_file_facts"], values)
    row = found.fetchone()
    if row is None or found.description is None:
        return None
    columns = {column.name: value for column, value in zip(found.description, row, strict=True)}
    return FileFacts(**columns | {"state": FileState(columns["state"])})
