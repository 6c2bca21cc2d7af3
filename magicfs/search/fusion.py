"""The fusion of the retrievers' evidence: the order of candidates. Used by `ranking`; `scores` has their scores. Pure.

Each retriever measures on a scale of its own: the strength of words, made of BM25 and, for a few words, of
the share of them that a text has, divided by the best one of the question, and the calibrated cosine.
The order comes from the mean of both. Unlike reciprocal ranks, the mean keeps how much better one candidate is than the
next: on both judged collections it ranks better (docs/benchmarks.md, docs/adr/0006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

ENOUGH_WORDS = 0.2
"""The share of a question's weight from which its best match by words is not one by chance. Nearly all questions have a
text with that share in their own language; in another language, one in ten has a text with half of it."""
SMALL_INDEX = 100
"""In an index of this many chunks, half of the weight that `ENOUGH_WORDS` leaves is needed besides, and nearly all in
one of ten: where few texts are, the best one by words often has a stray word, and the text that answers has none."""
WEIGHT_OF_SECOND = 0.75
"""The weight of the multilingual model, that of the active one being 1: on English texts it is the weaker one."""
FEW_WORDS = 2
"""The number of words up to which a question names something."""
SHORT_QUESTION = 3
"""The number of words up to which a question may be words that a person remembers of a text. In a script without
spaces, a pair of characters is a word."""
MEANING_OF_FEW_WORDS = {1: 0.4, 2: 0.6, 3: 1.0}
"""The weight of meaning in the order by the number of words with stop words, under such a model, if a text has all:
very short texts are near to every word, and so a text with the very words comes first. If none has, it is that of a
word more."""
SHARE_OF_FEW_WORDS = 0.5
"""The weight of the share of two or three words that a text has in the strength of its words, if a text has them all.
To BM25 alone, a short text with one of two words, or one that repeats it, is as good as a text that has both."""
MEANING_OF_CODE = 1.5
"""What meaning weighs more where the candidates are code, as far as the question's words are not rare ones that a text
has: people's words are mostly others than those of code."""
SHARE_OF_CODE = 0.7
"""The weight of the share of more words in the strength of those that code has, whether any has them all: a name that
a function repeats says no more of what it does than one that stands there once."""
FEW_CHUNKS = 5
"""A word that fewer chunks have is rare: it tells by itself what a person looks for."""
OTHER_CHUNKS = 0.5
"""The weight of the mean similarity of a file's nearest chunks in that of the file, that of its best chunk being 1."""
CHUNKS_OF_FILE = 3
"""The number of nearest chunks of a file that count."""
ENOUGH_OF_RARE_WORDS = 0.55
"""A file whose rare words have this share of a question's weight has what the question names."""
RARE_WORDS_BONUS = 1.0
"""The addition to the fused score of such a file: about what a text can have that is merely near."""
TRANSLATION_PENALTY = 0.2
"""What a text in another language loses of its similarity in the order where no text in the question's language
answers: a model finds one in the question's language nearer even then, but by less than two languages are apart."""
TRANSLATION_PENALTY_OF_ANSWERED = 0.8
"""What it loses where one answers: people look for a translation of it last. Related languages are nearer to each other
than the scale across languages expects, which without this has the translation of an answer before the answer."""
ANSWERED_FROM, ANSWERED_TO = 0.2, 0.5
"""The relevance at which a text in the question's language begins to count as an answer, and counts as one."""
PHRASE_BONUS = 0.1
"""The addition to the fused score of a text that has the whole question as a phrase."""
NAME_BONUS = 0.5
"""The addition to the fused score of a file whose name has all words of the question: people often know the name."""
ALL_WORDS_BONUS = 0.75
"""The addition to the fused score of a file that has all words of the question in its text and its path together, where
a file needs its path for that: more than one with a part of the words can have, however near its text is."""
WHOLE_NAME_BONUS = 3.0
"""The addition to the fused score of a file whose name is the question: more than all other evidence is together."""

OTHER_FORMAT_BONUS = 2.0
"""The same of a file whose name is the question but for its extension: it comes after one of the very name, and before
texts that have the words."""


