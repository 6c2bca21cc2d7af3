"""The columns of a model in the index."""

from __future__ import annotations

import re
from dataclasses import fields

from magicfs.db.queries import load_queries
from magicfs.domain.models import ModelSpec


def test_a_row_of_a_model_has_the_fields_of_a_spec_in_their_order() -> None:
    columns = re.findall(r"\w+", load_queries("models")["models"].removeprefix("SELECT").partition("FROM")[0])
    assert columns == ["id", "state", "scale", *(field.name for field in fields(ModelSpec))]
