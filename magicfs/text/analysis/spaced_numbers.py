"""Numbers that are written with spaces inside: of telephones, bank accounts, cards and articles, and large ones.

Each is several words of a text, and one number to people, who type it in one piece or in other pieces. `variants` has
those that are one word. Used by `readable` for texts and by `typed_forms` for what is typed. Pure; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PHONE: Final = re.compile(
    r"[+(08](?<![\w+./-].)(?<![0-9],.)(?:(?<=\()0|(?<=8)[ -]\(?(?=[3489][0-9]{2}\b))?+(?<!8)"
    r"[0-9][0-9 \u00a0()/-]{5,22}[0-9](?![\w/-])"
)
"""A telephone number in pieces: it begins with `+`, with `0` or with brackets, or, in Russia, with `8`. As other
patterns here, this one begins with a set of characters, for which `re` searches quickly."""
_SPACES: Final = re.compile("[ \u00a0\u202f]")
_DAY: Final = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")
_COUNTRY: Final = re.compile(
    r"\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2})(?!0)([0-9]{7,12})(?![0-9])"
)
"""A telephone number in one piece: the country, in the digits that it has, and the number there."""
_CALLED_ABROAD: Final = re.compile("00[1-9][0-9]{0,2}")
"""The country of a telephone number with the zeros for which a plus stands."""
_MIN_PHONE_DIGITS: Final = 7
_MAX_PHONE_DIGITS: Final = 15
_MAX_COUNTRY_DIGITS: Final = 3
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
_PARCEL: Final = re.compile(r"1Z(?<!\w..)(?: [A-Z0-9]{3}){2} [A-Z0-9]{2}(?: [0-9]{4}){2}(?!\w)")
"""The number of a parcel (UPS), as it is printed."""
_INSURED: Final = re.compile(r"[0-9](?<![\w.,:/+-].)[0-9]{2}-[0-9]{3}-[0-9]{3} [0-9]{2}(?![\w/-]|[.,][0-9])")
"""A person's number of insurance, as Russia writes it."""
_BEFORE_BLOCKS: Final = r"(?<![\w.,:/+-])(?<![0-9] )"
_IN_BLOCKS: Final = re.compile(
    rf" (?:(?:(?<={_BEFORE_BLOCKS}[0-9]{{4}} )|(?<={_BEFORE_BLOCKS}1[0-9]{{2}} ))[0-9]{{4}} [0-9]{{4}}"
    rf"|(?<={_BEFORE_BLOCKS}[1-8][0-9]{{2}} )[0-9]{{3}} [0-9]{{2}})"
    r"(?! ?[0-9]|\w|[-/:]|[.,][0-9])"
)
"""A mobile telephone of China, a number of identity of India, a bank of Germany, from their first blank on."""
_FIRST_BLOCK: Final = re.compile("[0-9]+\\Z")
_LONGEST_BLOCK: Final = 4
_ARTICLE_DIGITS: Final = frozenset({12, 13})
_MIN_TAX_DIGITS: Final = 8
_DIGITS_OF_PIECE: Final = 2
"""The least digits that the pieces of a telephone number have on average."""
_IBAN: Final = re.compile(r"[A-Z](?<!\w.)[A-Z][0-9]{2}(?: [A-Z0-9]{4}){3,7}(?: [A-Z0-9]{1,3})?(?!\w)")
"""The number of a bank account, as it is printed."""


def numbers_in_pieces(text: str) -> list[str]:
    """The telephone numbers and numbers of bank accounts that a text has with spaces inside, each in one piece.

    A telephone number with its country, `+49 89` or `+49 (0)89`, is given with the country and without, and then with
    the zero that many countries have before it and without.
    """
    found = []
    if _SPACED_DIGITS.search(text):
        found += [match.replace(" ", "") for match in (*_IBAN.findall(text), *_PARCEL.findall(text))]
        found += [re.sub("[ -]", "", number) for number in (*_INSURED.findall(text), *_blocks(text))]
        found += [_SPACES.sub("", match[0]) for match in _GROUPS.finditer(text) if _is_one_group(match)]
        articles = [match[0].replace(" ", "") for match in _ARTICLE.finditer(text)]
        found += [number for number in articles if len(number) in _ARTICLE_DIGITS and _is_article(number)]
    for match in _PHONE.finditer(text):
        if (whole := _COUNTRY.fullmatch(match[0])) is not None:
            found += _with_country([*whole.groups()])[1:]
            continue
        pieces = re.findall("[0-9]+", match[0])
        digits = "".join(pieces)
        if len(pieces) == 1 or len(digits) < _DIGITS_OF_PIECE * len(pieces) - _single_digits(match[0], pieces):
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


def _blocks(text: str) -> Iterator[str]:
    """Yield the numbers that have blocks of a known length."""
    for match in _IN_BLOCKS.finditer(text):
        if first := _FIRST_BLOCK.search(text, max(0, match.start() - _LONGEST_BLOCK), match.start()):
            yield first[0] + match[0]


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
