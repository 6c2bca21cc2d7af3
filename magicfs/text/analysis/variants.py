"""Variants of a word that people write beside it: compounds and numbers in one piece, umlauts as two letters.

Each is a word of its own, with other lexemes; `spellings` has what folding makes one word, and `spaced_numbers` the
numbers that are several words. Used by `lexemes` for texts and by `question` for what is typed. Pure functions; any
thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Final

from magicfs.text.analysis.tokens import Token, is_unspaced

SHORT_WORDS: Final = frozenset(
    [
        *("am", "an", "as", "at", "be", "by", "do", "he", "if", "in", "is", "it"),
        *("me", "my", "no", "of", "on", "or", "so", "to", "up", "us", "we"),
    ]
)
"""Words that are in every text in English, and so say nothing about initials (`U.S.`), nor about a number."""

OtherForms = tuple[frozenset[str], list[str]]
"""Words of a typed text, and the other forms of which a text may have one instead of each."""

_MAX_JOINED_CHARACTERS: Final = 20
_MAX_HYPHENATED_CHARACTERS: Final = 40
"""The letters of words with hyphens may be so many, as in `Haftpflicht-Versicherung`."""
_MAX_JOINED_PARTS: Final = 3
_MAX_NUMBER_PARTS: Final = 6
_MAX_SHORT_CHARACTERS: Final = 3
_PAIR: Final = 2

_TWO_LETTERS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "đ": "dj"})
_UMLAUTS: Final = {"ae": "ä", "oe": "ö", "ue": "ü"}
_AS_TWO_LETTERS: Final = re.compile("(?<![aeiouqyäöü])(?:[ao]e|ue)(?=[bcdfghjklmnpqrstvwxyzß])")
"""What may stand for an umlaut: not in `neue` and `queue`, nor at the end of a word, as in `value`."""
_OF_LANGUAGES: Final = {
    **dict.fromkeys(("da", "no", "nb", "nn", "sv"), ("aa", "å")),
    **dict.fromkeys(("bs", "hr", "sh", "sr"), ("dj", "đ")),
}
"""Two letters for one in the languages that have it, and that one. Elsewhere, as in `Saal`, they are two."""
_MIN_VARIANT_CHARACTERS: Final = 3

_MAX_WORDS_APART: Final = 7
"""Of a question with more words, none are joined: it is a sentence, whose words are written as usual."""
_WORDS_APART: Final = re.compile(
    r"""(?<![^\s("'])([^\W\d_]{3,})\s+(?=([^\W\d_]{3,})[,;:!?.)"']*(?!\S))""",
)
"""Two words of letters alone with nothing but blanks between them."""

_SEPARATORS: Final = frozenset(",.'_")
_THOUSAND: Final = 3
"""The digits between two separators of a large number."""
_AMERICAN_PHONE: Final = (3, 3, 4)
_SWISS_INSURANCE: Final = (3, 4, 4, 2)
_DIGITS_OF_PHONE: Final = frozenset({9, 10, 11})
"""Those of a number with the zero before it."""
_HEXADECIMAL_NUMBERS: Final = frozenset({(":", (2,) * 6), ("-", (2,) * 6), (".", (4,) * 3), ("-", (8, 4, 4, 4, 12))})
"""The address of a network card in three forms, and a UUID: the sign between the parts, and the characters of each."""
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")
_STANDARD: Final = re.compile(r"[A-Za-z]\.[0-9]{3}")
"""The name of a standard, such as `H.264`."""
_BOOK_NUMBER: Final = re.compile("[0-9]{9}[Xx]")
"""An ISBN of ten digits, of which the last may be an X."""
_END_OF_DEGREE: Final = re.compile("[A-Z][a-z]{1,2}")
"""The second part of a degree, such as `M.Sc.`"""
_MIN_TAX_DIGITS: Final = 8
_MAX_OFFICE_DIGITS: Final = 15
_MAX_DATE_DIGITS: Final = 8
_OFFICE_SIGNS: Final = frozenset("-./")


def joined_words(token: Token) -> list[tuple[int, int, str]]:
    """The words in one piece, not folded, that people write for a compound as well, each with its first and last part.

    Such as `email` for `e-mail` and for the name `e-mail.txt`, `nodejs` for `node.js`, `gpt4`, `usa`, `tcpip`, and
    numbers with hyphens or with separators of thousands. There is none for most compounds: names in code, versions.
    """
    signs = token.signs
    is_number = all(map(str.isdecimal, token.parts))
    if not signs or ((token.lead or token.trail) and not is_number):
        return []
    if is_number and _is_number_of_office(token):
        return [(0, len(signs), "".join(token.parts))]
    if signs.count(signs[0]) == len(signs):
        runs = [(0, len(signs))]
    elif "-" in signs:
        runs = [
            (entries[0][0], entries[-1][0] + 1)
            for sign, run in groupby(enumerate(signs), key=itemgetter(1))
            if sign == "-" and (entries := list(run))
        ]
    elif not is_number:
        return []
    else:
        runs = [(0, next(index for index, sign in enumerate(signs) if sign != signs[0]))]
    found = [(first, last, _joined(token.parts[first : last + 1], signs[first])) for first, last in runs]
    return [(first, last, word) for first, last, word in found if word is not None]


def _is_number_of_office(token: Token) -> bool:
    """Whether digits with several signs, the last of them a hyphen, are one number: `55/218.332-7`."""
    if token.signs[-1] != "-" or not _OFFICE_SIGNS.issuperset(token.signs) or len(token.parts) > _MAX_NUMBER_PARTS:
        return False
    return _MIN_TAX_DIGITS <= sum(map(len, token.parts)) <= _MAX_OFFICE_DIGITS and len(set(token.signs)) > 1


def _joined(parts: tuple[str, ...], sign: str) -> str | None:
    if len(parts) > _MAX_NUMBER_PARTS:
        return None
    word = "".join(parts)
    if _is_hexadecimal_number(parts, sign):
        return word
    is_hyphenated = sign == "-" and word.isalpha()
    if len(word) > (_MAX_HYPHENATED_CHARACTERS if is_hyphenated else _MAX_JOINED_CHARACTERS):
        return None
    if word.isdecimal():
        return word if _is_one_number(parts, sign) else None
    if sign == "-" and _BOOK_NUMBER.fullmatch(word):
        return word
    are_initials = sign == "." and len(word) == len(parts) and word.isalpha()
    is_short = len(parts) <= _MAX_JOINED_PARTS or are_initials
    return word if is_short and _is_written_in_one_piece(parts, sign) else None


def _is_written_in_one_piece(parts: tuple[str, ...], sign: str) -> bool:
    if sign in {"-", "'"}:
        return True
    if sign == "_":
        return len(parts) == _PAIR and "".join(parts).isalpha() and len(parts[1]) > 1
    if sign in {"&", "/"}:
        return max(map(len, parts)) <= _MAX_SHORT_CHARACTERS
    if sign != ".":
        return False
    if not parts[-1].isalpha():
        return _STANDARD.fullmatch(".".join(parts)) is not None
    is_short = len(parts) == _PAIR and len(parts[-1]) <= _MAX_SHORT_CHARACTERS and len(parts[0]) > 1
    is_degree = len(parts) == _PAIR and parts[0].isupper() and _END_OF_DEGREE.fullmatch(parts[1]) is not None
    are_initials = max(map(len, parts)) == 1 and (len(parts) > _PAIR or all(map(str.isupper, parts)))
    return is_short or is_degree or are_initials


def _is_hexadecimal_number(parts: tuple[str, ...], sign: str) -> bool:
    """Whether the parts are the address of a network card, or a UUID."""
    lengths = tuple(map(len, parts))
    return (sign, lengths) in _HEXADECIMAL_NUMBERS and all(map(_HEXADECIMAL.issuperset, parts))


def _is_one_number(parts: tuple[str, ...], sign: str) -> bool:
    """Whether digits with one sign between them are one number."""
    if sign == "/":
        digits = sum(map(len, parts))
        return len(parts) <= _MAX_JOINED_PARTS and digits > _MAX_DATE_DIGITS + 1
    return sign == "-" or (sign == "." and _is_dotted_phone(parts)) or (sign in _SEPARATORS and _are_thousands(parts))


def _is_dotted_phone(parts: tuple[str, ...]) -> bool:
    """Whether digits with points between them are a telephone number, as `555.867.5309` and `01.23.45.67.89` are.

    Or one of insurance of Switzerland, `756.1234.5678.97`.
    """
    lengths = tuple(map(len, parts))
    is_local = parts[0][0] == "0" and len(parts[0]) > 1 and min(lengths) > 1 and sum(lengths) in _DIGITS_OF_PHONE
    return lengths in {_AMERICAN_PHONE, _SWISS_INSURANCE} or (is_local and len(parts) > _PAIR)


def _are_thousands(parts: tuple[str, ...]) -> bool:
    """Whether digits in pieces are one number: in pieces of three, or in those of India, `1,23,456`."""
    if parts[0] == "0" or len(parts[-1]) != _THOUSAND:
        return False
    inner = set(map(len, parts[1:-1]))
    return (len(parts[0]) <= _THOUSAND and inner <= {_THOUSAND}) or (len(parts[0]) <= _PAIR and inner == {_PAIR})


def words_apart(question: str) -> list[tuple[str, str, str]]:
    """Each two neighbouring words of a short question, and both in one piece: `database` for `data base`.

    They are in lower case, and not folded. None is one of the words of the question.
    """
    words = question.lower().split()
    if not _PAIR <= len(words) <= _MAX_WORDS_APART:
        return []
    found = [(*match.groups(), "".join(match.groups())) for match in _WORDS_APART.finditer(question.lower())]
    return [
        (first, second, whole)
        for first, second, whole in found
        if len(whole) <= _MAX_HYPHENATED_CHARACTERS and whole not in words and not is_unspaced(first)
    ]


def with_two_letters(word: str) -> str | None:
    """A word in lower case with two letters for each umlaut; None for a word without any."""
    variant = word.translate(_TWO_LETTERS)
    return variant if variant != word else None


def with_umlauts(word: str, languages: Iterable[str] = ()) -> str | None:
    """A word in lower case with umlauts for pairs of letters that may stand for one; None for a word without any.

    `languages` are those of the index, by ISO 639-1 code: some have other letters that people write as two.
    """
    variant = _AS_TWO_LETTERS.sub(lambda match: _UMLAUTS[match[0]], word)
    for pair, letter in {_OF_LANGUAGES[language] for language in languages if language in _OF_LANGUAGES}:
        variant = variant.replace(pair, letter)
    return variant if variant != word and len(word) >= _MIN_VARIANT_CHARACTERS else None
