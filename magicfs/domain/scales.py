"""What the cosines of a model say in a corpus: where chance ends, and what a text reaches for its own sentences.

`magicfs.pipeline.score_scale` measures it, the row of the model keeps it, searches read it with the model. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ANY_LANGUAGE: Final = "*"
REACH = 1.8
"""Where a corpus is not measured, similarity is 1 at this many times the width of the model's own scale, which ends
where short questions in the words of a text begin."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The ends of a scale: cosines, or with a centre what they are beyond the usual one of the question."""

    floor: float
    """Similarity 0: what chance reaches for about any question."""
    ceiling: float
    """Similarity 1: what the texts of a corpus reach for their own sentences."""
    centre: str = ""
    """The mean vector of the texts, little-endian float16 in base64: its product with a question is what is usual."""

    def similarity(self, cosine: float, *, usual: float = 0.0) -> float:
        """A cosine on the scale, not clipped to [0, 1]. `usual` is the usual cosine of the question to such texts."""
        return (cosine - usual - self.floor) / (self.ceiling - self.floor)


@dataclass(frozen=True, slots=True)
class CorpusScale:
    """The scale of a model in a corpus."""

    vectors: int
    """The number of vectors that the corpus had when it was measured."""
    whole: Scale | None = None
    """The scale of all texts, for a model that has one."""
    languages: Mapping[str, Scale] = field(default_factory=dict)
    """For a model of many languages, by the language of the text, ISO 639-1; empty for texts of no known language, and
    `ANY_LANGUAGE` for those in one that the corpus did not have when it was measured."""

    def of_language(self, language: str) -> Scale | None:
        """The scale of texts in a language; None if there is none."""
        return self.languages.get(language) or self.languages.get(ANY_LANGUAGE)

    def as_json(self) -> dict[str, Any]:
        """The form in which the database keeps it."""
        return {
            "vectors": self.vectors,
            "whole": None if self.whole is None else _fields(self.whole),
            "languages": {language: _fields(scale) for language, scale in self.languages.items()},
        }


def corpus_scale(stored: Mapping[str, Any] | None) -> CorpusScale | None:
    """The scale that `as_json` has written."""
    if stored is None:
        return None
    whole = stored["whole"]
    languages = {language: Scale(*values) for language, values in stored["languages"].items()}
    return CorpusScale(stored["vectors"], None if whole is None else Scale(*whole), languages)


def _fields(scale: Scale) -> list[Any]:
    return [scale.floor, scale.ceiling, scale.centre]
