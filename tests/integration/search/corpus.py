"""A small corpus, written to a test's database as the pipeline does, with vectors that the test chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from magicfs.db.connection import accept_vectors
from magicfs.db.corpus.contents import insert_contents
from magicfs.db.pool import Database
from magicfs.db.vectors.embedding_queue import enqueue_chunks
from magicfs.db.vectors.model_changes import activate_model
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.domain.ids import ContentId, Digest, ModelId
from magicfs.domain.models import ModelSpec, Precision
from magicfs.domain.stored_contents import ContentKey, NewContent
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.errors import EmbedderUnavailable, MagicFSError
from magicfs.text.analysis import ANALYSIS_VERSION, analyze
from magicfs.text.names import file_name

SPEC = ModelSpec(name="test/plane", precision=Precision.FP32, dimension=3, max_tokens=256, floor=0.0, ceiling=1.0)


def unit(*components: float) -> NDArray[np.float32]:
    vector = np.array(components, np.float32)
    return vector / np.linalg.norm(vector)


@dataclass
class ChosenVectors:
    """Question vectors by text. For a text without a vector the embedder is unavailable."""

    vectors: dict[str, NDArray[np.float32] | MagicFSError] = field(default_factory=dict)
    second: dict[str, NDArray[np.float32] | MagicFSError] = field(default_factory=dict)
    """Those of another model than `SPEC`."""
    tokens: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """The vectors of tokens under that model."""
    known_words: frozenset[str] = frozenset()
    """The words that each model has in one piece."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The questions that were embedded, each with the name of the model."""

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion | MagicFSError]:
        assert deadline_s > 0
        assert set(specs) <= set(kept)
        return [self._embedded(text, spec) for spec in specs]

    def _embedded(self, text: str, spec: ModelSpec) -> EmbeddedQuestion | MagicFSError:
        self.asked.append((text, spec.name))
        vectors = self.vectors if spec == SPEC else self.second
        vector = vectors.get(text, EmbedderUnavailable("the query embedder did not answer in time"))
        if isinstance(vector, MagicFSError):
            return vector
        known = self.known_words.intersection(text.split())
        return EmbeddedQuestion(vector, None if spec == SPEC else self.tokens.get(text), known)


class Corpus:
    """Adds files to a database. Each call of `content` adds another content."""

    def __init__(self, database: Database, *, host: str = "box", root: str = "papers", path: bytes = b"/data") -> None:
        self._database = database
        with database.transaction() as connection:
            self.model: ModelId = activate_model(connection, SPEC).id
            connection.execute("INSERT INTO hosts (name) VALUES (%s) ON CONFLICT DO NOTHING", (host,))
            row = connection.execute(
                "INSERT INTO roots (host_id, path, name, device) "
                "SELECT id, %s, %s, 1 FROM hosts WHERE name = %s RETURNING id",
                (path, root, host),
            ).fetchone()
            assert row is not None
            self._root: int = row[0]

    def content(
        self,
        *texts: str,
        vectors: Sequence[NDArray[np.float32]] = (),
        mime_type: str = "text/plain",
        language: str | None = None,
    ) -> ContentId:
        chunks = [
            Chunk(
                text=text,
                tokens=max(1, len(text.split())),
                first_line=10 * ordinal + 1,
                last_line=10 * ordinal + 9,
                words=analyze(text, language=language),
                analysis=ANALYSIS_VERSION,
            )
            for ordinal, text in enumerate(texts)
        ]
        with self._database.transaction() as connection:
            row = connection.execute("SELECT count(*) FROM contents").fetchone()
            assert row is not None
            key = ContentKey(Digest(row[0].to_bytes(16, "big")), extractor=1, kind=mime_type)
            document = Document(text="", mime_type=mime_type, language=language)
            new = NewContent(key, size=1, extracted=document, chunks=chunks)
            content = insert_contents(connection, [new])[key]
            enqueue_chunks(connection, {content: 0})
            accept_vectors(connection)
            for text, vector in zip(texts, vectors, strict=False):
                connection.execute(
                    "UPDATE embeddings SET vector = %s, state = 'done' "
                    "WHERE chunk_id = (SELECT id FROM chunks WHERE text = %s) AND model_id = %s",
                    (HalfVector(vector), text, self.model),
                )
        return content

    def content_without_text(
        self, reason: str, *, mime_type: str = "application/octet-stream", size: int = 1
    ) -> ContentId:
        with self._database.transaction() as connection:
            row = connection.execute(
                "INSERT INTO contents (digest, extractor, kind, size, mime_type, reason) "
                "SELECT int8send(0) || int8send(count(*)), 1, %s, %s, %s, %s FROM contents RETURNING id",
                (mime_type, size, mime_type, reason),
            ).fetchone()
        assert row is not None
        return ContentId(row[0])

    def file(
        self,
        path: bytes,
        content: ContentId | None,
        *,
        size: int = 100,
        mtime: int = 1_700_000_000,
        state: str = "indexed",
    ) -> None:
        name = file_name(path)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO files (root_id, path, display, extension, words, folded, size, mtime_ns, ctime_ns, ino, "
                "mode, uid, gid, state, content_id, indexed_at) "
                "VALUES (%s, %s, %s, %s, %s::tsvector, %s, %s, %s, 0, 0, 420, 0, 0, %s, %s, now())",
                (
                    self._root,
                    path,
                    name.display,
                    name.extension,
                    name.words,
                    name.folded,
                    size,
                    mtime * 10**9,
                    state,
                    content,
                ),
            )

    def add(
        self,
        path: bytes,
        *texts: str,
        vectors: Sequence[NDArray[np.float32]] = (),
        size: int = 100,
        mtime: int = 1_700_000_000,
        language: str | None = None,
        mime_type: str = "text/plain",
    ) -> None:
        content = self.content(*texts, vectors=vectors, language=language, mime_type=mime_type)
        self.file(path, content, size=size, mtime=mtime)
