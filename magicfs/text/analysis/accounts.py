"""The account, and the code of its bank, inside of an international number of a bank account (IBAN) in one piece.

Used by `lexemes` for texts and by `codes` for what is typed: older papers have the account without the IBAN, and
many people know no other number. Pure; any thread.
"""

from __future__ import annotations

import re
from typing import Final

_COUNTRIES: Final = {
    "ad": (24, 12, 24), "ae": (23, 7, 23), "at": (20, 9, 20), "be": (16, 4, 16), "bg": (22, 14, 22),
    "ch": (21, 9, 21), "cy": (28, 12, 28), "cz": (24, 14, 24), "de": (22, 12, 22), "dk": (18, 8, 18),
    "ee": (20, 6, 20), "es": (24, 14, 24), "fi": (18, 4, 18), "fr": (27, 14, 25), "gb": (22, 14, 22),
    "gr": (27, 11, 27), "hr": (21, 11, 21), "hu": (28, 4, 28), "ie": (22, 14, 22), "il": (23, 10, 23),
    "it": (27, 15, 27), "li": (21, 9, 21), "lt": (20, 9, 20), "lu": (20, 7, 20), "lv": (21, 8, 21),
    "mc": (27, 14, 25), "nl": (18, 8, 18), "no": (15, 4, 15), "pl": (28, 12, 28), "pt": (25, 12, 25),
    "ro": (24, 8, 24), "sa": (24, 6, 24), "se": (24, 7, 24), "si": (19, 4, 19), "sk": (24, 14, 24),
    "sm": (27, 15, 27), "tr": (26, 10, 26), "ua": (29, 10, 29),
}  # fmt: skip
"""By country, the characters of an IBAN, and where the account begins and ends in it."""
_BANKS: Final = {"at": (4, 9), "ch": (4, 9), "de": (4, 12), "li": (4, 9), "pl": (4, 12)}
"""Where the code of the bank is, in countries where people know it as a number."""
_NUMBER: Final = re.compile("[a-z]{2}[0-9]{2}[a-z0-9]{11,25}")
_SHORTEST_BANK: Final = 5
"""A shorter number, without the zeros before it, names no account and no bank."""

SHORTEST_ACCOUNT: Final = 15
"""The characters of the shortest IBAN."""


def accounts_in(word: str) -> list[str]:
    """The account, with and without the zeros before it, and the bank in a folded IBAN; none in another word."""
    country = _COUNTRIES.get(word[:2])
    if country is None or len(word) != country[0] or not _NUMBER.fullmatch(word):
        return []
    account = word[country[1] : country[2]]
    found = [account, account.lstrip("0")]
    if bank := _BANKS.get(word[:2]):
        found.append(word[slice(*bank)])
    return [number for number in dict.fromkeys(found) if len(number) >= _SHORTEST_BANK]
