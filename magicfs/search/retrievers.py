"""What the retrievers by words and by names look for: the weights of the words of a question, and conditions on words.

Used by `magicfs.search.ranking`; `magicfs.db.search.candidates` looks for it. Pure.

To bound the time of a search, a rare word of the question brings all chunks that have it, and a common word only the
chunks that also have other words of the question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from magicfs.db.search.candidate_query import WordCondition
from magicfs.db.search.search_facts import MAX_CHUNKS_OF_WORD, WordChunks
from magicfs.domain.query import Term

_WORD = re.compile(r"[^\W_]+")

RARE_WORD_CANDIDATES = 1000
"""The rarest words count as rare until they bring this many chunks together; the other words count as common. A chunk
that has common words alone hardly ever ranks high."""
MAX_CANDIDATES_PER_CONDITION = 1000
"""The most chunks that one condition on words brings."""
ENOUGH_CANDIDATES = 2000
"""The number of chunks by words after which conditions that weigh less are not looked up. A chunk counts for each
condition that brings it."""
MAX_QUESTION_WORDS = 24
"""Only this many words of a question are searched for, the rarest ones, and as many compounds."""
BACKGROUND_CHUNKS = 100
"""The number of chunks of everyday language that are counted with those of the index: in a small one every word is
rare, and in one of thousands it makes no difference."""
EVERYDAY_SHARE = 0.15
"""The share of them that have an everyday word, such as `get` or `back`. No other word of a question is in them."""
COMMON_SHARE = 0.05
COMMON_CHUNKS = 50
"""A word that this share of the chunks has, and so many at least, is common: a file has several of them by chance."""
COMPOUND_WEIGHT = 0.2
"""What a compound of several words weighs, compared with a word as rare: its words are counted too."""
UNCERTAINTY_OF_SPELLING = 0.15
"""What a word loses of its share for the score that is found in another spelling. Alone, it has a strength of 0.6."""
PAIRED_WORDS = 4
"""The number of words whose pairs bring chunks: the last rare word, and the rarest common words."""
MAX_NAME_CANDIDATES = 100
"""The most files that one condition on names brings."""
ENOUGH_NAME_CANDIDATES = 300
"""The number of files by names after which conditions that weigh less are not looked up."""


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """The words of a question with their weights."""

    weights: dict[Term, float]
    """Inverse document frequency times the number of occurrences in the question, the rarest word first."""
    frequencies: dict[str, int]
    """The number of chunks that have each word, counted up to `MAX_CHUNKS_OF_WORD`, else estimated."""
    uncertain: frozenset[str] = frozenset()
    """The words that may not be what was meant."""
    chunks: int = 0
    """The number of chunks of the index."""
    any_of: tuple[tuple[frozenset[str], ...], ...] = ()
    """The words of phrases of which a text has any one: with those of one it has all that is asked for."""
    _shares: dict[frozenset[str], float] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Many candidates have the same words."""

    @property
    def without_compounds(self) -> list[Term]:
        """The words that a text with all words has: compounds are left out, unless there is nothing else."""
        return [term for term in self.weights if not term.is_compound] or list(self.weights)

    def are_all(self, words: Collection[str]) -> bool:
        """Whether a text with these words of the question has all of them."""
        had = self.answered(frozenset(words))
        return all(term.word in had for term in self.without_compounds)

    @property
    def are_common(self) -> bool:
        """Whether all words are common in the index."""
        many = max(COMMON_CHUNKS, COMMON_SHARE * self.chunks)
        return all(self.frequencies[term.word] >= many for term in self.without_compounds)

    def share(self, words: Collection[str]) -> float:
        """The share of the question's weight that some of its words have, in [0, 1]; 1 for all words, in any order."""
        had = frozenset(words)
        if had not in self._shares:
            self._shares[had] = self.weight(self.answered(had)) / math.fsum(self.weights.values())
        return self._shares[had]

    def answered(self, had: frozenset[str]) -> frozenset[str]:
        """The words that a text has, and their alternatives, which it need not have."""
        for group in self.any_of:
            if any(words and had >= words for words in group):
                had = had.union(*group)
        return had

    def weight(self, words: Collection[str]) -> float:
        """The weight of some of its words."""
        # An exact sum: a rounded one depends on the order of a set, and so on the process.
        return math.fsum(weight for term, weight in self.weights.items() if term.word in words)

    def certain_share(self, words: Collection[str]) -> float:
        """The share that counts for the score: what is found in another spelling may not be what was meant."""
        share = self.share(words)
        return (
            share - UNCERTAINTY_OF_SPELLING * self.share(self.uncertain.intersection(words))
            if self.uncertain
            else share
        )