class Evidence(NamedTuple):
    """What the retrievers measure for one candidate; None where a retriever does not have it.

    A tuple: a search makes hundreds.
    """

    relative_words: float | None = None
    """The strength of the words, divided by the best one of the question: see `FusionScale`."""
    lexical: float | None = None
    """The strength of the match by words in [0, 1], see `magicfs.search.scores.lexical_strength`."""
    is_phrase_match: bool = False
    """Whether the text has the whole question as a phrase."""
    model_similarity: float | None = None
    """The cosine on the calibrated scale of the model, the mean over the models, not clipped to [0, 1]."""
    corpus_similarity: float | None = None
    """The same on the scale of the corpus, which the score comes from if it is given: see `magicfs.search.meaning`."""
    name_share: float = 0.0
    """The share of the question's weight that the file's name has."""
    is_whole_name: bool = False
    """Whether the question is the file's name, or a path that leads to it: see `magicfs.text.names`."""
    rare_share: float = 0.0
    """The share of the question's weight that its rare words have that the text or the name has: see `rare_words`."""
    is_across: bool = False
    """Whether the text is in another language than the question, under a model that compares them."""
    has_all_words: bool = False
    """Whether the text and the path together have all words of the question, where that counts: see `FusionScale`."""
    is_in_another_format: bool = False
    """Whether the question is the file's name but for its extension."""

    def with_model_similarity(self, model_similarity: float) -> Evidence:
        """This evidence with another similarity, in a third of the time of `_replace`."""
        return Evidence._make((*self[:3], model_similarity, *self[4:]))

    @property
    def has_very_words(self) -> bool:
        """Whether the text has the question as a phrase, or the name is the question."""
        return self.is_phrase_match or self.is_whole_name

    @property
    def vector(self) -> float | None:
        """The similarity by meaning in [0, 1]."""
        value = self.model_similarity if self.corpus_similarity is None else self.corpus_similarity
        return None if value is None else min(1.0, max(0.0, value))


@dataclass(frozen=True, slots=True)
class FusionScale:
    """What the evidence of all candidates of one question is measured by."""

    words_unit: float = 1.0
    """What the strength of words is divided by, see `words_unit`."""
    meaning: float = 1.0
    """The weight of similarity in the order, that of words being 1."""
    best_bm25: float = 0.0
    """The greatest BM25 of all candidates."""
    bm25_of_weight: float = 1.0
    """The BM25 that the words of that candidate have for their weight."""
    weight_of_share: float = 0.0
    """What the share of the question's words counts beside BM25."""
    answered: float = 0.0
    """How surely a text in the question's language answers it, in [0, 1]: see the function of this name."""
    reach: float = 1.0
    """What similarity in the corpus is divided by, see `magicfs.search.scores.similarity_reach`."""
    with_paths: bool = False
    """Whether a file has all of several words of the question, not all common, by its text and its path together."""

    @property
    def translation_penalty(self) -> float:
        """What a text in another language loses of its similarity."""
        return TRANSLATION_PENALTY + (TRANSLATION_PENALTY_OF_ANSWERED - TRANSLATION_PENALTY) * self.answered

    @property
    def of_texts(self) -> tuple[float, ...]:
        """What says something of a text alone."""
        return self.words_unit, self.best_bm25, self.weight_of_share, self.reach

    def strength_of_words(self, bm25: float, *, share: float) -> float:
        """The strength of the words of a text, in the unit of BM25. They have that share of the question's weight.

        The square of the share counts: one of two words is far less than half of a match.
        """
        return (1.0 - self.weight_of_share) * bm25 + self.weight_of_share * self.best_bm25 * share**2

    def words_of_kind(self, *, code_share: float, words: int) -> FusionScale:
        """The scale of words for candidates with this share of code, by the number of words of the question.

        `FEW_WORDS` say as much of code as of prose.
        """
        if words <= FEW_WORDS:
            return self
        return replace(self, weight_of_share=self.weight_of_share + (SHARE_OF_CODE - self.weight_of_share) * code_share)


def code_weight(meaning: float, *, code_share: float, words: int, rare_share: float) -> float:
    """The weight of similarity where that share of the candidates is code, if it is `meaning` about prose.

    `rare_share` is the share of the question's weight that rare words have which the best text by words has: these say
    as much of code as of prose. So do `FEW_WORDS`.
    """
    if words <= FEW_WORDS:
        return meaning
    return meaning * (1.0 + (MEANING_OF_CODE - 1.0) * code_share * (1.0 - rare_share))


