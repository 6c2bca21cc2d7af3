"""Which model an embed worker runs next. It has one model in memory; another one has to be loaded in its place.

Used by `model_memory`. Pure functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from magicfs.domain.files import SECOND_VECTOR_PRIORITY
from magicfs.domain.ids import ModelId
from magicfs.domain.models import ClaimableModel

STAY_SECONDS = 10.0
"""How long a loaded model stays although another one has work that is not more urgent. Loading takes about a second."""


def choose_model(
    models: Sequence[ClaimableModel], *, loaded: ModelId | None, loaded_for_s: float
) -> ClaimableModel | None:
    """The model whose chunks are claimed next; None to wait.

    `models` have claimable chunks, and come in the order in which they are preferred. The most urgent chunks go first,
    and second vectors last. Of equally urgent ones, those of the `loaded` model go first. After STAY_SECONDS they give
    way to those of a model on which no other worker works, and so does a model without work to second vectors.
    """
    if not models:
        return None
    priority = max(model.priority for model in models)
    urgent = [model for model in models if model.priority == priority]
    may_change = loaded is None or loaded_for_s >= STAY_SECONDS
    present = next((model for model in urgent if model.id == loaded), None)
    if present is None:
        return urgent[0] if may_change or priority > SECOND_VECTOR_PRIORITY else None
    # They begin after the place of the loaded one, so that each of three has its turn.
    place = urgent.index(present)
    others = (model for model in [*urgent[place + 1 :], *urgent[:place]] if not model.is_claimed)
    return next(others, present) if may_change else present
