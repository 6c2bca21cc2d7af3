"""What `magicfs model use` says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magicfs.cli.commands.model import command_to_use
from magicfs.domain.models import ModelSpec, Precision


@pytest.mark.parametrize("precision", list(Precision))
def test_the_way_back_names_the_precision(precision: Precision) -> None:
    spec = ModelSpec("my models/one", precision, dimension=3, max_tokens=256)
    assert command_to_use(replace(spec, digest="0123456789abcdef")).endswith(" --digest 0123456789ab")
    assert command_to_use(spec) == f"magicfs model use 'my models/one' --precision {precision.value}"
