"""Whether a word that nothing has is meant, or another one that is spelt nearly so: the models of the index say.

Used by the search service. `respelling` takes a letter of such a word for a wrong one. A model that has learned the
word knows that it is spelt right, and how near the other one is in meaning: `phillip` is near to `philip` and `harbor`
to `harbour`, but `salmon` is no `salon`. Safe in any thread.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from magicfs.db.search.search_facts import WordChunks
from magicfs.domain.deadline import Deadline
from magicfs.domain.models import IndexedModel
from magicfs.errors import DeadlineExceeded, MagicFSError
from magicfs.search.compiled_query import CompiledQuery, with_phrase_respelt
from magicfs.search.meaning import QuestionVector
from magicfs.search.question_vectors import QuestionVectorSource
from magicfs.text.analysis import fold

_MIN_SIMILARITY = 0.44
"""Of two spellings of a word, between what chance reaches (0) and the sentences of a text (1): of forty pairs, names in
two spellings have 0.45 and more, and other words 0.43 at most, under each model but for three pairs."""


def words_meant(
    source: QuestionVectorSource,
    compiled: CompiledQuery,
    vectors: Sequence[QuestionVector],
    kept: Sequence[IndexedModel],
    deadline_s: float,
) -> frozenset[str]:
    """The words of a question in which no letter is wrong, of those in which one was taken for that.

    The models `kept` stay loaded. Each such word takes the time of two questions. Returns within `deadline_s` seconds:
    a letter stays a wrong one where the models have not answered by then.
    """
    deadline = Deadline(deadline_s)
    learned = {
        (fold(word), word): [vector.model for vector in vectors if word in vector.known_words]
        for vector in vectors
        for word in vector.known_words
        if fold(word) in compiled.typed
    }

    def differ(typed: str, spelling: str, models: Sequence[IndexedModel]) -> bool:
        try:
            both = [
                source.embed_by_each(
                    word,
                    specs=[model.spec for model in models],
                    kept=[model.spec for model in kept],
                    deadline_s=deadline.seconds_left(),
                )
                for word in (typed, spelling)
            ]
        except DeadlineExceeded:
            return False
        return all(
            not isinstance(one, MagicFSError)
            and not isinstance(other, MagicFSError)
            and model.spec.reference_scale().similarity(float(one.vector @ other.vector)) < _MIN_SIMILARITY
            for model, one, other in zip(models, *both, strict=True)
        )

    return frozenset(word for (word, typed), models in learned.items() if differ(typed, compiled.respelt[word], models))


def as_typed(compiled: CompiledQuery, words: Collection[str], question: str) -> CompiledQuery:
    """The query of a question in which no letter of some words, which nothing has, is taken for a wrong one."""
    if not words:
        return compiled
    meant = replace(
        compiled,
        terms=tuple(compiled.typed[term.word] if term.word in words else term for term in compiled.terms),
        chunks_of_words={**compiled.chunks_of_words, **dict.fromkeys(words, WordChunks(0.0, 0))},
        respelt={word: spelling for word, spelling in compiled.respelt.items() if word not in words},
        uncertain=compiled.uncertain.difference(words),
    )
    return with_phrase_respelt(meant, question)
