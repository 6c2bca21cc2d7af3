"""The candidates of a question, measured: what words and meaning say of each chunk.

Used by `magicfs.search.ranking` and `magicfs.search.measured_files`, where the best chunk stands for its file. Pure.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

from magicfs.db.search.candidates import Candidate, Place
from magicfs.domain.chunks import Documents
from magicfs.domain.ids import ChunkId
from magicfs.search import fusion, scores
from magicfs.search.fusion import Evidence, FusionScale
from magicfs.search.meaning import Meaning, MeaningOf, in_other_languages, meaning_for
from magicfs.search.rare_words import RareWords
from magicfs.search.request import SearchRequest
from magicfs.search.retrievers import QuestionWords
from magicfs.search.text_scale import TextScale, text_scale
from magicfs.text.language import is_code

FILES_OF_KIND = 20
"""The files of the best candidates, which say of what kind of text a question is asked."""


class MeasuredChunks(Mapping[ChunkId, Evidence]):
    """The evidence for the candidates of a question. Each is measured when it is asked for: most never are."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        rare_words: RareWords,
        scale: FusionScale,
        meaning: MeaningOf,
    ) -> None:
        """`meaning` is what `meaning_for` returns."""
        self.rare_words = rare_words
        self.scale = scale
        self.text_scale = TextScale()
        """What `scale` comes from, where it is that of these candidates."""
        self.are_across = False
        """Whether any of them stands in documents in other languages alone."""
        self._candidates = {candidate.chunk_id: candidate for candidate in candidates}
        self._meaning = meaning
        self._evidence: dict[ChunkId, Evidence] = {}
        """Without what texts in other languages lose."""
        # Many candidates have the same words.
        self._of_words = cache(partial(_of_words, rare_words))

    def __getitem__(self, chunk: ChunkId) -> Evidence:
        """The evidence for a candidate."""
        evidence = self._evidence.get(chunk)
        if evidence is None:
            evidence = self._evidence[chunk] = self._measured(self._candidates[chunk])
        if evidence.is_across and evidence.model_similarity is not None:
            return evidence.with_model_similarity(evidence.model_similarity - self.scale.translation_penalty)
        return evidence

    def rescale(self, rare_words: RareWords, scale: FusionScale) -> None:
        """Measure by these rare words, on this scale. What was measured stays if both say the same of texts."""
        if (rare_words.meant, scale.of_texts) != (self.rare_words.meant, self.scale.of_texts):
            self._evidence.clear()
            self._of_words = cache(partial(_of_words, rare_words))
        self.rare_words, self.scale = rare_words, scale

    def _measured(self, candidate: Candidate) -> Evidence:
        """The evidence of a candidate from its text."""
        _, bm25, words, has_phrase, documents, cosines = candidate
        lexical, share, rare_share = self._of_words(words, has_phrase=has_phrase)
        relative = model_similarity = corpus_similarity = None
        is_across = False
        if lexical is not None:
            relative = self.scale.strength_of_words(bm25, share=share) / self.scale.words_unit
        if (meaning := self._meaning(cosines, documents)) is not None:
            model_similarity, corpus_similarity, _, is_across = meaning
            corpus_similarity /= self.scale.reach
        is_phrase = has_phrase and lexical is not None
        return Evidence(
            relative,
            lexical,
            is_phrase,
            model_similarity,
            corpus_similarity,
            rare_share=rare_share,
            is_across=is_across,
        )

    def count_matches(self, matches: Mapping[ChunkId, float]) -> None:
        """Count what texts in other languages have beside their similarity, in its unit: see `token_matches`.

        Where a text in the question's language may answer, they exchange their similarities: so they are as near as
        before beside it. Where none does, what they have is added in the order. Scores come from those exchanged in any
        case: a question that none of them answers stays as far from all.
        """
        measured = {chunk: self._measured(self._candidates[chunk]) for chunk in matches}
        alone = {chunk: evidence.model_similarity or 0.0 for chunk, evidence in measured.items()}
        added = {chunk: alone[chunk] + match for chunk, match in matches.items()}
        nearest = sorted(measured, key=lambda chunk: -alone[chunk])
        for chunk, giver in zip(sorted(added, key=lambda chunk: -added[chunk]), nearest, strict=True):
            self._evidence[chunk] = measured[chunk]._replace(
                model_similarity=alone[giver] if self.scale.answered > 0.0 else added[chunk],
                corpus_similarity=measured[giver].corpus_similarity,
            )

    def take_compared(self, other: MeasuredChunks) -> None:
        """Take the evidence for candidates in other languages from another that has counted their matches."""
        self._evidence |= {
            chunk: evidence
            for chunk, evidence in other._evidence.items()
            if evidence.is_across and chunk in self._candidates
        }

    def of(self, chunks: Iterable[ChunkId | None]) -> dict[ChunkId, Evidence]:
        """The evidence for those of some chunks that are candidates."""
        return {chunk: self[chunk] for chunk in dict.fromkeys(chunks) if chunk in self._candidates}

    def __iter__(self) -> Iterator[ChunkId]:
        """The candidates."""
        return iter(self._candidates)

    def __len__(self) -> int:
        """The number of candidates."""
        return len(self._candidates)

    def __contains__(self, chunk: object) -> bool:
        """Whether a chunk is a candidate."""
        return chunk in self._candidates

    def words(self, chunk: ChunkId | None) -> frozenset[str]:
        """The words of the question that a chunk has, as far as it is a candidate."""
        candidate = None if chunk is None else self._candidates.get(chunk)
        return frozenset() if candidate is None else candidate.words

    def strength_with_name(self, chunk: ChunkId | None, in_name: frozenset[str]) -> float:
        """The relative strength of the words of a chunk and of the name of its file, as `Evidence.relative_words`.

        A word that the name alone has counts as those of the best text do: the name says what the file is about.
        """
        candidate = None if chunk is None else self._candidates.get(chunk)
        bm25, in_text = (0.0, frozenset[str]()) if candidate is None else (candidate.bm25, candidate.words)
        in_names = self.rare_words.in_names
        bm25 += self.scale.bm25_of_weight * in_names.weight(in_name - in_text)
        share = in_names.share(in_text | in_name)
        return min(1.0, self.scale.strength_of_words(bm25, share=share) / self.scale.words_unit)

    def has_all_words(self, chunk: ChunkId | None, in_path: frozenset[str]) -> bool:
        """Whether a chunk and the path of its file have all words of the question together, where paths count."""
        return self.scale.with_paths and self.rare_words.question.are_all(self.words(chunk) | in_path)

    def meaning(self, chunk: ChunkId) -> Meaning | None:
        """The meaning of a candidate; None without a vector."""
        candidate = self._candidates[chunk]
        return self._meaning(candidate.cosines, candidate.documents)


