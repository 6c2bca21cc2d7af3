"""Measures what the cosines of a model say in the corpus: what chance reaches, and what texts reach for their words.

The more texts there are, the nearer some are to any question by chance. How near is measured by questions of our own
on subjects of everyday life: a corpus answers few of them, so that the median over the questions is what chance
reaches. The other end is what chunks reach for sentences of their own. `scale_keeper` has it done where
the corpus has grown; searches read the result with the model (`magicfs.domain.scales`, docs/adr/0017). It is the same
for the same texts, and the nearer to the model's own scale the fewer they are. Runs the model; writes nothing.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from magicfs.db.vectors.score_scale import SampledChunks
from magicfs.domain.models import ModelSpec
from magicfs.domain.scales import ANY_LANGUAGE, CorpusScale, Scale
from magicfs.models.english_samples import SAMPLES
from magicfs.models.multilingual_samples import SUBJECTS

MIN_OF_LANGUAGE = 12
"""Texts in a language with fewer vectors have it too, where there are no texts of our own in its place."""
OWN_TEXTS = 10
"""The number of texts of our own that count beside those of the corpus in the mean of a language: the mean of two or
three texts is what they say, and not what the language has in common."""
SAMPLE = 4000
"""The most chunks that are compared with the questions; what more of them would reach is estimated."""
SENTENCES = 32
"""The most chunks of a language whose own sentences are embedded."""
SENTENCES_OF_ALL = 96
"""The most in all languages together, so that a measurement takes seconds. Each language has `LEAST_SENTENCES`."""
LEAST_SENTENCES = 2
SENTENCE_WORDS = 12
SENTENCE_CHARACTERS = 60
MIN_SENTENCE_CHARACTERS = 15
PRIOR_VECTORS = 100
"""The model's own scale weighs as much as a measurement with this number of vectors."""
CHANCE_SHARE = 0.7
"""The floor is at this share of what chance reaches: a right answer that is not shown costs more than a weak result."""
OWN_QUANTILE = 0.85
"""This quantile of what chunks reach for their own sentences is the ceiling."""
CHANCE_REACH = 2.8
"""The ceiling is at least this many times as high as what chance reaches for the median question: for one in twenty, it
reaches 1.6 times as much, which is then a similarity of 0.43 and a score below 0.2."""
_SENTENCE_END = re.compile(r"(?<=[.!?。！？؟।])\s*|\n\s*\n")


@dataclass(frozen=True, slots=True)
class _Reference:
    """The ends of a scale where nothing is measured, in widths of the model's own scale."""

    floor: float
    ceiling: float
    least_width: float = 0.5


_ONE_SCALE = _Reference(0.25, 1.8)
_AROUND_A_CENTRE = _Reference(0.55, 2.0)
"""The reference where `MANY` texts are in a language."""
_AROUND_A_CENTRE_OF_FEW = _Reference(0.1, 1.2)
"""Where `FEW` are: the nearest of a few texts is less near by chance."""
FEW, MANY = 3, 300


def _around_a_centre(texts: float) -> _Reference:
    """The reference for a number of texts in a language: what chance reaches grows with its logarithm."""
    few, many = _AROUND_A_CENTRE_OF_FEW, _AROUND_A_CENTRE
    share = min(1.0, math.log(max(texts, FEW) / FEW) / math.log(MANY / FEW))
    return _Reference(few.floor + share * (many.floor - few.floor), few.ceiling + share * (many.ceiling - few.ceiling))


class QuestionEmbedder(Protocol):
    """The part of an `Embedder` that measures."""

    @property
    def spec(self) -> ModelSpec:
        """The identity of the vectors."""

    def reads(self, text: str) -> bool:
        """Whether the model reads the language of a text."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question: shape (dimension,), of length 1."""


def embed_questions(embedder: QuestionEmbedder) -> NDArray[np.float32]:
    """The vectors of questions that most corpora do not answer, shape (n, dimension), as far as the model reads them.

    Those of a model of many languages are in six of them.
    """
    if embedder.spec.floor_across is None:
        questions = [asked for sample in SAMPLES for asked in sample.questions]
    else:
        questions = [asked for subject in SUBJECTS for text in subject for asked in text.questions[::2]]
    read = [asked for asked in questions if embedder.reads(asked)]
    return np.array([embedder.embed_query(asked) for asked in read], np.float32).reshape(-1, embedder.spec.dimension)


class SentenceEmbedder(QuestionEmbedder, Protocol):
    """The same, with passages."""

    def embed_passage(self, text: str) -> NDArray[np.float32]:
        """The vector of a text that searches look through."""


def embed_own_texts(embedder: SentenceEmbedder) -> dict[str, NDArray[np.float32]]:
    """The vectors of texts of our own by language, each of shape (n, dimension), for a model of many languages."""
    if embedder.spec.floor_across is None:
        return {}
    texts = [text for subject in SUBJECTS for text in subject if embedder.reads(text.passage)]
    return {
        language: np.array([embedder.embed_passage(text.passage) for text in texts if text.language == language])
        for language in sorted({text.language for text in texts})
    }


