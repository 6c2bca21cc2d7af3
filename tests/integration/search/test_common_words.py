"""A question of words that very many chunks have finds the passages that have them all."""

from __future__ import annotations

import pytest

from magicfs.db.pool import Database
from magicfs.domain.term_weights import term_weights
from magicfs.search.retrievers import MAX_CANDIDATES_PER_CONDITION
from magicfs.search.service import SearchService
from magicfs.text.analysis import ANALYSIS_VERSION, analyze
from tests.integration.search.corpus import ChosenVectors, Corpus, unit

PAIRS = ("copper lantern", "copper meadow", "lantern meadow")
"""Each word is in two thirds of the chunks, and no chunk has all three."""

_INSERT = """
INSERT INTO chunks (digest, text, tokens, words, terms, analysis)
SELECT decode(md5(n::text), 'hex'), 'text ' || n, 2, words::tsvector, terms::sparsevec, %(analysis)s
FROM generate_series(1, %(chunks)s) AS n
JOIN unnest(%(words)s::text[], %(terms)s::text[]) WITH ORDINALITY AS pair (words, terms, number) ON number = n %% 3 + 1
"""

_ENQUEUE = "INSERT INTO embeddings (model_id, chunk_id) SELECT %(model)s, id FROM chunks ON CONFLICT DO NOTHING"


def test_a_question_of_common_words_alone_finds_what_has_them_all(database: Database, service: SearchService) -> None:
    corpus = Corpus(database)
    words = [analyze(pair, language="en") for pair in PAIRS]
    with database.transaction() as connection:
        connection.execute(
            _INSERT,
            {
                "analysis": ANALYSIS_VERSION,
                "chunks": 3 * MAX_CANDIDATES_PER_CONDITION,
                "words": words,
                "terms": [term_weights(one) for one in words],
            },
        )
    corpus.add(b"all.txt", "The lantern of copper stands where the meadow begins.")
    with database.transaction() as connection:
        connection.execute(_ENQUEUE, {"model": corpus.model})
        connection.execute("ANALYZE chunks")
    found = service.search("copper lantern meadow", deadline_s=30).hits
    assert [hit.name for hit in found] == [b"all.txt"]
    assert found[0].lexical is not None
    assert found[0].lexical >= 0.9


@pytest.mark.parametrize("typed", ["let it be", "what we do here", "now you see me", "10 to 3", "off by one"])
def test_a_question_of_everyday_words_finds_where_they_stand_in_its_order_first(
    corpus: Corpus, service: SearchService, vectors: ChosenVectors, typed: str
) -> None:
    vectors.vectors[typed] = unit(1, 0, 0)
    scattered = ", ".join(typed.split()[::-1])
    corpus.add(b"scattered.txt", f"{scattered}; {scattered}", vectors=[unit(1, 1, 0)])
    corpus.add(
        b"songs.txt",
        f"the songs of an evening with many guests in the garden: {typed}, and some that I forgot",
        vectors=[unit(0, 0, 1)],
    )
    [first, *_] = service.search(typed, deadline_s=30).hits
    assert first.name == b"songs.txt"
