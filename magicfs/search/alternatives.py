"""The words and phrases of a typed text of which any one does: `invoice OR receipt`, `"tape drive" OR "disk drive"`.

Used by `syntax`; alternatives of filters are there, and `question_forms` makes one term of words. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from magicfs.search.typed_filters import FIELDS_OF_OTHER_TOOLS

_OR = "OR"
_WORD = re.compile(r"\(?([^\W_](?:[\w'’-]*\w)?)\)?")
"""A word, perhaps at the beginning or at the end of brackets."""
_OF_CODE = re.compile("[!:~]?[=<>]{1,3}|SELECT|WHERE|NULL|LIKE|BETWEEN")
"""What a pasted condition of a program has beside its `OR`: `status = 1 OR role = 2`."""
_ZIP_CODE = re.compile("[0-9]{5}(?:-[0-9]{4})?")
"""What stands behind the `OR` of Oregon: `Portland OR 97201`."""


class Alternatives(NamedTuple):
    """Words and phrases in their order, with `OR` between them."""

    places: range
    """Where they stand among the pieces of the text, with each `OR`."""
    words: tuple[str, ...]
    phrases: tuple[str, ...]


def alternatives(pieces: Sequence[re.Match[str]]) -> list[Alternatives]:
    """The alternatives of a typed text, from matches with the groups of `syntax`; none in code."""
    places = [place for place, piece in enumerate(pieces) if piece[0] == _OR]
    if not places or " ".join(piece[0] for piece in pieces if piece[0] != _OR).isupper():
        return []
    if any(_OF_CODE.fullmatch(piece[0]) for piece in pieces):
        return []
    entries = list(map(_entry, pieces))
    found: list[Alternatives] = []
    for place in places:
        if found and place < found[-1].places.stop:
            continue
        end = place + 1
        while end + 2 < len(pieces) and entries[end] and entries[end + 2] and pieces[end + 1][0] == _OR:
            end += 2
        group = entries[place - 1 : end + 1 : 2] if place else []
        if len(group) > 1 and all(group) and not _is_of_oregon(group):
            words = tuple(entry.word for entry in group if entry and entry.word)
            phrases = tuple(entry.phrase for entry in group if entry and entry.phrase)
            found.append(Alternatives(range(place - 1, end + 1), words, phrases))
    return found


class _Entry(NamedTuple):
    """A word or a phrase."""

    word: str = ""
    phrase: str = ""


def _entry(piece: re.Match[str]) -> _Entry | None:
    """A piece of a typed text as an alternative, without the field of other tools; None for one that cannot be one."""
    if piece[0] == _OR or piece["minus"] or piece["not"] or piece["near"]:
        return None
    field, colon, value = (piece["bare"] or "").partition(":")
    if piece["quoted"] and piece["name"].lower() not in FIELDS_OF_OTHER_TOOLS:
        return None
    if phrase := " ".join((piece["phrase"] or piece["quoted"] or "").split()):
        return _Entry(phrase=phrase)
    word = _WORD.fullmatch(value if colon and field.lower() in FIELDS_OF_OTHER_TOOLS else field + colon + value)
    return _Entry(word[1]) if word else None


def _is_of_oregon(group: Sequence[_Entry | None]) -> bool:
    """Whether the `OR` is that of an address."""
    match group:
        case [_Entry(town), _Entry(code)]:
            return town.isalpha() and town.istitle() and _ZIP_CODE.fullmatch(code) is not None
    return False