def measure(
    spec: ModelSpec,
    embedder: QuestionEmbedder,
    sample: SampledChunks,
    questions: NDArray[np.float32],
    *,
    vectors: int,
    own_texts: Mapping[str, NDArray[np.float32]] | None = None,
) -> CorpusScale:
    """The scale of a model in a corpus of `vectors` vectors, by a sample of them.

    `questions` are what `embed_questions` returns, `own_texts` what `embed_own_texts` does.
    """
    if not len(questions):
        return CorpusScale(vectors)
    measurement = _Measurement(spec, embedder, sample, questions, growth=max(1.0, vectors / len(sample.texts)))
    if spec.floor_across is None:
        return CorpusScale(vectors, whole=measurement.scale(np.arange(len(sample.texts))))
    languages = np.array(sample.languages)
    chosen = {language: np.flatnonzero(languages == language) for language in sorted(set(sample.languages))}
    least = 1 if own_texts else MIN_OF_LANGUAGE
    chosen = {language: numbers for language, numbers in chosen.items() if len(numbers) >= least}
    sentences = max(LEAST_SENTENCES, min(SENTENCES, SENTENCES_OF_ALL // max(1, len(chosen))))
    own = _OwnTexts(own_texts or {})
    scales = {
        language: measurement.scale(numbers, sentences=sentences, own=own.of(language))
        for language, numbers in chosen.items()
    }
    if own.texts:
        reference, gap = _around_a_centre(0), spec.ceiling - spec.floor
        centre = _coded(own.of(ANY_LANGUAGE).mean(axis=0))
        scales[ANY_LANGUAGE] = Scale(round(reference.floor * gap, 4), round(reference.ceiling * gap, 4), centre)
    return CorpusScale(vectors, languages=scales)


@dataclass(frozen=True, slots=True)
class _OwnTexts:
    """Texts of our own, which stand for those that a corpus does not have."""

    texts: Mapping[str, NDArray[np.float32]]
    """By language."""

    def of(self, language: str) -> NDArray[np.float32]:
        """The texts in a language; all texts, for a language that has none. Shape (n, dimension)."""
        if not self.texts:
            return np.empty((0, 0), np.float32)
        every: NDArray[np.float32] = np.concatenate(list(self.texts.values()))
        return self.texts.get(language, every)


@dataclass(frozen=True, slots=True)
class _Measurement:
    """What the scales of one model in one corpus are measured by."""

    spec: ModelSpec
    embedder: QuestionEmbedder
    sample: SampledChunks
    questions: NDArray[np.float32]
    growth: float
    """How many times more texts the corpus has than the sample."""

    def scale(
        self, chosen: NDArray[np.int64], *, sentences: int = SENTENCES, own: NDArray[np.float32] | None = None
    ) -> Scale:
        """The scale of the chosen chunks. Of the first `sentences` of them, a sentence is embedded as a question.

        A model of many languages has a centre for each. It is nearer to the mean of texts of our `own` the fewer there
        are.
        """
        has_centre = self.spec.floor_across is not None
        texts = self.sample.vectors[chosen]
        mean = _rounded(_mean(texts, own)) if has_centre else np.zeros(self.spec.dimension, np.float32)
        usual = self.questions @ mean
        cosines = self.questions @ texts.T - usual[:, None]
        middle = float(cosines.mean())
        reached = [
            float(self.embedder.embed_query(sentence) @ (self.sample.vectors[number] - mean))
            for number in chosen[:sentences]
            if (sentence := own_sentence(self.sample.texts[number])) and self.embedder.reads(sentence)
        ]
        chance = _chance(cosines, self.growth) - middle
        floor, ceiling = middle + CHANCE_SHARE * chance, middle + CHANCE_REACH * chance
        if reached:
            ceiling = max(ceiling, float(np.quantile(reached, OWN_QUANTILE)))
        known = len(chosen) * self.growth
        reference, gap = (_around_a_centre(known) if has_centre else _ONE_SCALE), self.spec.ceiling - self.spec.floor
        base = 0.0 if has_centre else self.spec.floor
        share = known / (known + PRIOR_VECTORS)
        floor = share * floor + (1 - share) * (base + reference.floor * gap)
        ceiling = share * ceiling + (1 - share) * min(1.0, base + reference.ceiling * gap)
        ceiling = min(1.0, max(ceiling, floor + reference.least_width * gap))
        return Scale(round(floor, 4), round(ceiling, 4), _coded(mean) if has_centre else "")


def _mean(texts: NDArray[np.float32], own: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """The mean vector of texts, in which those of our own count as `OWN_TEXTS`."""
    if own is None or not len(own):
        mean: NDArray[np.float32] = texts.mean(axis=0)
        return mean
    weighted: NDArray[np.float32] = (texts.sum(axis=0) + OWN_TEXTS * own.mean(axis=0)) / (len(texts) + OWN_TEXTS)
    return weighted


def _chance(cosines: NDArray[np.float32], growth: float) -> float:
    """What the nearest of all texts reaches by chance, from cosines of shape (questions, texts).

    `growth` is how many times more texts there are. The nearest of ten times more is nearer by as much as the nearest
    of all these is than the nearest of a tenth of them.
    """
    nearest = float(np.median(cosines.max(axis=1)))
    if growth <= 1.0:
        return nearest
    tenth = float(np.median(cosines[:, : max(1, cosines.shape[1] // 10)].max(axis=1)))
    return nearest + (nearest - tenth) * math.log10(growth)


def own_sentence(text: str) -> str:
    """The beginning of a sentence in the middle of a text, as a question about it; empty if there is none."""
    sentences = [part.strip() for part in _SENTENCE_END.split(text) if part]
    long = [part for part in sentences if len(part) >= MIN_SENTENCE_CHARACTERS]
    if not long:
        return ""
    sentence = " ".join(long[len(long) // 2].split()[:SENTENCE_WORDS])
    return sentence[:SENTENCE_CHARACTERS]


def _coded(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")


def _rounded(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector as searches have it."""
    return vector.astype("<f2").astype(np.float32)
