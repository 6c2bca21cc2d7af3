"""A worker whose claim was lost, and made anew by another one, changes nothing of the row whatever it does next.

Each statement has its own guard: services lock their claims first, and a caller that does not is none the worse.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from magicfs.db.corpus import file_claims, page_claims
from magicfs.db.pool import Connection
from magicfs.db.vectors import embeddings, unread
from magicfs.domain.chunks import ClaimedChunk
from magicfs.domain.contents import Unreadable
from magicfs.domain.files import ClaimedFile, ExtractedFile, FileStat, FileState, SkipReason
from magicfs.domain.ids import ContentId, ModelId
from tests.fakes.embedder import FAKE_SPEC
from tests.plugins.index import HOST, Index, working_model

_UNIT_VECTOR = np.eye(1, FAKE_SPEC.dimension, dtype=np.float32)

EndOfFile = Callable[[Connection, ClaimedFile, FileStat], object]
EndOfChunk = Callable[[Connection, ModelId, ClaimedChunk], object]

ENDS_OF_FILES: dict[str, EndOfFile] = {
    "indexed": lambda connection, claim, stat: file_claims.finish_indexed(
        connection, [ExtractedFile(claim, _content(connection), stat, FileState.INDEXED)], pause_s=lambda _: 0.0
    ),
    "unreadable": lambda connection, claim, stat: file_claims.finish_unreadable(
        connection, [(claim, Unreadable(SkipReason.CORRUPT))], extractor=1, pause_s=lambda _: 0.0
    ),
    "returned": lambda connection, claim, stat: file_claims.return_files(
        connection, [claim], counted=False, pause_s=9.0
    ),
    "put off": lambda connection, claim, stat: page_claims.return_pages(connection, claim, counted=False),
}

ENDS_OF_CHUNKS: dict[str, EndOfChunk] = {
    "embedded": lambda connection, model, claim: embeddings.finish_chunks(
        connection, model=model, claims=[claim], vectors=_UNIT_VECTOR
    ),
    "unread": lambda connection, model, claim: unread.finish_unread(connection, model=model, claims=[claim]),
    "failed": lambda connection, model, claim: embeddings.fail_chunk(connection, model=model, claim=claim, reason="x"),
    "suspected": lambda connection, model, claim: embeddings.suspect_chunk(connection, model=model, claim=claim),
    "returned": lambda connection, model, claim: embeddings.return_chunks(
        connection, model=model, claims=[claim], counted=False
    ),
}


@pytest.mark.parametrize("end", ENDS_OF_FILES)
def test_a_file_stays_as_its_new_worker_has_it(index: Index, end: str) -> None:
    path = index.folder / "note.txt"
    path.write_text("words")
    index.settle()
    path.write_text("other words")
    index.end_pauses()
    index.scan()
    stale = _claim_file(index, owner="a")
    index.extraction("a").recover()
    claim = _claim_file(index, owner="b")
    before = index.rows("SELECT * FROM files")
    with index.database.transaction() as connection:
        assert file_claims.lock_claims(connection, [stale]) == set()
        ENDS_OF_FILES[end](connection, stale, FileStat.of(path.stat()))
    assert index.rows("SELECT * FROM files") == before
    with index.database.transaction() as connection:
        assert file_claims.lock_claims(connection, [claim]) == {claim.id}
        ENDS_OF_FILES[end](connection, claim, FileStat.of(path.stat()))
    assert index.rows("SELECT lease FROM files") == [(None,)]


@pytest.mark.parametrize("end", ENDS_OF_CHUNKS)
def test_a_chunk_stays_as_its_new_worker_has_it(index: Index, end: str) -> None:
    (index.folder / "note.txt").write_text("words")
    index.read_all()
    model, stale = _claim_chunk(index, owner="a")
    index.embedding("a").recover()
    model, claim = _claim_chunk(index, owner="b")
    before = index.rows("SELECT * FROM embeddings")
    with index.database.transaction() as connection:
        ENDS_OF_CHUNKS[end](connection, model, stale)
    assert index.rows("SELECT * FROM embeddings") == before
    with index.database.transaction() as connection:
        ENDS_OF_CHUNKS[end](connection, model, claim)
    assert index.rows("SELECT * FROM embeddings") != before


def _claim_file(index: Index, *, owner: str) -> ClaimedFile:
    with index.database.transaction() as connection:
        [claim] = file_claims.claim_files(
            connection, host=HOST, boot="", owner=owner, limit=9, max_bytes=99, seconds=60
        )
    return claim


def _claim_chunk(index: Index, *, owner: str) -> tuple[ModelId, ClaimedChunk]:
    with index.database.transaction() as connection:
        model = working_model(connection).id
        [claim] = embeddings.claim_chunks(connection, model=model, owner=owner, limit=9, max_tokens=99, seconds=60)
    return model, claim


def _content(connection: Connection) -> ContentId:
    """A content of the index."""
    [(content,)] = connection.execute("SELECT id FROM contents").fetchall()
    return ContentId(content)
