"""The meaning of candidates: how near each is to a question, by every model that reads the question.

Used by `magicfs.search.ranking`; `magicfs.db.search.candidates` has the cosines. Pure. A chunk is as near as the mean
of its calibrated cosines says, so that one with a vector of one model is compared with one that has two.

A model finds a text nearer to a question in its own language, whatever the two say. So a text in another language has a
scale of its own: its floor puts it beside texts in the question's language. What it loses there, so that an answer in
the question's language comes first, depends on the others: `magicfs.search.fusion.FusionScale`. The score has other
scales, which are measured in the corpus: `magicfs.domain.scales`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.chunks import Cosines, Documents
from magicfs.domain.models import IndexedModel, ModelState
from magicfs.domain.scales import Scale
from magicfs.search.fusion import WEIGHT_OF_SECOND
from magicfs.text.language import is_code
from magicfs.text.question_language import QuestionLanguages


@dataclass(frozen=True, slots=True)
class QuestionVector:
    """The vector of a question, shape (dimension,), of length 1, and the model that it is of."""

    model: IndexedModel
    vector: NDArray[np.float32]
    tokens: NDArray[np.float32] | None = field(default=None, compare=False)
    """Those of its tokens, as in `magicfs.domain.token_vectors`; None or empty without any."""
    known_words: frozenset[str] = field(default=frozenset(), compare=False)
    """The words of the question that the model has in one piece, as they were typed."""
    _usual: dict[str, float] = field(default_factory=dict, compare=False)
    """Its usual cosine to texts, by their language."""

    def scale_of(self, language: str, *, across: bool) -> tuple[Scale, float]:
        """The scale that scores are made from, for texts in a language ("": unknown), and the usual cosine to them.

        On it, 0 is what chance reaches, and 1 what the texts of the corpus reach for their own sentences. `across` says
        that the question is in another language, which matters where the corpus is not measured.
        """
        measured = self.model.scale
        if measured is not None and measured.whole is not None:
            return measured.whole, 0.0
        scale = None if measured is None else measured.of_language(language)
        if scale is None:
            return self.model.spec.reference_scale(across=across), 0.0
        if language not in self._usual:
            centre = np.frombuffer(base64.b64decode(scale.centre), dtype="<f2").astype(np.float32)
            self._usual[language] = float(self.vector @ centre)
        return scale, self._usual[language]

    @property
    def is_second(self) -> bool:
        """Whether the model is the multilingual one beside the active one."""
        return self.model.state is ModelState.MULTILINGUAL


class Meaning(NamedTuple):
    """How near a chunk is to a question."""

    model_similarity: float
    """What the order comes from: on the calibrated scale of each model, 0 for unrelated text, not clipped to [0, 1];
    the weighted mean over the models."""
    corpus_similarity: float
    """What the score comes from: the same on the scale that is measured in the corpus."""
    by_model: tuple[float | None, ...]
    """The similarity under the model of each vector of the question; None under one that has no vector of the chunk."""
    is_across: bool = False
    """Whether the text is in another language than the question."""


MeaningOf = Callable[[Cosines, Documents], Meaning | None]
"""Returns the meaning of a chunk; None for one without a vector."""


def meaning_for(questions: Sequence[QuestionVector], languages: QuestionLanguages) -> MeaningOf:
    """What returns the meaning of a candidate for a question in `languages`."""
    # Many chunks stand in documents of the same kind.
    measure_of = cache(lambda documents: _measure(documents, questions, languages))
    return lambda cosines, documents: measure_of(documents)(cosines)


def needs_documents(questions: Sequence[QuestionVector]) -> bool:
    """Whether the languages of a chunk's documents count."""
    return any(question.model.spec.floor_across is not None for question in questions)


def _measure(
    documents: Documents, questions: Sequence[QuestionVector], languages: QuestionLanguages
) -> Callable[[Cosines], Meaning | None]:
    """What returns the meaning of a text that stands in these documents: the weighted mean over the models."""
    across = in_other_languages(documents, languages)
    language = min((language for language, _ in documents if language is not None), default="")
    measures = [
        (
            WEIGHT_OF_SECOND if question.is_second else 1.0,
            question.model.spec,
            *question.scale_of(language, across=across),
        )
        for question in questions
    ]

    def meaning(cosines: Cosines) -> Meaning | None:
        total = model_similarity = corpus_similarity = 0.0
        by_model: list[float | None] = []
        for cosine, (weight, spec, scale, usual) in zip(cosines, measures, strict=True):
            if cosine is None:
                by_model.append(None)
                continue
            in_corpus = scale.similarity(cosine, usual=usual)
            by_model.append(in_corpus)
            total += weight
            model_similarity += weight * spec.similarity(cosine, across=across)
            corpus_similarity += weight * in_corpus
        if not total:
            return None
        return Meaning(model_similarity / total, corpus_similarity / total, tuple(by_model), across)

    return meaning


def in_other_languages(documents: Documents, languages: QuestionLanguages) -> bool:
    """Whether a text stands in documents in other languages alone. Code and data are in none in particular."""
    return bool(documents) and not any(
        language is None or is_code(mime_type) or languages.may_be({language}) for language, mime_type in documents
    )
