"""Claims of chunks."""

import pytest

from magicfs.db.corpus.contents import insert_contents
from magicfs.db.pool import Database
from magicfs.db.vectors.embedding_queue import enqueue_chunks
from magicfs.db.vectors.embeddings import claim_chunks
from magicfs.db.vectors.model_changes import activate_model
from magicfs.domain.chunks import Chunk, model_input
from magicfs.domain.contents import Document
from magicfs.domain.ids import Digest
from magicfs.domain.stored_contents import ContentKey, NewContent
from tests.fakes.embedder import FAKE_SPEC
from tests.plugins.index import FILE_WITH_CONTENT


@pytest.mark.parametrize(("context", "expected"), [("A title", "A title\nwords"), ("", "words")])
def test_the_model_reads_the_context_before_the_text(database: Database, context: str, expected: str) -> None:
    chunk = Chunk(text="words", tokens=1, first_line=1, last_line=1, context=context)
    key = ContentKey(Digest(bytes(16)), extractor=1, kind="text/plain")
    document = Document(text="words", mime_type="text/plain")
    with database.transaction() as connection:
        model = activate_model(connection, FAKE_SPEC)
        content = insert_contents(connection, [NewContent(key, size=5, extracted=document, chunks=[chunk])])[key]
        connection.execute(FILE_WITH_CONTENT, (content,))
        assert enqueue_chunks(connection, {content: 0}) == 1
        [claim] = claim_chunks(connection, model=model.id, owner="embed-1", limit=1, max_tokens=9, seconds=60)
    assert (claim.context, claim.text) == (context, "words")
    assert model_input(claim) == model_input(chunk) == expected
