"""What `magicfs model` says of the models of an index."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from magicfs.cli.commands.model import command_to_use, model_json, role_of
from magicfs.domain.models import ModelSpec, ModelState, Precision, StoredModel


@pytest.mark.parametrize("precision", list(Precision))
def test_the_way_back_names_the_precision(precision: Precision) -> None:
    spec = ModelSpec("my models/one", precision, dimension=3, max_tokens=256)
    assert command_to_use(replace(spec, digest="0123456789abcdef")).endswith(" --digest 0123456789ab")
    assert command_to_use(spec) == f"magicfs model use 'my models/one' --precision {precision.value}"


def test_the_role_of_each_model_is_said() -> None:
    spec = ModelSpec("one", Precision.INT8, dimension=3, max_tokens=256, digest="1" * 64)
    in_use = {
        ModelState.ACTIVE: spec,
        ModelState.BUILDING: replace(spec, name="next", digest=""),
        ModelState.MULTILINGUAL: replace(spec, name="all", digest="2" * 64),
    }

    def role(**changes: Any) -> object:
        model = StoredModel(replace(spec, **changes), Path(), "")
        return model_json(model, role_of(model, in_use))["role"]

    assert role(name="of another name") == "active"
    assert role(digest="2" * 64) == "multilingual"
    assert role(name="next", digest="3" * 64) == "building"
    assert role(digest="3" * 64) is None