def weigh_words(
    terms: Sequence[Term],
    known: Mapping[str, WordChunks],
    *,
    chunks: int,
    everyday: Collection[str] = (),
    uncertain: Collection[str] = (),
    any_of: tuple[tuple[frozenset[str], ...], ...] = (),
) -> QuestionWords:
    """Weigh the words of a question in an index of `chunks` chunks. A compound that no chunk has is left out.

    `everyday` are words that people say about anything: where an index is small, they are known to say little.
    `uncertain` are those that may not be what was meant, `any_of` those of phrases of which a text has any one.
    """
    frequencies = {term.word: _frequency(known[term.word], chunks) for term in terms}
    total = max(chunks, *frequencies.values()) if frequencies else chunks
    rarest = sorted(terms, key=lambda term: (frequencies[term.word], term.word))
    words = [term for term in rarest if not term.is_compound][:MAX_QUESTION_WORDS]
    compounds = [term for term in rarest if term.is_compound and frequencies[term.word]][:MAX_QUESTION_WORDS]
    searched = set(words) | set(compounds)
    weights = {
        term: _weight(term, frequencies[term.word], total, is_everyday=term.word in everyday)
        for term in rarest
        if term in searched
    }
    return QuestionWords(weights, frequencies, frozenset(uncertain), chunks, any_of)


def _frequency(known: WordChunks, chunks: int) -> int:
    """The number of chunks that have a word, exact for a rare one."""
    estimate = round(known.share * chunks)
    if known.size is None:
        return estimate
    return known.size if known.size < MAX_CHUNKS_OF_WORD else max(MAX_CHUNKS_OF_WORD, estimate)


def _weight(term: Term, frequency: int, total: int, *, is_everyday: bool) -> float:
    """The weight of a word that `frequency` of `total` chunks have, and some of the `BACKGROUND_CHUNKS`."""
    with_word = frequency + (EVERYDAY_SHARE * BACKGROUND_CHUNKS if is_everyday else 0.0)
    rarity = math.log1p((total + BACKGROUND_CHUNKS - with_word + 0.5) / (with_word + 0.5))
    has_several_words = term.is_compound and len(_WORD.findall(term.word)) > 1
    return term.count * rarity * (COMPOUND_WEIGHT if has_several_words else 1.0)


def rare_words(words: QuestionWords) -> list[Term]:
    """The words that bring all chunks that have them: the rarest ones, until they bring enough."""
    rare: list[Term] = []
    candidates = 0
    for term in words.weights:
        if candidates >= RARE_WORD_CANDIDATES:
            break
        candidates += words.frequencies[term.word]
        rare.append(term)
    return rare


def candidate_conditions(words: QuestionWords) -> list[WordCondition]:
    """The conditions that bring candidates, in the order in which they are looked up: a chunk that meets any is one.

    Rare words come first, several of them one condition as long as all chunks that have them fit into its limit. If
    there are common words, all words together are a condition, and so is each pair of `PAIRED_WORDS` and a last rare
    word whose chunks do not fit: those that weigh most first. What has a word of which all chunks are brought is not
    looked up again. Rare "invoice" and "paid" (in too many chunks), common "tax": `[[["invoice"]], [["paid", "tax"]],
    [["paid"]]]`.
    """
    rare = rare_words(words)
    # A word that was counted up to the limit may be in more chunks.
    fitting = [term for term in rare if words.frequencies[term.word] < MAX_CANDIDATES_PER_CONDITION]
    conditions = _conditions_of_fitting_words(words, fitting)
    if len(rare) == len(words.weights):
        common = [[term] for term in rare]
    else:
        paired = list(words.weights)[len(rare) - 1 :][:PAIRED_WORDS]
        common = [words.without_compounds, *map(list, combinations(paired, 2)), *([term] for term in rare)]
    common = [group for group in common if not set(group).intersection(fitting)]
    common.sort(key=lambda group: -math.fsum(words.weights[term] for term in group))
    distinct = {frozenset(term.word for term in group): group for group in common}
    return [*conditions, *([group] for group in distinct.values())]


def _conditions_of_fitting_words(words: QuestionWords, fitting: Sequence[Term]) -> list[WordCondition]:
    """Each chunk that has several of the words is looked up once. Words that no chunk has are left out."""
    conditions: list[list[list[Term]]] = []
    brought = 0
    for term in fitting:
        frequency = words.frequencies[term.word]
        if conditions and brought + frequency <= MAX_CANDIDATES_PER_CONDITION:
            conditions[-1].append([term])
            brought += frequency
        elif frequency:
            conditions.append([[term]])
            brought = frequency
    return list(conditions)


def name_conditions(words: QuestionWords) -> list[WordCondition]:
    """The conditions that bring files by their names, each once: those that weigh most in the question first."""
    terms = list(words.weights)
    groups = [*map(list, combinations(terms[:PAIRED_WORDS], 2)), *([term] for term in terms)]
    groups.sort(key=lambda group: -math.fsum(words.weights[term] for term in group))
    distinct = {frozenset(term.word for term in group): group for group in (words.without_compounds, *groups)}
    return [[group] for group in distinct.values()]
