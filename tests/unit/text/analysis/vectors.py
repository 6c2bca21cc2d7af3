"""Reading the vectors of words that texts get."""

from __future__ import annotations

import re

_LEXEME = re.compile(r"'((?:[^']|'')*)':([\dA,]+)")


def positions(vector: str) -> dict[str, set[int]]:
    """The positions of each lexeme of a `tsvector`."""
    return {
        lexeme.replace("''", "'").replace("\\\\", "\\"): {int(place.rstrip("A")) for place in places.split(",")}
        for lexeme, places in _LEXEME.findall(vector)
    }
