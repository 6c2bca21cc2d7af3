"""Which candidates of a search are measured."""

from __future__ import annotations

from magicfs.db.search.candidates import Candidate
from magicfs.domain.chunks import Cosines, Documents
from magicfs.domain.ids import ChunkId
from magicfs.search.fusion import FusionScale
from magicfs.search.measured_chunks import MeasuredChunks
from magicfs.search.rare_words import RareWords
from magicfs.search.retrievers import QuestionWords


def test_a_candidate_is_measured_once_and_when_it_is_asked_for() -> None:
    asked: list[Cosines] = []

    def meaning(cosines: Cosines, documents: Documents) -> None:
        del documents
        asked.append(cosines)

    candidates = [
        Candidate(ChunkId(number), 1.0, frozenset(), has_phrase=False, documents=(), cosines=(number / 300,))
        for number in range(300)
    ]
    words = RareWords.of(QuestionWords({}, {}), everyday=())
    measured = MeasuredChunks(candidates, words, FusionScale(), meaning, reach=1.0)
    assert len(measured) == len(set(measured)) == 300
    assert ChunkId(7) in measured
    assert ChunkId(300) not in measured
    assert asked == []
    assert measured[ChunkId(7)] is measured[ChunkId(7)]
    assert asked == [(7 / 300,)]
