"""The rare words of a question: a text that has them has what the question names, however near others are in meaning.

Used by `magicfs.search.measured_files`; `fusion` has what they count. In a small index each word is rare, and so a word
that people say about anything is none. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from magicfs.db.candidates import Candidate
from magicfs.domain.ids import ChunkId
from magicfs.search.fusion import FEW_CHUNKS
from magicfs.search.retrievers import QuestionWords


def rare_shares(
    candidates: Sequence[Candidate], words: QuestionWords, *, everyday: Collection[str]
) -> dict[ChunkId, float]:
    """The share of the question's weight that the rare words of each text have. Texts without one are left out.

    A compound that hardly any text has, such as `HEAD~3`, stands for its words, however common these are.
    """
    named = {
        term.word: _words_of(term.word, words) if term.is_whole else frozenset({term.word})
        for term in words.weights
        if 0 < words.frequencies[term.word] < FEW_CHUNKS and term.word not in everyday
    }
    if not named:
        return {}
    had = {one.chunk.chunk_id: one.words & named.keys() for one in candidates}
    return {
        chunk: words.share(frozenset().union(*(named[word] for word in rare))) for chunk, rare in had.items() if rare
    }


def _words_of(compound: str, words: QuestionWords) -> frozenset[str]:
    """The words of a question of which a compound in it consists, and the compound."""
    return frozenset(term.word for term in words.weights if term.word in compound)
