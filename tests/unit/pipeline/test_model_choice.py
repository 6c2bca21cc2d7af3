"""Which model a worker runs next."""

from __future__ import annotations

import pytest

from magicfs.domain.ids import ModelId
from magicfs.domain.models import ClaimableModel, ModelState
from magicfs.pipeline.model_choice import STAY_SECONDS, choose_model

ACTIVE, MULTILINGUAL = ModelId(1), ModelId(2)
SOON, LATER = 0.0, STAY_SECONDS


def model(number: ModelId, priority: int, *, is_claimed: bool = False) -> ClaimableModel:
    state = ModelState.ACTIVE if number == ACTIVE else ModelState.MULTILINGUAL
    return ClaimableModel(number, str(number), state, priority=priority, is_claimed=is_claimed)


def choose(*models: ClaimableModel, loaded: ModelId | None, loaded_for_s: float = SOON) -> ModelId | None:
    choice = choose_model(models, loaded=loaded, loaded_for_s=loaded_for_s)
    return None if choice is None else choice.id


@pytest.mark.parametrize("loaded", [None, ACTIVE, MULTILINGUAL])
@pytest.mark.parametrize("loaded_for_s", [SOON, LATER])
def test_the_most_urgent_chunks_go_first(loaded: ModelId | None, loaded_for_s: float) -> None:
    for urgent, other in ((1, 0), (1, -1), (0, -1)):
        first = choose(model(ACTIVE, urgent), model(MULTILINGUAL, other), loaded=loaded, loaded_for_s=loaded_for_s)
        assert first == ACTIVE
    second = choose(model(ACTIVE, 0), model(MULTILINGUAL, 1), loaded=loaded, loaded_for_s=loaded_for_s)
    assert second == MULTILINGUAL


def test_nothing_is_chosen_without_work() -> None:
    assert choose(loaded=ACTIVE) is None


def test_of_equally_urgent_chunks_those_of_the_loaded_model_go_first() -> None:
    both = model(ACTIVE, 0), model(MULTILINGUAL, 0)
    assert choose(*both, loaded=None) == ACTIVE
    assert choose(*both, loaded=ACTIVE) == ACTIVE
    assert choose(*both, loaded=MULTILINGUAL) == MULTILINGUAL


def test_after_a_while_they_give_way_to_a_model_on_which_nobody_works() -> None:
    assert choose(model(ACTIVE, 0), model(MULTILINGUAL, 0), loaded=ACTIVE, loaded_for_s=LATER) == MULTILINGUAL
    claimed = model(MULTILINGUAL, 0, is_claimed=True)
    assert choose(model(ACTIVE, 0), claimed, loaded=ACTIVE, loaded_for_s=LATER) == ACTIVE


def test_each_of_three_models_has_its_turn() -> None:
    models = [model(ModelId(number), 0) for number in (1, 2, 3)]
    turns, loaded = [], ModelId(1)
    for _ in range(4):
        chosen = choose(*models, loaded=loaded, loaded_for_s=LATER)
        assert chosen is not None
        turns.append(loaded := chosen)
    assert turns == [2, 3, 1, 2]


def test_a_model_without_work_gives_way_at_once_but_to_second_vectors() -> None:
    assert choose(model(MULTILINGUAL, 0), loaded=ACTIVE) == MULTILINGUAL
    assert choose(model(MULTILINGUAL, -1), loaded=ACTIVE) is None
    assert choose(model(MULTILINGUAL, -1), loaded=ACTIVE, loaded_for_s=LATER) == MULTILINGUAL
    assert choose(model(MULTILINGUAL, -1), loaded=None) == MULTILINGUAL
    assert choose(model(MULTILINGUAL, -1), loaded=MULTILINGUAL) == MULTILINGUAL
