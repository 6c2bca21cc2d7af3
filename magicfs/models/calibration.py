"""Measures the usual cosines of a model, so that scores mean the same for every model.

Models differ: unrelated texts have a cosine near 0.05 under one and near 0.6 under another. On the calibrated scale
(`ModelSpec.similarity`) unrelated text is about 0, and a short question in the words of a passage 0.9 or more. A model
of many languages has a second scale, for questions and texts in different languages, whose cosines are all smaller
(docs/adr/0014). Used by `prepare`, once for each model. Runs the model; reads and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magicfs.embedding.embedder import Embedder
from magicfs.models.english_samples import SAMPLES
from magicfs.models.multilingual_samples import SUBJECTS
from magicfs.models.question_forms import FORMS

_FLOOR_QUANTILE = 0.75
"""The floor is this quantile of the cosines of unrelated pairs."""
_FLOOR_QUANTILE_OF_MANY = 0.5
"""The same over many languages: in some, all cosines are greater than in others."""
_FLOOR_QUANTILE_ACROSS = 0.25
"""The same across languages: pairs of languages differ more, and a right answer that is not shown costs most."""
_CENTRE_SHARE = 0.4
"""With more, questions across languages find more, and those within a language less (docs/adr/0018)."""
_CENTRE_SHARE_OF_WORDS = 0.5
"""The same for single words, to which very short texts are near. With it, unrelated texts are as near to words as to
sentences."""
_MIN_CENTRE = 0.5
"""The length of the mean of question vectors from which they have much in common; 0.9 under multilingual-e5-small."""
_MATCH_QUANTILE = 0.10
"""This quantile of the cosines of matching pairs gets the similarity `_MATCH_SIMILARITY`."""
_MATCH_SIMILARITY = 0.9
_CENTRE_DIGITS = 4
_ROUNDING_DIGITS = 3
"""Rounding hides the differences between the arithmetic of two machines."""
_MIN_GAP = 0.02
"""The smallest usable difference between the cosines of matching and unrelated pairs."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The cosines of similarity 0 and similarity 1: in one language, and across languages where that differs."""

    floor: float
    ceiling: float
    floor_across: float | None = None
    ceiling_across: float | None = None


def question_centres(embedder: Embedder) -> list[list[float]]:
    """What the vectors of questions have in common because of their form, two for each language: sentences and words.

    Some models put all texts into a narrow cone. What is common to all questions in a language says nothing, but texts
    differ in it, so that some are near to every question: short texts to single words, others to questions in another
    language. A part of it is to be taken from each question, that of the form to which it is nearest. Empty for other
    models, and for those that do not read the samples.
    """
    if not all(embedder.reads(asked) for forms in FORMS for asked in (*forms.sentences, *forms.words)):
        return []
    centres = []
    for forms in FORMS:
        for asked, share in ((forms.sentences, _CENTRE_SHARE), (forms.words, _CENTRE_SHARE_OF_WORDS)):
            mean = np.mean([embedder.embed_query(each) for each in asked], axis=0)
            if np.linalg.norm(mean) < _MIN_CENTRE:
                return []
            centres.append([round(float(value), _CENTRE_DIGITS) for value in share * mean])
    return centres


def calibrate(embedder: Embedder) -> Scale | None:
    """The scale of a model on the built-in samples; None if the model cannot tell them apart."""
    return _scale_of_many_languages(embedder) or _english_scale(embedder)


def _scale_of_many_languages(embedder: Embedder) -> Scale | None:
    """The scale on texts in six languages; None if the model does not read one, or tells no texts apart across them."""
    texts = [(number, text) for number, subject in enumerate(SUBJECTS) for text in subject]
    questions = [(number, text.language, asked) for number, text in texts for asked in text.questions]
    if not all(embedder.reads(asked) for _, _, asked in questions):
        return None
    passages = embedder.embed_passages([text.passage for _, text in texts])
    cosines = np.stack([embedder.embed_query(asked) for _, _, asked in questions]) @ passages.T
    matching = np.array([[number == asked for number, _ in texts] for asked, _, _ in questions])
    within = np.array([[text.language == language for _, text in texts] for _, language, _ in questions])
    one = _ends(cosines[within & matching], cosines[within & ~matching], _FLOOR_QUANTILE_OF_MANY)
    two = _ends(cosines[~within & matching], cosines[~within & ~matching], _FLOOR_QUANTILE_ACROSS)
    return None if one is None or two is None else Scale(*one, *two)


def _english_scale(embedder: Embedder) -> Scale | None:
    passages = embedder.embed_passages([sample.passage for sample in SAMPLES])
    matching, unrelated = [], []
    for number, sample in enumerate(SAMPLES):
        for question in sample.questions:
            cosines = passages @ embedder.embed_query(question)
            matching.append(cosines[number])
            unrelated.append(np.delete(cosines, number))
    ends = _ends(np.array(matching), np.concatenate(unrelated), _FLOOR_QUANTILE)
    return None if ends is None else Scale(*ends)


def _ends(matching: NDArray[np.float32], unrelated: NDArray[np.float32], quantile: float) -> tuple[float, float] | None:
    """The floor and the ceiling for the cosines of pairs; None if they are too near to each other."""
    floor = float(np.quantile(unrelated, quantile))
    matched = float(np.quantile(matching, _MATCH_QUANTILE))
    if matched - floor < _MIN_GAP:
        return None
    return round(floor, _ROUNDING_DIGITS), round(floor + (matched - floor) / _MATCH_SIMILARITY, _ROUNDING_DIGITS)
