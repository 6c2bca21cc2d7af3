"""The score of a result: how well it answers, on one scale for every model, every question and every corpus.

About 0 for unrelated text, 0.9 and more for a text with all words of the question, and 1.00 for its very words alone.
Used by `ranking`, which orders results by `fusion`. Scores never rise from one result to the next, and tell results
apart where they can. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from magicfs.search.fusion import Evidence

ALL_WORDS_STRENGTH = 0.9
"""The lexical strength of a text that has all words of the question, however far apart."""
TOGETHER_STRENGTH = 0.97
"""The same where they stand side by side and in order, but not as the phrase that the question is."""
PHRASE_SCORE = 0.95
"""The least score of a text that has the question as a phrase. The best of them by words has 1."""
LESS_THAN_PHRASE = 0.985
"""The greatest score of any other text: only the very words are shown as 1.00."""
CERTAINTY_OF_MEANING = 0.95
"""The score of the greatest similarity: a model reads `C++` and `C#` alike, so only words make a result certain."""
MIN_RELEVANCE = 0.04
"""A candidate of this relevance or more is shown."""
ANSWERED = 0.3
MIN_RELEVANCE_OF_ANSWERED = 0.004
"""If a candidate has the relevance `ANSWERED`, the question is about something in the corpus, so that others that
answer less are likely right too: they are shown from here on."""
WEAK_RESULTS = 5
MIN_RELEVANCE_OF_WEAK = 0.001
"""The best `WEAK_RESULTS` of the other candidates are shown too, from this relevance on: across languages, a right
answer may be no nearer than chance."""
FIRST_ACROSS = 10
SIMILARITY_GAP_ACROSS = 0.2
"""If anything is shown, those of the first `FIRST_ACROSS` candidates that are in another language are shown too, unless
their similarity is less than the greatest by more than this: chance and right answers overlap so much there."""
MIN_LEXICAL_STRENGTH = 0.0015
"""A candidate of this lexical strength or more is shown too; one of thirteen equally rare words has it."""
SHARE_EXPONENT = 2.5
"""The power to which the share of the question's words is raised: one of two words is far less than half an answer."""
SIMILARITY_EXPONENT = 2.0
SIMILARITY_EXPONENTS_OF_SHORT_QUESTIONS = {1: 5.0, 2: 3.0}
"""The power to which the similarity is raised, by the number of words of the question."""
REACH_WORDS = 2
REACH_OF_FEW_WORDS = 1.5
"""Under a multilingual model, the largest similarities to `REACH_WORDS` words or fewer are greater by so much, those of
unrelated texts too: of 54 short texts, the nearest unrelated one is at 0.7 of a single word (median), and at 0.4 of a
sentence."""
STEP = 0.01
"""The difference between neighbours that would have one score, where there is room: it is seen in two decimals."""
_SHARE_OF_ROOM = 0.45
"""The part of the room between neighbours that steps may take: less than half, so that two groups stay apart."""

_Pool = tuple[float, int]
"""The mean of the scores of neighbours, and their number."""


def lexical_strength(*, share: float, is_phrase_match: bool, proximity: float = 0.0) -> float:
    """The strength of a match by words in [0, 1].

    `share` is the share of the question's weight that the text's words have: rare words weigh more. `proximity` is that
    of all words, see `magicfs.search.proximity`.
    """
    if is_phrase_match:
        return 1.0
    return ALL_WORDS_STRENGTH * math.pow(share, SHARE_EXPONENT) + (TOGETHER_STRENGTH - ALL_WORDS_STRENGTH) * proximity


def similarity_exponent(words: int) -> float:
    """The power of the similarity, by the number of words of the question.

    In a large corpus some text is always a little similar by chance, and the more so the shorter the question is.
    """
    return SIMILARITY_EXPONENTS_OF_SHORT_QUESTIONS.get(words, SIMILARITY_EXPONENT)


def relevance(evidence: Evidence, *, exponent: float = SIMILARITY_EXPONENT) -> float:
    """How well a candidate answers, in [0, 1]. Words or meaning suffice alone, and both together give more.

    `exponent` is that of `similarity_exponent`.
    """
    lexical, vector = evidence.lexical or 0.0, evidence.vector or 0.0
    meaning = CERTAINTY_OF_MEANING * math.pow(vector, exponent)
    if evidence.is_whole_name:
        return 1.0
    if evidence.is_phrase_match:
        return PHRASE_SCORE + (1.0 - PHRASE_SCORE) * min(1.0, max(evidence.relative_words or 0.0, meaning))
    return LESS_THAN_PHRASE * (1.0 - (1.0 - lexical / LESS_THAN_PHRASE) * (1.0 - meaning))


def least_relevance(best: float) -> float:
    """The least relevance of candidates that are shown, if the best one has the relevance `best`."""
    return MIN_RELEVANCE_OF_ANSWERED if best >= ANSWERED else MIN_RELEVANCE


