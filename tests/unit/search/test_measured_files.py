"""Which candidates of a search are measured."""

from __future__ import annotations

from magicfs.db.candidates import Candidate
from magicfs.domain.chunks import MeasuredChunk
from magicfs.domain.ids import ChunkId
from magicfs.search.fusion import FusionScale
from magicfs.search.measured_files import MeasuredChunks
from magicfs.search.rare_words import RareWords
from magicfs.search.retrievers import QuestionWords


def test_a_candidate_is_measured_once_and_when_it_is_asked_for() -> None:
    asked: list[ChunkId] = []

    def meaning(chunk: MeasuredChunk) -> None:
        asked.append(chunk.chunk_id)

    candidates = [
        Candidate(MeasuredChunk(ChunkId(number), (), {}), 1.0, frozenset(), has_phrase=False) for number in range(300)
    ]
    words = RareWords.of(QuestionWords({}, {}), everyday=())
    measured = MeasuredChunks(candidates, words, FusionScale(), meaning, reach=1.0)
    assert len(measured) == len(set(measured)) == 300
    assert ChunkId(7) in measured
    assert ChunkId(300) not in measured
    assert asked == []
    assert measured[ChunkId(7)] is measured[ChunkId(7)]
    assert asked == [7]
