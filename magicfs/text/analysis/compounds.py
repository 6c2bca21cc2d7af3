"""The compounds of a token that has signs in it: the lexemes that keep the signs, of the whole and of what is in it.

Used by `lexemes` for texts, and by `question` and `phrases`. Pure functions; any thread.
"""

from __future__ import annotations

import re
from itertools import groupby, pairwise
from typing import Final

from magicfs.text.analysis.codes import OCTET
from magicfs.text.analysis.folding import fold, fold_all
from magicfs.text.analysis.tokens import Token

MAX_COMPOUND_CHARACTERS: Final = 160
"""A longer compound is found by its parts, and by each two neighbouring ones."""

_SIGNS_OF_DAYS: Final = frozenset("-./_")
_DAY: Final = re.compile(
    r"[12][0-9]{3}([-./_])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])([-./_])(?:0?[1-9]|[12][0-9]|3[01])\2[12][0-9]{3}"
)
_BEHIND_LETTERS: Final = re.compile(r"[^\W\d_]*([0-9]+)")
_BEFORE_LETTERS: Final = re.compile(r"([0-9]+)(?:[^\W\d_]\w*)?")
"""The first part of a day and its last, perhaps with what is written together with them."""
_OCTETS: Final = re.compile(rf"(?:{OCTET}(?:\.|\Z)){{4}}")
_PARTS_OF_HOST: Final = 4
_TIGHTER: Final = {"_": frozenset[str](), "-": frozenset("_"), ".": frozenset("_-")}
"""The signs that join names inside of longer tokens, each with those that bind tighter: `db-prod-01` of
`db-prod-01.example.org` is a name, and `01.example.org` is none."""
_PARTS_OF_NAME: Final = 3
"""Names of two parts are `neighbours`, and a token of so many parts is a name itself."""


def compounds(token: Token) -> list[tuple[int, str]]:
    """The folded lexemes of a token that have signs in them, each with the number of its first part, from 0."""
    if not token.has_signs:
        return []
    pairs = token.neighbours()
    if len(pairs) == 1 and len(pairs[0]) <= MAX_COMPOUND_CHARACTERS and not token.has_signed_words:
        return [(0, fold(pairs[0]))]
    found = [*enumerate(pairs), *token.signed_words(), *token.addresses()]
    whole = token.whole
    if len(token.signs) > 1:
        found = list(dict.fromkeys((*found, *((place, day) for place, day in _days(token) if day != whole))))
    if len(token.signs) >= _PARTS_OF_NAME:
        found = list(dict.fromkeys((*found, *_hosts(token), *_names_inside(token))))
    if len(token.signs) > 1:
        found.append((0, whole))
    if token.lead:
        found.append((0, token.lead + whole))
    if token.trail:
        found.append((0, whole + token.trail))
    if token.lead and token.trail:
        found.append((0, token.lead + whole + token.trail))
    found = [(place, compound) for place, compound in found if len(compound) <= MAX_COMPOUND_CHARACTERS]
    folded = fold_all([compound for _, compound in found])
    return [(place, compound) for (place, _), compound in zip(found, folded, strict=True)]


def _days(token: Token) -> list[tuple[int, str]]:
    """The days in digits inside of a longer token, each with the number of its first part.

    `2024-03-20-minutes.md` has `2024-03-20`. Letters may stand before it and behind it: `Scan2024-03-20_x`,
    `2024-03-20v2`. Letters before it give its first two numbers too, which are neighbours in other texts.
    """
    found = []
    for place, (sign, following) in enumerate(pairwise(token.signs)):
        if sign == following and sign in _SIGNS_OF_DAYS and token.parts[place + 1].isdecimal():
            first, month, last = token.parts[place : place + _PARTS_OF_NAME]
            begins, ends = _BEHIND_LETTERS.fullmatch(first), _BEFORE_LETTERS.fullmatch(last)
            if begins and ends and _DAY.fullmatch(day := sign.join((begins[1], month, ends[1]))):
                found.append((place, day.replace("_", "-")))
                if first != begins[1]:
                    found.append((place, f"{begins[1]}{sign}{month}"))
    return found


def _hosts(token: Token) -> list[tuple[int, str]]:
    """The addresses of hosts before a port or an extension, each with the number of its first part.

    `192.0.2.17.51234` has `192.0.2.17`.
    """
    if token.signs.count(".") < _PARTS_OF_HOST:
        return []
    found = []
    for place, part in enumerate(token.parts[: 1 - _PARTS_OF_HOST]):
        # Its numbers do not begin within a longer number with points.
        begins = place == 0 or token.signs[place - 1] != "." or not token.parts[place - 1].isdecimal()
        if begins and part.isdecimal() and [*token.signs[place : place + _PARTS_OF_HOST - 1]] == [".", ".", "."]:
            host = ".".join(token.parts[place : place + _PARTS_OF_HOST])
            if _OCTETS.fullmatch(host):
                found.append((place, host))
    return found


def _names_inside(token: Token) -> list[tuple[int, str]]:
    """The names of several parts inside of a longer token, each with the number of its first part.

    `self.max_retry_count` has `max_retry_count`.
    """
    found = []
    place = 0
    for sign, run in groupby(token.signs):
        first, place = place, place + len(list(run))
        parts = token.parts[first : place + 1]
        if sign not in _TIGHTER or not _PARTS_OF_NAME <= len(parts) < len(token.parts):
            continue
        beside = {*token.signs[max(0, first - 1) : first], *token.signs[place : place + 1]}
        if beside.isdisjoint(_TIGHTER[sign]) or all(map(str.isdecimal, parts)):
            found.append((first, sign.join(parts)))
    return found
