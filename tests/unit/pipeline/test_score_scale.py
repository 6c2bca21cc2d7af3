"""What the cosines of a model say in a corpus, measured on vectors of which the truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.db.vectors.score_scale import SampledChunks
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, Precision
from magicfs.domain.scales import ANY_LANGUAGE, CorpusScale, corpus_scale
from magicfs.pipeline.score_scale import measure, own_sentence
from magicfs.search.meaning import QuestionVector

DIMENSION = 384
ENGLISH = ModelSpec("test/english", Precision.FP32, DIMENSION, max_tokens=256, floor=0.05, ceiling=0.45)
EVERY = replace(ENGLISH, name="test/every", floor=0.7, ceiling=0.8, floor_across=0.65, ceiling_across=0.72)
QUESTIONS = 40


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / lengths).astype(np.float32)


class Sentences:
    """Embeds a sentence of a text near to its vector."""

    def __init__(self, spec: ModelSpec, texts: dict[str, NDArray[np.float32]]) -> None:
        self.spec = spec
        self._texts = texts
        self.asked = 0

    def reads(self, text: str) -> bool:
        return True

    def embed_query(self, text: str) -> NDArray[np.float32]:
        self.asked += 1
        rng = np.random.default_rng(len(text))
        return unit(self._texts[text] + 0.05 * rng.standard_normal(DIMENSION))


class Corpus:
    """Random texts, and questions that have nothing to do with them. Each language has a direction of its own."""

    def __init__(
        self, spec: ModelSpec, count: int, *, languages: dict[str, float] | None = None, seed: int = 1
    ) -> None:
        self.spec = spec
        self.rng = np.random.default_rng(1)
        self.directions = {language: unit(self.rng.standard_normal(DIMENSION)) for language in languages or {"en": 0.0}}
        shares = languages or {"en": 0.0}
        named = [list(shares)[number % len(shares)] for number in range(count)]
        texts = [f"Sentence number {number} of a text in {language}." for number, language in enumerate(named)]
        vectors = np.stack([self.text(shares[language], language) for language in named])
        self.sample = SampledChunks(tuple(texts), tuple(named), vectors)
        self.embedder = Sentences(
            spec, {own_sentence(text): vector for text, vector in zip(texts, vectors, strict=True)}
        )
        self.questions = np.stack(
            [self.text(shares[language], language) for language in (list(shares) * QUESTIONS)[:QUESTIONS]]
        )

    def text(self, share: float, language: str) -> NDArray[np.float32]:
        towards, away = self.directions[language], unit(self.rng.standard_normal(DIMENSION))
        return unit(np.float32(share) * towards + np.float32(1 - share) * away)

    def measured(self, *, vectors: int | None = None) -> CorpusScale:
        count = vectors or len(self.sample.texts)
        return measure(self.spec, self.embedder, self.sample, self.questions, vectors=count)


def test_chance_reaches_more_in_a_larger_corpus() -> None:
    small, large = (Corpus(ENGLISH, number).measured().whole for number in (300, 3000))
    assert small is not None
    assert large is not None
    assert small.floor + 0.01 < large.floor


def test_what_a_sample_does_not_show_is_estimated() -> None:
    sampled, whole = Corpus(ENGLISH, 1000).measured(vectors=8000).whole, Corpus(ENGLISH, 8000).measured().whole
    assert sampled is not None
    assert whole is not None
    assert sampled.floor == pytest.approx(whole.floor, abs=0.02)


def test_few_texts_change_little() -> None:
    few, many = Corpus(ENGLISH, 30).measured().whole, Corpus(ENGLISH, 3000).measured().whole
    own = ENGLISH.reference_scale()
    assert few is not None
    assert many is not None
    assert abs(few.ceiling - own.ceiling) < abs(many.ceiling - own.ceiling)


def test_own_sentences_are_the_upper_end() -> None:
    corpus = Corpus(ENGLISH, 2000)
    scale = corpus.measured().whole
    assert scale is not None
    own = [
        float(corpus.embedder.embed_query(own_sentence(text)) @ vector)
        for text, vector in zip(corpus.sample.texts[:30], corpus.sample.vectors[:30], strict=True)
    ]
    assert 0.85 < scale.similarity(float(np.median(own))) < 1.1
    chance = np.median((corpus.questions @ corpus.sample.vectors.T).max(axis=1))
    assert 0.0 < scale.similarity(float(chance)) < 0.3


def similarity(question: QuestionVector, cosine: float, *, language: str) -> float:
    scale, usual = question.scale_of(language, across=False)
    return scale.similarity(cosine, usual=usual)


def test_the_same_texts_have_the_same_scale() -> None:
    assert Corpus(EVERY, 200, languages={"de": 0.6, "zh": 0.7}).measured() == (
        Corpus(EVERY, 200, languages={"de": 0.6, "zh": 0.7}).measured()
    )


def test_unrelated_texts_are_equally_far_whatever_language_they_are_in() -> None:
    """A model puts all Chinese texts near to each other, so that cosines say more about language than about sense."""
    corpus = Corpus(EVERY, 600, languages={"de": 0.5, "zh": 0.8})
    scale = corpus.measured()
    model = IndexedModel(ModelId(1), EVERY, ModelState.ACTIVE, scale=scale)
    for asked_share, asked in ((0.5, "de"), (0.8, "zh")):
        question = QuestionVector(model, corpus.text(asked_share, asked))
        for language in ("de", "zh"):
            chosen = [number for number, other in enumerate(corpus.sample.languages) if other == language]
            cosines = corpus.sample.vectors[chosen] @ question.vector
            nearest = similarity(question, float(cosines.max()), language=language)
            assert -0.3 < nearest < 0.5, (asked, language)


def test_an_answer_is_shown_whatever_language_the_question_is_in() -> None:
    corpus = Corpus(EVERY, 600, languages={"de": 0.5, "zh": 0.8})
    model = IndexedModel(ModelId(1), EVERY, ModelState.ACTIVE, scale=corpus.measured())
    answer = corpus.sample.vectors[0]
    foreign = unit(answer - 0.5 * corpus.directions["de"] + 0.8 * corpus.directions["zh"])
    found = similarity(QuestionVector(model, foreign), float(foreign @ answer), language="de")
    assert found > 0.6


def test_a_language_with_few_texts_has_the_scale_of_the_model() -> None:
    scale = Corpus(EVERY, 100, languages={"de": 0.5}).measured()
    assert set(scale.languages) == {"de"}
    question = QuestionVector(
        IndexedModel(ModelId(1), EVERY, ModelState.ACTIVE, scale=scale), np.ones(DIMENSION, np.float32)
    )
    assert similarity(question, 0.75, language="tr") == EVERY.reference_scale().similarity(0.75)


def with_own_texts(corpus: Corpus, *languages: str) -> CorpusScale:
    """The scale of a corpus where texts of our own, which no corpus has, are in some languages."""
    shares = {"de": 0.6, "zh": 0.7}
    own = {code: np.stack([corpus.text(shares[code], code) for _ in range(5)]) for code in languages}
    count = len(corpus.sample.texts)
    return measure(corpus.spec, corpus.embedder, corpus.sample, corpus.questions, vectors=count, own_texts=own)


def test_a_few_texts_are_measured_beside_texts_of_our_own() -> None:
    """Unrelated texts are no nearer in a folder of four files than elsewhere, and an answer is not its own mean."""
    corpus = Corpus(EVERY, 4, languages={"de": 0.6, "zh": 0.7})
    model = IndexedModel(ModelId(1), EVERY, ModelState.ACTIVE, scale=with_own_texts(corpus, "de", "zh"))
    for number, language in enumerate(corpus.sample.languages):
        share = {"de": 0.6, "zh": 0.7}[language]
        unrelated, answer = QuestionVector(model, corpus.text(share, language)), corpus.sample.vectors[number]
        assert similarity(unrelated, float(unrelated.vector @ answer), language=language) < 0.5
        assert similarity(QuestionVector(model, answer), 1.0, language=language) > 1.0


def test_a_language_that_comes_later_has_a_scale_too() -> None:
    scale = with_own_texts(Corpus(EVERY, 4, languages={"de": 0.6, "zh": 0.7}), "de", "zh")
    assert set(scale.languages) == {"de", "zh", ANY_LANGUAGE}
    assert scale.of_language("tr") == scale.languages[ANY_LANGUAGE]
    assert scale.of_language("de") == scale.languages["de"]
    assert corpus_scale(scale.as_json()) == scale


def test_many_languages_take_no_longer_than_a_few() -> None:
    asked = []
    for number in (3, 30):
        corpus = Corpus(EVERY, 40 * number, languages={f"{code:02}": 0.5 for code in range(number)})
        before = corpus.embedder.asked
        assert len(corpus.measured().languages) == number
        asked.append(corpus.embedder.asked - before)
    assert asked[1] <= asked[0] + 30, "one sentence of each language at least"


def test_a_scale_is_stored_and_read() -> None:
    for spec, languages in ((ENGLISH, {"en": 0.1}), (EVERY, {"de": 0.5, "": 0.2})):
        scale = Corpus(spec, 80, languages=languages).measured()
        assert corpus_scale(scale.as_json()) == scale
    assert corpus_scale(None) is None


def test_a_sentence_of_a_text_is_a_question_about_it() -> None:
    assert own_sentence("Short. The harvest was late because of the rain in June. The end.") == (
        "The harvest was late because of the rain in June."
    )
    assert own_sentence("x") == ""
    assert 10 < len(own_sentence("这是一个关于城市交通和公共汽车线路的长句子。" * 3)) <= 60