def measure_candidates(
    request: SearchRequest, words: QuestionWords, candidates: Sequence[Candidate], *, count: int | None = None
) -> MeasuredChunks:
    """The candidates with their evidence, on a scale of their own and by their rare words, as far as texts say.

    `count` is the number of chunks of the index. `count_files` follows when the files are known.
    """
    matched = [candidate for candidate in candidates if candidate.words]
    kinds = {candidate.documents for candidate in candidates}
    across = {documents for documents in kinds if in_other_languages(documents, request.languages)}
    by_second = second_share(request, candidates, across)
    of_texts = text_scale(request, words, matched, by_second=by_second, count=count)
    meaning = meaning_for(request.question_vectors, request.languages)
    by_order = request.names_by_order or (
        request.names_with_stop_word and any(candidate.has_phrase for candidate in matched)
    )
    rare_words = _rare_words(request, words, is_named_by_order=by_order)
    chunks = MeasuredChunks(candidates, rare_words, of_texts.with_files(), meaning)
    chunks.text_scale, chunks.are_across = of_texts, bool(across)
    return chunks


def count_files(chunks: MeasuredChunks, request: SearchRequest, words: QuestionWords, places: Sequence[Place]) -> None:
    """Count what files and their names say of the question, and of the scale that `measure_candidates` has found.

    `places` are those of the best candidates, and those of the files whose names have words of the question.
    """
    code_share = _code_share(places)
    of_names = [words.share(place.name.in_name) for place in places if place.name is not None]
    if of_names or code_share:
        are_several = len(words.without_compounds) > 1 and not words.are_common
        with_paths = are_several and _has_all_with_path(words, chunks, places)
        name_share = max(of_names, default=0.0)
        scale = chunks.text_scale.with_files(name_share=name_share, with_paths=with_paths, code_share=code_share)
        by_order = chunks.rare_words.is_named_by_order
        chunks.rescale(_rare_words(request, words, places, is_named_by_order=by_order), scale)
    if chunks.are_across:
        located = chunks.of(place.found.chunk_id for place in places).values()
        relevance = _relevance_in_language(located, words=len(request.words))
        chunks.scale = replace(chunks.scale, answered=fusion.answered(relevance))


