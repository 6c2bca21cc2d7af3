"""The scale by which the candidates of a question are measured, as far as their texts say, and what names add to it.

Used by `magicfs.search.measured_chunks`: the texts are known before the names of the files that have them. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from magicfs.db.search.candidates import Candidate
from magicfs.search import fusion, scores
from magicfs.search.fusion import FusionScale
from magicfs.search.request import SearchRequest
from magicfs.search.retrievers import QuestionWords


@dataclass(frozen=True, slots=True)
class TextScale:
    """What the evidence of all candidates is measured by, before the names of files are known."""

    scale: FusionScale = field(default_factory=FusionScale)
    """Without what names say."""
    strongest: float = 0.0
    """The strength of the words of the best text."""
    share: float = 0.0
    """The greatest share of the question's weight that any text has."""
    chunks: int | None = None
    """The number of chunks of the index."""

    def with_names(self, share: float = 0.0, *, with_paths: bool = False) -> FusionScale:
        """The scale if a name has that share of the question's weight; `with_paths` is that of `FusionScale`."""
        name_share = 1.0 if with_paths else share
        unit = fusion.words_unit(self.strongest, share=self.share, chunks=self.chunks, name_share=name_share)
        return replace(self.scale, with_paths=with_paths, words_unit=unit)


def text_scale(
    request: SearchRequest, words: QuestionWords, matched: Sequence[Candidate], *, by_second: float, count: int | None
) -> TextScale:
    """What the evidence of all candidates is measured by, as far as words and vectors say."""
    count_of_words = len(request.words)
    shares = {kind: words.share(kind) for kind in {match.words for match in matched}}
    has_all = any(map(words.are_all, shares))
    meaning = fusion.meaning_weight(request.typed_words, second_share=by_second, has_all=has_all)
    best = max(matched, key=lambda match: match.bm25, default=None)
    scale = FusionScale(
        meaning=meaning,
        best_bm25=best.bm25 if best else 0.0,
        bm25_of_weight=max(1.0, best.bm25 / words.weight(best.words)) if best else 1.0,
        weight_of_share=fusion.weight_of_share(count_of_words, has_all=has_all),
        reach=scores.similarity_reach(count_of_words, second_share=by_second),
    )
    strengths = [scale.strength_of_words(match.bm25, share=shares[match.words]) for match in matched]
    strongest = max(strengths, default=0.0)
    best_words = matched[strengths.index(strongest)].words if matched else frozenset()
    has_rare_word = any(words.frequencies[word] < fusion.FEW_CHUNKS for word in best_words)
    code = fusion.code_weight(meaning, words=count_of_words, has_rare_word=has_rare_word)
    share = max(shares.values(), default=0.0)
    return TextScale(replace(scale, meaning_of_code=code), strongest=strongest, share=share, chunks=count)
