"""The words of a chunk as tests read them."""

from __future__ import annotations

import re


def positions(words: str | None) -> dict[str, list[int]]:
    """Where each word of a `tsvector` stands."""
    found = re.findall(r"'([^']+)':([0-9,]+)", words or "")
    return {lexeme: [int(place) for place in places.split(",")] for lexeme, places in found}