def weight_of_share(words: int, *, has_all: bool) -> float:
    """The weight of the share of the question's words beside BM25, by their number. `has_all`: a text has them all.

    It counts for several words, but few. Of one word or many, and where no text has all, BM25 says enough of prose.
    """
    return SHARE_OF_FEW_WORDS if 1 < words <= SHORT_QUESTION and has_all else 0.0


def words_unit(best: float, *, share: float, chunks: int | None = None, name_share: float = 0.0) -> float:
    """What the strength of words is divided by, if it is `best` for the best text, in an index of `chunks` chunks.

    `share` is the greatest share of the question's weight that any text has. If it is less than `enough_words`, texts
    have words of the question by chance, such as a number or a name in a text of another language, and count less. So
    they do if it is less than `name_share`, the greatest share that the name of a file has, or its path and its text.
    """
    enough = max(enough_words(chunks), name_share)
    return best * max(1.0, enough / share) if best > 0.0 and share > 0.0 else 1.0


def enough_words(chunks: int | None) -> float:
    """The share from which the best match by words counts whole: `ENOUGH_WORDS`, and in a small index up to all words.

    None is an index that is not small.
    """
    if chunks is None:
        return ENOUGH_WORDS
    return ENOUGH_WORDS + (1.0 - ENOUGH_WORDS) * SMALL_INDEX / (SMALL_INDEX + chunks)


def meaning_weight(words: int, *, second_share: float, has_all: bool = True) -> float:
    """The weight of similarity, by the number of words of the question. `has_all`: a text has them all.

    Words and the active model weigh 1. The multilingual model adds `WEIGHT_OF_SECOND`, as much alone as with the other:
    it finds an answer in any language more surely than words do, unless the question has a few words that a text has.
    `second_share` is the share of the candidates that it has read: while few have its vectors, meaning weighs as under
    the active model alone.
    """
    with_second = MEANING_OF_FEW_WORDS.get(words + (not has_all), 1.0 + WEIGHT_OF_SECOND)
    return 1.0 + (with_second - 1.0) * second_share


def answered(relevance: float) -> float:
    """How surely the question is answered by the text in its language whose relevance is the greatest, in [0, 1]."""
    return min(1.0, max(0.0, (relevance - ANSWERED_FROM) / (ANSWERED_TO - ANSWERED_FROM)))


def of_file(best: Evidence, chunks: Sequence[Evidence]) -> Evidence:
    """The evidence for a file from that of its best chunk and of all its chunks among the candidates.

    A file with several near chunks is about the question; one that is near in a single place may be so by chance. Only
    the nearest chunks count, so that a long file loses nothing by the rest of it.
    """
    nearest = [chunk.model_similarity for chunk in chunks if chunk.model_similarity is not None]
    if best.model_similarity is None or not nearest:
        return best
    if len(nearest) > 1:
        nearest = sorted(nearest, reverse=True)[:CHUNKS_OF_FILE]
    mean = sum(nearest) / len(nearest)
    return best.with_model_similarity((best.model_similarity + OTHER_CHUNKS * mean) / (1.0 + OTHER_CHUNKS))


def fused_score(evidence: Evidence, *, meaning: float = 1.0) -> float:
    """The value that orders candidates, the best one highest. `meaning` is the weight of similarity.

    A text without a vector counts as near as its words are strong.
    """
    lexical = evidence.lexical or 0.0
    similarity = lexical if evidence.model_similarity is None else evidence.model_similarity
    mean = ((evidence.relative_words or 0.0) + meaning * similarity) / (1.0 + meaning)
    bonus = PHRASE_BONUS if evidence.is_phrase_match else 0.0
    if evidence.rare_share >= ENOUGH_OF_RARE_WORDS:
        bonus += RARE_WORDS_BONUS
    if evidence.is_whole_name:
        bonus += WHOLE_NAME_BONUS
    if evidence.is_in_another_format:
        bonus += OTHER_FORMAT_BONUS
    if evidence.has_all_words:
        bonus += ALL_WORDS_BONUS
    return mean + bonus + NAME_BONUS * evidence.name_share**2
