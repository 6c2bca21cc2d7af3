"""Codes of letters and digits in one piece that people write with blanks: `SW1A 1AA`, `LH 1234`.

Used by `readable` for texts and by `typed_forms` for what is typed; `variants` has plain numbers, and `measures` those
with units. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from magicfs.text.analysis.accounts import accounts_in
from magicfs.text.analysis.tokens import SPACE
from magicfs.text.analysis.variants import SHORT_WORDS, OtherForms

_OTHER_CAPITALS: Final = "\u00c0-\u00d6\u00d8-\u00de\u0391-\u03a9\u0401-\u042f"
"""The capitals of Latin letters with accents, of Greek and of Cyrillic."""


def _code_pattern(capitals: str) -> re.Pattern[str]:
    """The pattern of codes. It begins with a set of characters, for which `re` searches quickly."""
    first = f"(?<=[{capitals}])(?<!\\w.)(?<![/.:-].)[{capitals}]{{0,2}}"
    mixed = f"[0-9]{{1,2}}[{capitals}]?"
    european = f"[ -][{capitals}]{{1,2}} [0-9]{{1,4}}(?: ?[EH])?"
    return re.compile(
        f"[{capitals}0-9](?:{first}(?:"
        f"{mixed} (?:[{capitals}]{{1,3}} [0-9]{{3,4}}|[0-9][{capitals}](?:[{capitals}]|[0-9])|[{capitals}]{{2,3}})"
        f"|[ -][0-9]{{1,4}} [{capitals}]{{1,3}}(?: [0-9]{{2,4}})?|{european})"
        f"|(?<=[0-9])(?<![\\w.,:/-].)[0-9]{{3}} [{capitals}]{{2,3}})(?!\\w|[/-]\\w)"
    )


_CODE: Final = _code_pattern("A-Z")
_CODE_OF_ALL: Final = _code_pattern("A-Z" + _OTHER_CAPITALS)
"""Groups of capitals and digits with blanks between them: postal codes, plates of cars."""
_CAPITAL_BEHIND: Final = re.compile(f"[0-9] [A-Z{_OTHER_CAPITALS}]")
_CAPITAL_BEFORE: Final = re.compile(f"[A-Z]{SPACE}[0-9]")
_CAPITAL_BEFORE_ALL: Final = re.compile(f"[A-Z{_OTHER_CAPITALS}]{SPACE}[0-9]")
"""What the patterns of this module need, and many texts have not."""
_WITH_BRACKETS: Final = re.compile(r"[0-9](?<![\w.,:/-].)[0-9]{0,3}\([a-z]\)(?:\([0-9]\))?(?!\w)")
_MIN_CODE_CHARACTERS: Final = 5
_TYPED_PIECE: Final = r"(?:[^\W\d_]{1,3}|(?=[^\W\d_]*[0-9])[^\W_]{1,8})"
_TYPED_PIECES: Final = re.compile(rf"(?<![\w.,:/+-]){_TYPED_PIECE}(?:[ -]{_TYPED_PIECE})+(?![\w/]|[.,:-]\w)")
"""Pieces of which each has a digit, or is as short as those of plates, serial numbers and postal codes."""
_MAX_TYPED_PIECES: Final = 8
"""Each two of so many are the ends of what may be a code."""
_MAX_CODE_CHARACTERS: Final = 34

_DESIGNATION: Final = re.compile(rf"([A-Z](?<!\w[A-Z])[A-Z]?){SPACE}([0-9]{{1,6}})(?![\w/]|[.,:-]\w)")
"""One or two capitals and a number, as of a flight, a road or a work: `LH 1234`, `A 7`, `KV 525`."""
_TYPED_DESIGNATION: Final = re.compile(r"(?<![\w.,:/-])([^\W\d_]{1,2}) (0*)([0-9]{1,6})(?![\w/]|[.,:-]\w)")
"""The same as people type it."""


_SHORT_CODE: Final = re.compile(r"(?<![\w.,:/-])([a-z]{1,2})(\.?)([0-9]{2,3})(?![\w/]|[.,:-]\w)", re.IGNORECASE)
"""A letter or two and a number, as of the errors of machines: `F28` and `F.28`."""
HEXADECIMAL_CODE: Final = re.compile("0x([0-9a-f]{4,16})")
"""A code as programs write it, such as that of an error, which is found without its `0x` too."""
OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
"""A number of the address of a host, as a pattern."""
_HOST: Final = re.compile(rf"(?<![\w.,:/@#$%+=~-]){OCTET}(?:\.{OCTET}){{3}}(?![\w/:@=%+~-]|[.,]\w)")
_MAX_HOSTS: Final = 4
_ACCOUNT_FORMS: Final = 2
"""The account with zeros before it and without. Other accounts have the same bank."""
_MAX_WORDS: Final = 64
"""A longer text is pasted."""


def codes_with_blanks(text: str) -> list[str]:
    """The codes of a readable text, and its numbers with one or two capitals and a blank before them, in one piece.

    So are numbers with letters in brackets.
    """
    found = numbers_with_brackets(text)
    if (_CAPITAL_BEFORE if text.isascii() else _CAPITAL_BEFORE_ALL).search(text):
        designations = _DESIGNATION.findall(text)
        found += [letters + number for letters, number in designations if letters.lower() not in SHORT_WORDS]
        found += codes_in_pieces(text)
    elif _CAPITAL_BEHIND.search(text):
        found += codes_in_pieces(text)
    return found


def numbers_with_brackets(text: str) -> list[str]:
    """The numbers of laws and plans that have letters in brackets, without these: `401k`, `501c3`."""
    return [re.sub("[()]", "", number) for number in _WITH_BRACKETS.findall(text)] if "(" in text else []


def codes_in_pieces(text: str) -> list[str]:
    """The codes of a text in one piece."""
    codes = (_CODE if text.isascii() else _CODE_OF_ALL).finditer(text)
    return [re.sub("[ -]", "", match[0]) for match in codes if _is_code(match[0])]


def typed_codes_in_pieces(text: str) -> list[str]:
    """What neighbouring pieces of a typed text are in one piece, if they may be those of a code, the longest first."""
    found = []
    for match in _TYPED_PIECES.finditer(text):
        pieces = re.split("[ -]", match[0])[:_MAX_TYPED_PIECES]
        starts = range(len(pieces) - 1)
        found += ["".join(pieces[start:end]) for start in starts for end in range(start + 2, len(pieces) + 1)]
    codes = [code for code in found if _MIN_CODE_CHARACTERS <= len(code) <= _MAX_CODE_CHARACTERS and not code.isalpha()]
    return sorted(dict.fromkeys(codes), key=len, reverse=True)


def _is_code(code: str) -> bool:
    return len(code.replace(" ", "")) >= _MIN_CODE_CHARACTERS and SHORT_WORDS.isdisjoint(code.lower().split(" "))


def hosts_in_digits(text: str) -> dict[str, list[str]]:
    """The addresses of hosts in a typed text, each with its numbers: `192.0.2.17`."""
    return {match[0]: match[0].split(".") for match in islice(_HOST.finditer(text), _MAX_HOSTS)}


def code_forms(text: str) -> Iterator[OtherForms]:
    """Yield `F.28` for `F28` and the other way round, `80070643` for `0x80070643`, and the account in an IBAN.

    A text that has `0x80070643` has it without `0x` too, and one with an IBAN has the account (`lexemes`).
    """
    for word in re.findall(r"\w+", text.lower())[:_MAX_WORDS]:
        if code := HEXADECIMAL_CODE.fullmatch(word):
            yield frozenset({word}), [code[1]]
        elif accounts := accounts_in(word):
            yield frozenset({word}), accounts[:_ACCOUNT_FORMS]
    for letters, point, number in _SHORT_CODE.findall(text):
        if letters.lower() not in SHORT_WORDS:
            words = {letters, number, f"{letters}.{number}"} if point else {letters + number}
            yield frozenset(map(str.lower, words)), [letters + number if point else f"{letters}.{number}"]


def designation_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of letters and a number that are typed apart.

    A text may have them in one piece, and without zeros: `KW7` and `KW 7` for `kw 07`.
    """
    for letters, zeros, number in _TYPED_DESIGNATION.findall(text):
        if letters.lower() not in SHORT_WORDS:
            yield frozenset({letters, zeros + number}), [letters + digits for digits in {zeros + number, number}]
            if zeros:
                yield frozenset({zeros + number}), [number]
