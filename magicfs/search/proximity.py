"""The proximity of the words of a question in a text: how close together they stand, and whether in their order.

Used by `hits` for the texts that are shown. Pure: it gets the places of the words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Place = tuple[int, int, str]
"""A word of the question in a text: its start, its end, and the word."""

FARTHEST = 16.0
"""Words that take this many times the room of words side by side are not close: three words over 350 characters."""
OUT_OF_ORDER = 0.8
"""The factor of the proximity where the words have another order than in the question."""


def proximity(places: Sequence[Place], words: Sequence[str]) -> float:
    """From 0, for words scattered over a text or missing, to 1, for all words side by side in their order.

    `places` are in the order of the text, `words` the different ones in the order of the question. Of all the shortest
    pieces of the text that have every word, the best one counts.
    """
    counts = dict.fromkeys(words, 0)
    missing = len(counts)
    best, first = 0.0, 0
    for last, (_, _, word) in enumerate(places):
        if word in counts:
            missing -= not counts[word]
            counts[word] += 1
        while first < last and counts.get(places[first][2], 2) > 1:
            if places[first][2] in counts:
                counts[places[first][2]] -= 1
            first += 1
        if not missing:
            best = max(best, _of_piece(places[first : last + 1], words))
    return best


def _of_piece(piece: Sequence[Place], words: Sequence[str]) -> float:
    """The proximity of a piece of the text that has all words."""
    lengths = {word: end - start for start, end, word in piece}
    room = sum(lengths[word] for word in words) + len(words) - 1
    ratio = max(1.0, (piece[-1][1] - piece[0][0]) / room)
    order = list(dict.fromkeys(word for _, _, word in piece if word in lengths))
    in_order = order == list(words)
    return max(0.0, 1.0 - math.log(ratio) / math.log(FARTHEST)) * (1.0 if in_order else OUT_OF_ORDER)
