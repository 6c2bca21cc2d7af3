"""How the explanation of a search calls the filters that leave a file out."""

from __future__ import annotations

from dataclasses import fields

import pytest

from magicfs.domain.query import Filters
from magicfs.search.explanation import FILTER_NAMES
from magicfs.search.syntax import parse

VALUES = {
    "after": "2026-01-31",
    "before": "2026-01-31",
    "larger": "1m",
    "smaller": "1m",
    "languages": "en",
    "periods": "2026-01",
    "sizes": "1k..1m",
}


@pytest.mark.parametrize("name", [field.name for field in fields(Filters)])
def test_every_filter_is_called_as_it_is_typed(name: str) -> None:
    typed = FILTER_NAMES[name] + VALUES.get(name, "word")
    filters = parse(typed).filters
    assert [field.name for field in fields(Filters) if getattr(filters, field.name)] == [name]
