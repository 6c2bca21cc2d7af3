"""The words and phrases of a typed text of which any one does: `invoice OR receipt`, `"tape drive" OR "disk drive"`.

Used by `syntax`; alternatives of filters are there, and `question_forms` makes one term of words. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_OR = "OR"
_WORD = re.compile(r"\(?([^\W_](?:[\w'’-]*\w)?)\)?")
"""A word, perhaps at the beginning or at the end of brackets."""


class Alternatives(NamedTuple):
    """Words and phrases in their order, with `OR` between them."""

    places: range
    """Where they stand among the pieces of the text, with each `OR`."""
    words: tuple[str, ...]
    phrases: tuple[str, ...]


def alternatives(pieces: Sequence[re.Match[str]]) -> list[Alternatives]:
    """The alternatives of a typed text, from matches with the groups of `syntax`; none in a text in capitals alone."""
    places = [place for place, piece in enumerate(pieces) if piece[0] == _OR]
    if not places or " ".join(piece[0] for piece in pieces if piece[0] != _OR).isupper():
        return []
    found: list[Alternatives] = []
    for place in places:
        if found and place < found[-1].places.stop:
            continue
        start, end = place - 1, place + 1
        while _is_alternative(pieces, end) and end + 1 < len(pieces) and pieces[end + 1][0] == _OR:
            end += 2
        if not _is_alternative(pieces, end):
            end -= 2
        if end > place and _is_alternative(pieces, start):
            entries = pieces[start : end + 1 : 2]
            words = tuple(word[1] for piece in entries if (word := _WORD.fullmatch(piece["bare"] or "")))
            phrases = tuple(" ".join(piece["phrase"].split()) for piece in entries if piece["phrase"])
            found.append(Alternatives(range(start, end + 1), words, phrases))
    return found


def _is_alternative(pieces: Sequence[re.Match[str]], place: int) -> bool:
    if not 0 <= place < len(pieces) or pieces[place][0] == _OR or pieces[place]["minus"] or pieces[place]["not"]:
        return False
    piece = pieces[place]
    return bool(piece["phrase"] and not piece["near"]) or _WORD.fullmatch(piece["bare"] or "") is not None
