"""Numbers with what they measure: units, dimensions, powers, per cent and money, in one piece and in other forms.

Texts have `10 GB` as `10GB` too, dimensions as `1920x1080`, `$1,299` as `$1299`, and `m^2` as `m2`. Used by `words` and
`readable` for texts and by `typed_forms` for what is typed. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.analysis.cjk_numbers import NUMERALS, value_of
from magicfs.text.analysis.tokens import CURRENCY, SPACE, UNITS
from magicfs.text.analysis.variants import OtherForms

_NUMBER: Final = r"([0-9](?<![\w.,:/-][0-9])[0-9]{0,5}(?:[.,][0-9]{1,3})?)"
_WITH_UNIT: Final = re.compile(rf"{_NUMBER}{SPACE}((?i:{UNITS})|[glmtshvwACFVWKNJ]|[kM]?\u03a9)(?![\w/])")
"""A number and its unit with a blank between them."""
_LETTER_BEHIND: Final = re.compile(f"[0-9]{SPACE}[^\\W_0-9]")
"""What one of them has, and many texts have not."""
_MICRO: Final = re.compile(rf"{_NUMBER}{SPACE}?\u03bc([A-Za-z])(?!\w)")
"""A number with a unit of a millionth, for which people type a `u`."""

_TIMES: Final = re.compile(f"(?<=[0-9]){SPACE}?[\u00d7\u2715]{SPACE}?(?=[0-9])")
"""The sign of multiplication between two numbers, for which people type an `x`."""
_DIMENSIONS: Final = re.compile(
    r"[1-9](?<![\w.,:/-].)[0-9]{0,4} [xX] (?!10\b)[1-9][0-9]{0,4}(?: [xX] [1-9][0-9]{0,4})?"
    r"(?=(?:[cm]?m|px|in|ft)(?!\w)|(?![\w/]|[.,][0-9]))"
)
"""Two or three lengths; not a number that is multiplied by a power of ten."""
_WITH_UNIT_BEHIND: Final = re.compile(
    r"([1-9](?<![\w.,:/-].)[0-9]{0,4}[xX][1-9][0-9]{0,4}(?:[xX][1-9][0-9]{0,4})?)(?:[cm]?m|px|in|ft)(?!\w)"
)
"""The same in one piece with their unit: `10x20cm`."""
_DEGREES: Final = re.compile(f"([0-9](?<![0-9].)[0-9]*(?:[.,][0-9]+)?){SPACE}?\u00b0{SPACE}?([CF])(?!\\w)")
"""A temperature, which people type without the sign."""
_POWER: Final = re.compile(
    r"([A-Za-z\u03a9\u03bc](?<![A-Za-z\\].)[A-Za-z]{0,2})\^(?:([0-9]{1,2})(?![\w^])|\{([0-9]{1,2})\})"
)
"""A letter or a unit with an exponent as it is typed: `m^2`, `x^{2}`."""
_EXPONENT: Final = re.compile("[\u00b2\u00b3\u00b9\u2070\u2074-\u207b](?<=[0-9].)")
"""The beginning of a raised number behind another one."""

_PERCENT: Final = re.compile(
    r"([0-9](?<![\w:/-][0-9])[0-9]*(?:[.,][0-9]+)?)[ \u00a0\u202f-]?"
    r"((?:(?:per|pour|por) ?(?:cent|ciento|cento)|pro[czs]+ent[a-z]*"
    r"|процент\w*|відсотк\w*|százalék\w*|प्रतिशत|फीसदी|퍼센트|パーセント|(?:في ?|ب)ال(?:مئة|مائة|مية)))(?!\w)",
    re.IGNORECASE,
)
"""A number and the word for `%`, in languages that have the word behind the number."""
_BLANK_BEFORE_PERCENT: Final = re.compile(f"(?<=[0-9]){SPACE}%(?!\\w)")
_DECIMAL_PERCENT: Final = re.compile(r"([0-9](?<![\w.,:/-][0-9])[0-9]*[.,][0-9]+)%(?!\w)")
"""A number with a part behind its point, which some write with zeros and others with a comma: `19.50%`, `19,5%`."""
_PERCENT_BEFORE: Final = re.compile(f"百分之 ?([0-9]+(?:[.][0-9]+)?|[{NUMERALS}]{{1,4}})")
"""The same in Chinese, which has the word before the number."""
_TYPED_PERCENT: Final = re.compile(r"(?<![\w.,:/-])([0-9]+(?:[.,][0-9]+)?)%(?!\w)")
_WORDS_OF_PERCENT: Final = (
    "роцент",
    "ідсотк",
    "zázal",
    "प्रतिशत",
    "फीसदी",
    "퍼센트",
    "パーセント",
    "المئة",
    "المائة",
    "المية",
)
"""What a text has that has one of them, but for those in letters of ASCII."""

_MONEY: Final = (
    ("€", "eur euro euros евро євро ευρώ يورو יורו 欧元"),
    ("$", "usd dollar dollars доллар доллара долларов دولار 美元"),
    ("£", "gbp pound pounds"), ("¥", "jpy yen"),
    ("¥", "cny yuan"), ("₹", "inr rupee rupees"), ("₽", "rub руб рублей рубля"), ("₩", "krw won"), ("₺", "try lira"),
    ("₴", "uah грн гривень"), ("₪", "ils nis"), ("r$", "brl reais real"), ("zł", "pln złotych złote"),
    ("kč", "czk korun"), ("kr", "sek kronor"), ("kr", "nok kroner"), ("kr", "dkk kroner"), ("chf", "franken sfr"),
    ("฿", "thb baht"), ("₫", "vnd đồng"),
)  # fmt: skip
"""The signs of currencies, each with its code and its names."""
_DOLLAR: Final = "$"
_CODES: Final = frozenset(names.split()[0] for _, names in _MONEY)
_WORDS: Final = frozenset({"ils", "nis", "real", "rub", "try", "won"})
"""Those that are words too: in small letters, they stand behind an amount alone, and a text with one has rarely any."""
_MAX_DIGITS: Final = 40
"""A longer number is no amount, and may be longer than a word of the database."""
_AMOUNT: Final = r"[0-9](?<![\w.,].)[0-9.,]*"
_NAMES_OF_MONEY: Final = "|".join(
    [*dict.fromkeys(re.escape(sign) for sign, _ in _MONEY), *(name for _, names in _MONEY for name in names.split())]
)
_TYPED_MONEY: Final = re.compile(
    rf"({_AMOUNT}){SPACE}?({_NAMES_OF_MONEY})(?!\w)|(?<!\w)({_NAMES_OF_MONEY}){SPACE}?({_AMOUNT})", re.IGNORECASE
)
_IN_ONE_PIECE: Final = re.compile(rf"[{CURRENCY}][0-9]+|[0-9]+[{CURRENCY}]")
_DOLLARS: Final = re.compile(rf"\$(?:(?<![\w$].)|(?<=\bUS.)){SPACE}?({_AMOUNT})|({_AMOUNT}){SPACE}?(?:US)?\$(?![\w$])")
_LEFT_OUT: Final = re.compile(r"[.,](?=[0-9]{3}(?![0-9]))|[.,]0{1,2}\Z")
"""What people leave out of an amount: separators of thousands, and cents that are none."""
_YEAR: Final = re.compile("(?:19|20)[0-9]{2}")
_TYPED_DECIMALS: Final = re.compile(
    r"(?<![\w.,:/-])([0-9]{1,4})([.,])([0-9]{1,2})([a-z\u00b5\u03bc]{0,3})(?![\w/%-]|[.,:]\w)"
)
"""A number with a point or a comma, which others write with the other one."""
_DECIMALS: Final = re.compile("([0-9]+)[.,]([0-9]|[1-9]0)")
"""An amount whose last digit may be a zero that is left out."""


def with_typed_signs(text: str) -> str:
    """A text with `m2` for `m^2`, `9%` for `9 %`, and an `x` for the sign of multiplication between two numbers."""
    if "^" in text:
        text = _POWER.sub(r"\1\2\3", text)
    if "%" in text:
        text = _BLANK_BEFORE_PERCENT.sub("%", text)
    return _TIMES.sub(" x ", text) if "\u00d7" in text or "\u2715" in text else text


def with_exponents_apart(text: str) -> str:
    """A text with a sign before a raised number behind another one: `10⁶` is not 106."""
    return _EXPONENT.sub(r"^\g<0>", text)


def measures_in_one_piece(text: str) -> list[str]:
    """The numbers with a unit of a readable text, in one piece: `10GB`, `5um`."""
    found = []
    if _LETTER_BEHIND.search(text):
        found += [number + unit for number, unit in _WITH_UNIT.findall(text)]
    if "\u00b0" in text:
        found += [number + unit for number, unit in _DEGREES.findall(text)]
    return found + _with_typed_micro(text)


def dimensions(text: str) -> list[str]:
    """The dimensions of a readable text in one piece, each once: `1920x1080`."""
    found = _WITH_UNIT_BEHIND.findall(text) if "x" in text or "X" in text else []
    if " x " in text or " X " in text:
        found += [match.replace(" ", "") for match in _DIMENSIONS.findall(text)]
    return list(dict.fromkeys(map(str.lower, found)))


def _with_typed_micro(text: str) -> list[str]:
    return [f"{number}u{unit}" for number, unit in _MICRO.findall(text)] if "\u03bc" in text else []


def stated_money(text: str) -> list[str]:
    """The amounts in dollars of a readable text, each once and as `$1299`, but for those that are words of it so.

    The sign alone is no word, because code has many; other currencies are found by theirs (`signs`).
    """
    if _DOLLAR not in text:
        return []
    found: dict[str, None] = {}
    for match in _DOLLARS.finditer(text):
        amount = _amount(match[1] or match[2])
        if match[0] not in {_DOLLAR + amount, amount + _DOLLAR} and len(amount) <= _MAX_DIGITS:
            found[_DOLLAR + amount] = None
    return list(found)


def _amount(number: str) -> str:
    return _LEFT_OUT.sub("", number.rstrip(".,"))


def stated_percents(text: str) -> list[str]:
    """The numbers of a readable text with a word for `%`, each once and with the sign; also as `_plain` gives them."""
    has_any = (
        "rcent" in text
        or "r cent" in text
        or "r-cent" in text
        or "ozent" in text
        or "ocent" in text
        or "osent" in text
        or "ciento" in text
        or (not text.isascii() and any(word in text for word in _WORDS_OF_PERCENT))
    )
    words = [number for number, _ in _PERCENT.findall(text)] if has_any else []
    signs = _DECIMAL_PERCENT.findall(text) if "%" in text else []
    found = [*words, *map(_plain, words), *(plain for number in signs if (plain := _plain(number)) != number)]
    return list(dict.fromkeys(f"{number}%" for number in found if len(number) <= _MAX_DIGITS))


def _plain(number: str) -> str:
    """A number with a point for its comma, and without zeros at its end: `19.5` for `19,50`."""
    whole, sign, decimals = number.replace(",", ".").partition(".")
    return f"{whole}.{decimals.rstrip('0')}".rstrip(".") if sign else number


def percents_in_characters(text: str) -> list[str]:
    """The percentages of a readable text in Chinese, as `19.5%`: their numbers may be characters."""
    found = _PERCENT_BEFORE.findall(text) if "百分之" in text else []
    numbers = (number if number[0].isdecimal() else value_of(number) for number in found)
    return [f"{number}%" for number in numbers if number is not None and len(str(number)) <= _MAX_DIGITS]


def percent_forms(text: str) -> Iterator[OtherForms]:
    """Yield `12%` for `12 percent`, and for the number of `12%`, which a text may have in characters."""
    for number, words in _PERCENT.findall(text):
        forms = list(dict.fromkeys((f"{number}%", f"{_plain(number)}%")))
        yield frozenset(words.lower().split()), forms
        if not number.isdecimal():
            yield frozenset({number, *re.findall("[0-9]+", number)}), forms
    for number in _TYPED_PERCENT.findall(text):
        *_, last = pieces = re.findall("[0-9]+", number)
        yield (
            frozenset({number, f"{number}%", f"{last}%", *pieces}),
            list(dict.fromkeys((f"{number}%", f"{_plain(number)}%"))),
        )
    for match in _PERCENT_BEFORE.finditer(text):
        pieces = re.findall("[0-9.]+|[^0-9. ]+", match[0])
        pairs = {
            piece[place : place + 2] for piece in pieces for place in range(len(piece) - 1) if not piece[0].isdecimal()
        }
        yield (
            frozenset({*pairs, *(piece for piece in pieces if piece[0].isdecimal())}),
            percents_in_characters(match[0]),
        )


def micro_forms(text: str) -> Iterator[OtherForms]:
    """Yield `5um` for a number with a unit of a millionth."""
    for number, unit in _MICRO.findall(text):
        yield frozenset({f"\u03bc{unit}"}), [f"{number}u{unit}"]


def money_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of the names and signs of currencies: `€` and `45€` for the name in `45 EUR`."""
    for number, behind, before, last_number in _TYPED_MONEY.findall(text):
        name = (behind or before).lower()
        is_word = name in _WORDS and not before.isupper()
        is_year = name.isalpha() and name not in _CODES and _YEAR.fullmatch(last_number)
        if behind or not (is_word or is_year):
            amount = number or last_number
            if is_amount(name + amount):
                signs = [] if name == _DOLLAR else [name]
                yield frozenset({name + amount, amount + name}), [*signs, *_forms_of_money(amount, name)]
            yield frozenset({name}), list(dict.fromkeys(_forms_of_money(number or last_number, name)))
            yield from _decimal_forms(number or last_number)


