"""Compounds whose last part stands once for several: `Vor- und Nachname`, `pre- and post-war`.

Where the last part begins nobody knows without a dictionary, so a text has a word for each place where it may: where
a word of a Germanic language can begin, and one can end. Used by `words` for texts alone. Pure functions; any thread.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

_AND: Final = r"(?:,|,?\s(?:und|oder|sowie|bzw\.|u\.|and|or|en|of|och|eller|og|&))\s"
_SUSPENDED: Final = re.compile(
    rf"-(?<=[^\W\d_]{{2}}-)(?={_AND})(?:{_AND}[^\W\d_]{{2,20}}-(?={_AND})){{0,4}}{_AND}"
    r"(?:([^\W\d_]{2,20})-([^\W\d_]{2,24})|([^\W\d_]{5,24}))(?![\w-])"
)
"""What follows the first part of such a compound. It begins with a sign, for which `re` searches quickly."""
_FIRST: Final = re.compile(r"(?<![\w-])[^\W\d_]{2,20}\Z")
_NEXT: Final = re.compile(r"([^\W\d_]{2,20})-(?=[,\s])")
_VOWELS: Final = "aeiouyäöüåæøéèáàëï"
_BEGINNING: Final = re.compile(
    rf"(?:[b-df-hj-np-tv-xzß]|[bcfgkp][lr]|[bdfghklmnt]j|[dtvw]r|gn|kn|kv|hv|kw|pf[lr]?|p[hns]|qu|rh|s[hjlmnvw]"
    rf"|s[cpkt][lrj]?|sch[lmnrw]?|t[hsw]|thr|chr?|cz|[dz]w)?(?=[{_VOWELS}])"
)
"""The consonants with which a word begins, before its first vowel."""
_ENDING: Final = re.compile("(?:[^\\W_]?ung(?:en|s)?|[hk]?eit(?:en|s)?|n?ing|[^\\W_]?e(?:n|rn?|m|s))\\Z")
"""The ending of a word, which is none itself."""
_ONE_SOUND: Final = ("ch", "ck", "ph", "sc")
_LONGEST_FIRST: Final = 21
_MIN_PART: Final = 3
"""The letters of a last part; of the part before it, there are two at least."""
_MAX_COMPOUNDS: Final = 64
"""A text with more is a list."""


def suspended_compounds(text: str) -> list[str]:
    """The whole words that a readable text may mean by parts with a hyphen behind them, each once."""
    if "- " not in text and "-," not in text:
        return []
    found: dict[str, None] = {}
    for match in islice(_SUSPENDED.finditer(text), _MAX_COMPOUNDS):
        first = _FIRST.search(text, max(0, match.start() - _LONGEST_FIRST), match.start())
        if first is None:
            continue
        _, behind, last = match.groups()
        parts = [first[0], *_NEXT.findall(match[0])]
        ends = [f"-{behind}"] if behind else _last_parts(last)
        found |= dict.fromkeys(part + end for part in parts for end in ends)
    return list(found)


def _last_parts(compound: str) -> list[str]:
    """What the last part of a compound may be: a word, behind one. Neither two vowels are divided nor one sound."""
    lower = compound.lower()
    return [
        compound[place:]
        for place in range(2, len(compound) - _MIN_PART + 1)
        if _BEGINNING.match(lower, place)
        and not _ENDING.match(lower, place)
        and lower[place - 1 : place + 1] not in _ONE_SOUND
        and any(letter in _VOWELS for letter in lower[:place])
        and not (lower[place - 1] in _VOWELS and lower[place] in _VOWELS)
    ]