def _code_share(places: Sequence[Place]) -> float:
    """The share of the contents that have the best candidates that is code."""
    kinds = {place.found.copy_key: place.found.mime_type for place in places if not place.is_by_name}
    first = list(kinds.values())[:FILES_OF_KIND]
    return sum(is_code(mime_type or "") for mime_type in first) / len(first) if first else 0.0


def _rare_words(
    request: SearchRequest, words: QuestionWords, places: Sequence[Place] = (), *, is_named_by_order: bool
) -> RareWords:
    return RareWords.of(
        words,
        everyday=request.everyday_words,
        in_names=_names_with(places),
        is_named_by_order=is_named_by_order,
    )


def second_share(request: SearchRequest, candidates: Sequence[Candidate], across: Collection[Documents]) -> float:
    """The share of the candidates that the multilingual model has read, of those that any has read.

    Those in documents of `across`, in other languages, count where there are no others: they come because few texts in
    the language of the question have the vector.
    """
    second = [place for place, question in enumerate(request.question_vectors) if question.is_second]
    if not second:
        return 0.0
    embedded = [one for one in candidates if any(cosine is not None for cosine in one.cosines)]
    counted = [one for one in embedded if one.documents not in across] or embedded
    read = sum(any(one.cosines[place] is not None for place in second) for one in counted)
    return read / len(counted) if counted else 0.0


def _relevance_in_language(located: Iterable[Evidence], *, words: int) -> float:
    """The greatest relevance of a text in the language of the question, which has that number of words."""
    exponent = scores.similarity_exponent(words)
    own = (scores.relevance(evidence, exponent=exponent) for evidence in located if not evidence.is_across)
    return max(own, default=0.0)


def _names_with(places: Sequence[Place]) -> Counter[str]:
    """The number of contents whose names have each word of the question, as far as their names bring them.

    Extensions say what a file is, and not what it is about.
    """
    named = {place.found.copy_key: place for place in places if place.name is not None}
    return Counter(
        word
        for place in named.values()
        if place.name is not None
        for word in place.name.in_name - {extension_of(place.found.path)}
    )


def extension_of(path: bytes) -> str:
    """The extension of a path as a word of a question; empty without one."""
    return os.path.splitext(path)[1][1:].decode("utf-8", "replace").lower()


def _has_all_with_path(words: QuestionWords, chunks: MeasuredChunks, places: Sequence[Place]) -> bool:
    """Whether a file has all words of the question, at least one of them in its path alone."""
    located = ((chunks.words(place.found.chunk_id), place.name) for place in places)
    return any(name and words.are_all(had | name.in_path) and not words.are_all(had) for had, name in located)


def _of_words(rare_words: RareWords, words: frozenset[str], *, has_phrase: bool) -> tuple[float | None, float, float]:
    """What the words of the question that a text has say of it: its lexical strength, their share, that of rare ones.

    A text without any has no strength. A question may have no words.
    """
    if not words:
        return None, 0.0, 0.0
    question = rare_words.question
    lexical = scores.lexical_strength(share=question.certain_share(words), is_phrase_match=has_phrase)
    return lexical, question.share(words), rare_words.share(words, has_phrase=has_phrase)