def is_relevant(evidence: Evidence, *, exponent: float = SIMILARITY_EXPONENT, least: float = MIN_RELEVANCE) -> bool:
    """Whether a candidate is shown. `least` is that of `least_relevance`."""
    by_words = (evidence.lexical or 0.0) >= MIN_LEXICAL_STRENGTH
    return by_words or relevance(evidence, exponent=exponent) >= least


def are_relevant(candidates: Sequence[Evidence], *, exponent: float, least: float) -> list[bool]:
    """Whether each of some candidates, best first, is shown. `least` is that of `least_relevance`.

    None of the first `WEAK_RESULTS` is left out before one that is shown: the order is more certain than the scores.
    Candidates in another language are shown as `SIMILARITY_GAP_ACROSS` says, but not for a question of one or two
    words: any short text is near to those.
    """
    shown, others = [], 0
    for evidence in candidates:
        is_shown = is_relevant(evidence, exponent=exponent, least=least)
        if not is_shown and others < WEAK_RESULTS and relevance(evidence, exponent=exponent) >= MIN_RELEVANCE_OF_WEAK:
            others += 1
            is_shown = True
        shown.append(is_shown)
    last = max((place for place, is_shown in enumerate(shown) if is_shown), default=-1)
    shown = [is_shown or place < min(WEAK_RESULTS, last) for place, is_shown in enumerate(shown)]
    if not any(shown) or exponent != SIMILARITY_EXPONENT:
        return shown
    least_similarity = max(map(_corpus_similarity, candidates[:FIRST_ACROSS])) - SIMILARITY_GAP_ACROSS
    return [
        is_shown or (place < FIRST_ACROSS and evidence.is_across and _corpus_similarity(evidence) >= least_similarity)
        for place, (is_shown, evidence) in enumerate(zip(shown, candidates, strict=True))
    ]


def _corpus_similarity(evidence: Evidence) -> float:
    """The similarity by meaning, not clipped; that of a text without a vector is less than any."""
    value = evidence.model_similarity if evidence.corpus_similarity is None else evidence.corpus_similarity
    return -math.inf if value is None else value


def similarity_reach(words: int, *, second_share: float) -> float:
    """What similarity is divided by, by the number of words of the question: see `REACH_OF_FEW_WORDS`.

    `second_share` is the share of the candidates that the multilingual model has read.
    """
    return 1.0 + (REACH_OF_FEW_WORDS - 1.0) * second_share if words <= REACH_WORDS else 1.0


def decreasing_scores(scores: Sequence[float], are_phrases: Sequence[bool]) -> list[float]:
    """The strictly decreasing scores that are shown for `scores`, which are in the order of the results.

    Neighbours in the wrong order get the mean of their scores (isotonic regression). They, and neighbours with nearly
    equal scores, then differ by steps, as far as the results before and after leave room. From the first result on that
    is no phrase, scores are less than 1.00.
    """
    limit, capped = 1.0, []
    for score, is_phrase in zip(scores, are_phrases, strict=True):
        limit = limit if is_phrase else LESS_THAN_PHRASE
        capped.append(min(score, limit))
    pools = _nearly_equal(_decreasing(capped))
    most = 1.0 if are_phrases and are_phrases[0] else LESS_THAN_PHRASE
    shown: list[float] = []
    for number, (mean, count) in enumerate(pools):
        above = pools[number - 1][0] if number else most
        below = pools[number + 1][0] if number + 1 < len(pools) else 0.0
        if mean >= ALL_WORDS_STRENGTH:
            below = max(below, ALL_WORDS_STRENGTH)
        half = (count - 1) / 2 * STEP
        top = mean + min(half, _SHARE_OF_ROOM * max(0.0, above - mean))
        bottom = mean - min(half, _SHARE_OF_ROOM * (mean - below))
        shown += [top - (top - bottom) * place / max(1, count - 1) for place in range(count)]
    return shown


def _decreasing(scores: Sequence[float]) -> list[_Pool]:
    """The decreasing pools of neighbours that are nearest to `scores`: pool adjacent violators."""
    pools: list[_Pool] = []
    for score in scores:
        pool = (score, 1)
        while pools and pools[-1][0] <= pool[0]:
            pool = _joined(pools.pop(), pool)
        pools.append(pool)
    return pools


def _nearly_equal(pools: Sequence[_Pool]) -> list[_Pool]:
    """Decreasing pools, those joined that are nearer than a step."""
    joined: list[_Pool] = []
    for pool in pools:
        joined.append(_joined(joined.pop(), pool) if joined and joined[-1][0] - pool[0] < STEP / 2 else pool)
    return joined


def _joined(first: _Pool, second: _Pool) -> _Pool:
    count = first[1] + second[1]
    return (first[0] * first[1] + second[0] * second[1]) / count, count
