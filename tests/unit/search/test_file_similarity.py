"""How near two files are: copies at 1, files drawn at random at 0, excerpts and translations in between."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, Precision
from magicfs.domain.scales import ANY_LANGUAGE, CorpusScale, Scale
from magicfs.search.file_similarity import USUAL_CHANCE, Centres, Text, joined, matches, spread

DIMENSION = 64
SPEC = ModelSpec("test", Precision.FP32, dimension=DIMENSION, max_tokens=256)
MANY_LANGUAGES = ModelSpec("test", Precision.FP32, dimension=DIMENSION, max_tokens=256, floor_across=0.1)
RANDOM = np.random.default_rng(5)


def units(count: int, around: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Vectors of length 1 at random, around another one if it is given."""
    found = RANDOM.normal(size=(count, DIMENSION)) + (0.0 if around is None else around)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def similarity(
    own: NDArray[np.float32],
    *others: NDArray[np.float32],
    sample: list[Text] | None = None,
) -> list[float]:
    sample = [Text(units(5), "") for _ in range(100)] if sample is None else sample
    centres = Centres(IndexedModel(ModelId(1), SPEC, ModelState.ACTIVE), sample)
    found = matches(Text(own, ""), [Text(other, "") for other in others], sample=sample, centres=centres)
    return [match.similarity for match in found]


def test_the_same_text_is_at_1_in_whatever_order() -> None:
    own = units(9)
    assert similarity(own, own, own[::-1]) == pytest.approx([1.0, 1.0])


def test_what_is_drawn_at_random_is_at_0() -> None:
    found = similarity(units(9), *[units(9) for _ in range(100)])
    assert abs(float(np.quantile(found, 0.9))) < 0.05
    assert max(found) < 0.2


def test_an_excerpt_is_nearer_than_a_text_with_as_many_other_parts() -> None:
    own, other = units(12), units(12)
    excerpt, mixture = own[:4], np.concatenate([own[:4], other[:8]])
    near, far = similarity(own, excerpt, mixture)
    assert near > 0.7
    assert near > far + 0.2


def test_the_whole_of_an_excerpt_is_as_near_as_the_excerpt_to_it() -> None:
    whole = units(12)
    sample = [Text(units(5), "") for _ in range(100)]
    [there], [back] = similarity(whole, whole[:4], sample=sample), similarity(whole[:4], whole, sample=sample)
    assert there == pytest.approx(back, abs=0.05)


def test_what_all_texts_of_a_corpus_have_in_common_says_nothing() -> None:
    common = 3.0 * units(1)[0]
    sample = [Text(units(5, common), "") for _ in range(100)]
    own = units(6, common)
    same, random = similarity(own, own, units(6, common), sample=sample)
    assert same == pytest.approx(1.0)
    assert random < 0.2


def test_the_nearest_chunk_is_named() -> None:
    own, other = units(4), units(6)
    other[3] = own[2]
    centres = Centres(IndexedModel(ModelId(1), SPEC, ModelState.ACTIVE), [])
    [match] = matches(Text(own, ""), [Text(other, "")], sample=[], centres=centres)
    assert match.chunk == 3


def test_without_other_files_the_usual_chance_counts() -> None:
    own = np.eye(2, DIMENSION, dtype=np.float32)
    [found] = similarity(own[:1], own[1:], sample=[])
    assert found == pytest.approx(-USUAL_CHANCE / (1 - USUAL_CHANCE))


def test_in_a_small_corpus_its_few_files_decide_little() -> None:
    near = units(1, 3.0 * units(1)[0])
    few = [Text(near, "") for _ in range(3)]
    [found] = similarity(near, near, sample=few)
    assert found == pytest.approx(1.0)


def test_a_text_that_says_nothing_but_its_language_is_no_error() -> None:
    text = units(1)
    model = IndexedModel(ModelId(1), MANY_LANGUAGES, ModelState.MULTILINGUAL, scale({"de": text[0]}))
    centres = Centres(model, [])
    [found] = matches(Text(text, "de"), [Text(units(1), "de")], sample=[], centres=centres)
    assert np.isfinite(found.similarity)


def scale(centres: dict[str, NDArray[np.float32]]) -> CorpusScale:
    coded = {code: base64.b64encode(centre.astype("<f2").tobytes()).decode() for code, centre in centres.items()}
    return CorpusScale(1, languages={code: Scale(0.0, 1.0, centre) for code, centre in coded.items()})


def test_a_translation_is_nearer_than_another_text_in_the_same_language() -> None:
    german, chinese = units(2)
    said = units(5)
    model = IndexedModel(
        ModelId(1), MANY_LANGUAGES, ModelState.MULTILINGUAL, scale({"de": german, "zh": chinese, ANY_LANGUAGE: german})
    )

    def in_language(vectors: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float32]:
        found = centre + 0.5 * vectors
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    own, other = in_language(said, german), in_language(units(5), german)
    translation = in_language(said, chinese)
    assert (own @ other.T).max() > (own @ translation.T).max(), "as vectors are"
    texts = [Text(translation, "zh"), Text(other, "de")]
    there, same = matches(Text(own, "de"), texts, sample=[], centres=Centres(model, []))
    assert there.similarity > 0.7
    assert same.similarity < 0.4


def test_a_probe_looks_in_the_other_languages_of_the_index() -> None:
    german, chinese = units(2)
    model = IndexedModel(
        ModelId(1), MANY_LANGUAGES, ModelState.MULTILINGUAL, scale({"de": german, "zh": chinese, "": german})
    )
    said = german + 0.5 * units(1)[0]
    [moved] = Centres(model, []).elsewhere(said, "de")
    expected = said - german + chinese
    assert moved == pytest.approx(expected / np.linalg.norm(expected), abs=1e-2)
    assert len(Centres(model, []).elsewhere(said, "fr")) == 0


def test_models_are_joined_by_their_weights() -> None:
    assert joined([(1.0, 0.5)]) == 0.5
    assert joined([(1.0, 0.5), (3.0, 0.9)]) == pytest.approx(0.8)


@pytest.mark.parametrize("count", [1, 5, 12, 100])
def test_probes_are_spread_over_a_file(count: int) -> None:
    vectors = np.arange(count, dtype=np.float32)[:, None]
    found = spread(vectors, 12)[:, 0]
    assert len(found) == min(12, count)
    assert {0.0, float(count - 1)} <= set(found.tolist())
