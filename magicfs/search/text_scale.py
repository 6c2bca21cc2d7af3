"""The scale by which the candidates of a question are measured, as far as their texts say, and what files add to it.

Used by `magicfs.search.measured_chunks`: the texts are known before the files that have them. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from magicfs.db.search.candidates import Candidate
from magicfs.search import fusion, scores
from magicfs.search.fusion import FusionScale
from magicfs.search.request import SearchRequest
from magicfs.search.retrievers import QuestionWords


class Match(NamedTuple):
    """What the words of the question that a text has say of it."""

    bm25: float
    share: float
    """The share of the question's weight that they have."""
    rare_share: float
    """The share that the rare ones among them have."""


@dataclass(frozen=True, slots=True)
class TextScale:
    """What the evidence of all candidates is measured by, before the files that have them are known."""

    scale: FusionScale = field(default_factory=FusionScale)
    """Without what files say."""
    matches: Sequence[Match] = ()
    """The strongest text of all that have the same words of the question, for each such set of words."""
    words: int = 0
    """The number of words of the question."""
    chunks: int | None = None
    """The number of chunks of the index."""

    def with_files(self, *, name_share: float = 0.0, with_paths: bool = False, code_share: float = 0.0) -> FusionScale:
        """The scale if a name has that share of the question's weight, and that share of the files is code.

        `with_paths` is that of `FusionScale`.
        """
        scale = self.scale.words_of_kind(code_share=code_share, words=self.words)
        strengths = [scale.strength_of_words(match.bm25, share=match.share) for match in self.matches]
        strongest = max(strengths, default=0.0)
        unit = fusion.words_unit(
            strongest,
            share=max((match.share for match in self.matches), default=0.0),
            chunks=self.chunks,
            name_share=1.0 if with_paths else name_share,
        )
        rare_share = self.matches[strengths.index(strongest)].rare_share if strengths else 0.0
        meaning = fusion.code_weight(scale.meaning, code_share=code_share, words=self.words, rare_share=rare_share)
        return replace(scale, meaning=meaning, with_paths=with_paths, words_unit=unit)


def text_scale(
    request: SearchRequest, words: QuestionWords, matched: Sequence[Candidate], *, by_second: float, count: int | None
) -> TextScale:
    """What the evidence of all candidates is measured by, as far as words and vectors say."""
    count_of_words = len(request.words)
    strongest = _strongest(matched)
    shares = {kind: words.share(kind) for kind in strongest}
    has_all = any(map(words.are_all, shares))
    best = max(strongest.values(), key=lambda match: match.bm25, default=None)
    scale = FusionScale(
        meaning=fusion.meaning_weight(request.typed_words, second_share=by_second, has_all=has_all),
        best_bm25=best.bm25 if best else 0.0,
        bm25_of_weight=max(1.0, best.bm25 / words.weight(best.words)) if best else 1.0,
        weight_of_share=fusion.weight_of_share(count_of_words, has_all=has_all),
        reach=scores.similarity_reach(count_of_words, second_share=by_second),
    )
    rare = {word for word, frequency in words.frequencies.items() if frequency < fusion.FEW_CHUNKS}
    matches = [Match(match.bm25, shares[kind], words.share(kind & rare)) for kind, match in strongest.items()]
    return TextScale(scale, matches, words=count_of_words, chunks=count)


def _strongest(matched: Sequence[Candidate]) -> dict[frozenset[str], Candidate]:
    """The first text with the greatest BM25 of all that have the same words of the question, in the order of texts.

    Of texts with the same words, no other one can be the strongest: hundreds have them.
    """
    strongest: dict[frozenset[str], Candidate] = {}
    for match in matched:
        known = strongest.get(match.words)
        if known is None or match.bm25 > known.bm25:
            strongest.pop(match.words, None)
            strongest[match.words] = match
    return strongest