def decimal_forms(text: str) -> Iterator[OtherForms]:
    """Yield `1.2` for `1,2` and the other way round, perhaps with a unit behind it in one piece: `2,5mg`."""
    for whole, sign, decimals, unit in _TYPED_DECIMALS.findall(text):
        last = decimals + unit
        other = ",."[sign == ","]
        yield frozenset({f"{whole}{sign}{last}".lower()}), [f"{whole}{other}{last}".lower()]


def is_amount(word: str) -> bool:
    """Whether a word of a question is an amount with the sign of its currency, in one piece: `€250`."""
    return _IN_ONE_PIECE.fullmatch(word) is not None


def _decimal_forms(number: str) -> Iterator[OtherForms]:
    """Yield `45,50` and `45.50` for the amount `45,5`, and `45,5` and `45.5` for one with a zero at its end."""
    if (match := _DECIMALS.fullmatch(number)) is None:
        return
    whole, decimals = match.groups()
    other = decimals[0] if len(decimals) > 1 else f"{decimals}0"
    yield frozenset({number, decimals}), [f"{whole}{sign}{other}" for sign in ",."]


def _forms_of_money(number: str, typed: str) -> Iterator[str]:
    for sign, names in _MONEY:
        if typed == sign or typed in names.split():
            if sign not in {typed, _DOLLAR}:
                yield sign
            yield from (name for name in names.split() if name != typed and name not in _WORDS)
            for amount in (number.rstrip(".,"), _amount(number)):
                yield from (sign + amount, amount + sign)
