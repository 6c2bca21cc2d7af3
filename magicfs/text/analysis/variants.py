"""Variants of a word that people write beside it: compounds and numbers in one piece, umlauts as two letters.

Each is a word of its own, with other lexemes; `spellings` has what folding makes one word. Used by `lexemes`
and `readable` for texts and by `question` for what is typed. Pure functions; any thread.
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
_PHONE: Final = re.compile(
    r"[+(08](?<![\w+./-].)(?<![0-9],.)(?:(?<=\()0|(?<=8)[ -]\(?(?=[3489][0-9]{2}\b))?+(?<!8)"
    r"[0-9][0-9 \u00a0()/-]{5,22}[0-9](?![\w/-])"
)
"""A telephone number in pieces: it begins with `+`, with `0` or with brackets, or, in Russia, with `8`. As other
patterns here, this one begins with a set of characters, for which `re` searches quickly."""
_SPACES: Final = re.compile("[ \u00a0\u202f]")
_DAY: Final = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")
_AMERICAN_PHONE: Final = (3, 3, 4)
_DIGITS_OF_PHONE: Final = frozenset({9, 10, 11})
"""Those of a number with the zero before it."""
_COUNTRY: Final = re.compile(
    r"\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2})(?!0)([0-9]{7,12})(?![0-9])"
)
"""A telephone number in one piece: the country, in the digits that it has, and the number there."""
_CALLED_ABROAD: Final = re.compile("00[1-9][0-9]{0,2}")
"""The country of a telephone number with the zeros for which a plus stands."""
_MIN_PHONE_DIGITS: Final = 7
_MAX_PHONE_DIGITS: Final = 15
_MAX_COUNTRY_DIGITS: Final = 3
_HEXADECIMAL_NUMBERS: Final = frozenset({(":", (2,) * 6), ("-", (2,) * 6), (".", (4,) * 3), ("-", (8, 4, 4, 4, 12))})
"""The address of a network card in three forms, and a UUID: the sign between the parts, and the characters of each."""
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")
_STANDARD: Final = re.compile(r"[A-Za-z]\.[0-9]{3}")
"""The name of a standard, such as `H.264`."""
_BOOK_NUMBER: Final = re.compile("[0-9]{9}[Xx]")
"""An ISBN of ten digits, of which the last may be an X."""
_GROUPS: Final = re.compile(
    r"(?<![\w.,:/+-])(?<![0-9][ \u00a0\u202f])"
    r"(?:([0-9]{1,3}([ \u00a0\u202f])[0-9]{3}(?:\2[0-9]{3}){0,3})(?:[.,][0-9]{1,2})?"
    r"|[A-Z]{2}U? ?[0-9]{2,4}(?: [0-9]{2,4}){1,3}|([0-9]{4}(?: [0-9]{4}){3}))"
    r"(?![ \u00a0\u202f]?[0-9]|\w|[-/:]|[.,][0-9])"
)
"""A large number with spaces between its thousands, such as an amount of money, a number of a tax office, and that of a
card."""
_SPACED_DIGITS: Final = re.compile("[0-9][ \u00a0\u202f][0-9]")
"""What all of them have, and most texts have not."""
_ARTICLE: Final = re.compile(
    r"[0-9](?<![\w.,:/+-].)(?<![0-9] .)(?: [0-9]{6} [0-9]{6}| [0-9]{5} [0-9]{5} [0-9]|7[89](?: [0-9]{1,7}){3} [0-9])"
    r"(?! ?[0-9]|\w|[-/:]|[.,][0-9])"
)
"""The number of an article (EAN, UPC) or a book as it is printed, with blanks."""
_ARTICLE_DIGITS: Final = frozenset({12, 13})
_MIN_TAX_DIGITS: Final = 8
_MAX_OFFICE_DIGITS: Final = 15
_MAX_DATE_DIGITS: Final = 8
_OFFICE_SIGNS: Final = frozenset("-./")
_IBAN: Final = re.compile(r"[A-Z](?<!\w.)[A-Z][0-9]{2}(?: [A-Z0-9]{4}){3,7}(?: [A-Z0-9]{1,3})?(?!\w)")
"""The number of a bank account, as it is printed."""


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
    are_initials = max(map(len, parts)) == 1 and (len(parts) > _PAIR or all(map(str.isupper, parts)))
    return is_short or are_initials


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
    """Whether digits with points between them are a telephone number: `555.867.5309`, `01.23.45.67.89`."""
    lengths = tuple(map(len, parts))
    is_local = parts[0][0] == "0" and len(parts[0]) > 1 and min(lengths) > 1 and sum(lengths) in _DIGITS_OF_PHONE
    return lengths == _AMERICAN_PHONE or (is_local and len(parts) > _PAIR)


def _are_thousands(parts: tuple[str, ...]) -> bool:
    """Whether digits in pieces are one number: in pieces of three, or in those of India, `1,23,456`."""
    if parts[0] == "0" or len(parts[-1]) != _THOUSAND:
        return False
    inner = set(map(len, parts[1:-1]))
    return (len(parts[0]) <= _THOUSAND and inner <= {_THOUSAND}) or (len(parts[0]) <= _PAIR and inner == {_PAIR})


def numbers_in_pieces(text: str) -> list[str]:
    """The telephone numbers and numbers of bank accounts that a text has with spaces inside, each in one piece.

    A telephone number with its country, `+49 89` or `+49 (0)89`, is given with the country and without, and then with
    the zero that many countries have before it and without.
    """
    found = []
    if _SPACED_DIGITS.search(text):
        found += [match[0].replace(" ", "") for match in _IBAN.finditer(text)]
        found += [_SPACES.sub("", match[0]) for match in _GROUPS.finditer(text) if _is_one_group(match)]
        articles = [match[0].replace(" ", "") for match in _ARTICLE.finditer(text)]
        found += [number for number in articles if len(number) in _ARTICLE_DIGITS and _is_article(number)]
    for match in _PHONE.finditer(text):
        if (whole := _COUNTRY.fullmatch(match[0])) is not None:
            found += _with_country([*whole.groups()])[1:]
            continue
        pieces = re.findall("[0-9]+", match[0])
        digits = "".join(pieces)
        if len(pieces) == 1 or len(digits) < _PAIR * len(pieces) - _single_digits(match[0], pieces):
            continue
        if _DAY.match(match[0]):
            continue
        if not _MIN_PHONE_DIGITS <= len(digits) <= _MAX_PHONE_DIGITS:
            continue
        if match[0].startswith("+"):
            found += _with_country(pieces)
            continue
        found.append(digits)
        if _CALLED_ABROAD.fullmatch(pieces[0]):
            found += _with_country([pieces[0][2:], *pieces[1:]])
    return found


def _single_digits(number: str, pieces: list[str]) -> int:
    """How many pieces may be one digit: behind that of a country, the zero and what is left before pairs.

    `+33 (0)6 12 34 56 78`.
    """
    return 1 + (pieces[1] == "0") if number[0] == "+" else 0


def _with_country(pieces: list[str]) -> list[str]:
    """A telephone number whose first piece is its country, as it is typed there and elsewhere."""
    country, *rest = pieces
    number = "".join(rest[1:] if rest[0] == "0" else rest)
    abroad = country + number
    at_home = [number, f"0{number}"] if len(country) <= _MAX_COUNTRY_DIGITS else []
    return [abroad, *(digits for digits in at_home if len(digits) >= _MIN_PHONE_DIGITS)]


def _is_one_group(match: re.Match[str]) -> bool:
    """Whether what `_GROUPS` has found is one number, and not a row of a table or of years."""
    number, _, card = match.groups()
    if card:
        return _has_check_digit(card.replace(" ", ""))
    return number is not None or sum(map(str.isdigit, match[0])) >= _MIN_TAX_DIGITS


def _has_check_digit(digits: str) -> bool:
    """Whether the last digit is what the others say, as on all cards (Luhn)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _is_article(digits: str) -> bool:
    """Whether the last digit is what the others say, as on all articles (GS1)."""
    return (sum(map(int, digits[-1::-2])) + 3 * sum(map(int, digits[-2::-2]))) % 10 == 0


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
