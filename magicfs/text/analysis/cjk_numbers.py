"""Numbers before counters in Chinese, Japanese and Korean, in characters or digits: `第十二条`, `第12条`, `5万元`.

They are found in one form, in digits beside the words of a text: `12条`. Used by `words` for texts and by
`typed_forms` for what is typed. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Final

from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.han import HAN
from magicfs.text.analysis.variants import OtherForms

_CHARACTERS: Final = "〇一二三四五六七八九"
_OF_CONTRACTS: Final = ("壹", "贰貳弐", "叁參叄参", "肆", "伍", "陆陸", "柒", "捌", "玖")
"""What contracts and cheques have for the digits from one on, because nobody can make another digit of it."""
_DIGITS: Final = {
    **{character: value for value, character in enumerate(_CHARACTERS)},
    **{character: value for value, characters in enumerate(_OF_CONTRACTS, 1) for character in characters},
    "零": 0,
}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
NUMERALS: Final = "".join([*_DIGITS, *_UNITS])
_LARGE: Final = dict.fromkeys("万萬만", 10_000) | dict.fromkeys("亿億억", 100_000_000)
"""What multiplies the number before it."""
_MONEY: Final = "元円圆圓块塊원"
_MONEY_OF_SIGNS: Final = "元円원"
_SIGNS: Final = dict.fromkeys("元円圆圓", "¥") | {"원": "₩"}
_COUNTERS: Final = (
    "条條章节節款回巻卷版番期届页頁项項级級课課号號位名人年月日時时分度楼樓层層階室歳岁本冊册個个ヶヵケカか" + _MONEY
)
_OF_ORDER: Final = "条條章节節款回巻卷期届页頁項项课課号號月日室元円"
"""The counters before which one numeral is a number: before others, `一个`, `十分` and `百度` are words."""
_OF_PARTS: Final = frozenset("一十百千")
_NTH: Final = "第"
_BEFORE: Final = "第年月日号號和成治正有共约約在于於至到自从從"
"""Chinese characters before a number: behind any other one, a numeral is a part of a word."""
_IN_CHARACTERS: Final = re.compile(
    f"[{NUMERALS}](?<![{NUMERALS}{''.join(_LARGE)}].)[{NUMERALS}]{{0,6}}"
    f"(?:[{''.join(_LARGE)}][{NUMERALS}]{{1,7}})?[{''.join(_LARGE)}]?(?=[{_COUNTERS}])"
)
_GROUP: Final = re.compile(f"([{NUMERALS}]+)([{''.join(_LARGE)}]?)")
"""A part of a number and what multiplies it: `二万三千` has two."""
_OTHER_BEFORE: Final = re.compile(f"(?![{_BEFORE}])[{HAN}]")
_IN_DIGITS: Final = re.compile(
    r"([0-9](?<![0-9.,/:-].)(?:[0-9]{0,2}(?:,[0-9]{3}){1,4}|[0-9]{0,8})(?:\.[0-9]{1,2})?)"
    f" ?([{''.join(_LARGE)}]?)([{_COUNTERS}])"
)
_YEAR: Final = "年"
_YEAR_DIGITS: Final = 4
_SIGN_OF_MONEY: Final = re.compile(r"(?:[¥￥]|(?<![A-Za-z])(?:RMB|CNY|JPY|KRW)|₩) ?([0-9][0-9,]*)(?![0-9.])")
"""An amount with the sign of a currency before it."""
_BEHIND_WORD: Final = re.compile(f"[¥￥](?<=[{HAN}].)([0-9][0-9,]*)(?![0-9.])")
"""The same without a blank before the sign, which then is no part of the number's word."""


def stated_counts(text: str) -> list[str]:
    """The numbers before counters in a readable text, in digits, each once: `12条`; of a year, without the counter.

    One numeral alone is left out, because the pair with its counter is a word: `三条`. So is a year in digits.
    """
    found = [_with_counter(number, text[end]) for start, end, number in _of_characters(text) if end - start > 1]
    for match in _IN_DIGITS.finditer(text):
        number = _number(match)
        if number is not None and not _is_year(number, match[3]):
            found.append(number + _folded()[match[3]])
    if "¥" in text:
        found += ["¥" + number.replace(",", "") for number in _BEHIND_WORD.findall(text)]
    return list(dict.fromkeys(found))


def with_digits(text: str) -> str:
    """A text with digits for the numbers before counters that are in characters."""
    pieces, last = [], 0
    for start, end, number in _of_characters(text):
        pieces += [text[last:start], number]
        last = end
    return "".join([*pieces, text[last:]]) if pieces else text


def numbers_in_characters(text: str) -> Iterator[OtherForms]:
    """Yield the numbers before counters in a typed text in digits: `12条` for the pairs of `第十二条`."""
    for start, end, number in _of_characters(text):
        before, counter = text[:start][-1:], text[end]
        around = (before if before and before in _BEFORE else "") + text[start:end] + counter
        forms = [_with_counter(number, counter), *([_SIGNS[counter] + number] if counter in _SIGNS else [])]
        yield frozenset(fold(first + second) for first, second in pairwise(around)), forms


def numbers_in_digits(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of numbers before counters and of money in a typed text: `12条`; `三条` for `3条`."""
    for match in _IN_DIGITS.finditer(text):
        typed, large, counter = match.groups()
        number = _number(match)
        if number is None or _is_year(number, counter):
            continue
        forms = [_with_counter(number, counter), *([_SIGNS[counter] + number] if counter in _SIGNS else [])]
        if len(number) == 1 and _is_number(_CHARACTERS[int(number)], text[: match.start()][-1:], counter):
            forms.append(_CHARACTERS[int(number)] + counter)
        yield frozenset({*re.findall("[0-9]+", typed), typed, *([fold(large + counter)] if large else ())}), forms
    for match in _SIGN_OF_MONEY.finditer(text):
        number = match[1].replace(",", "")
        words = {*re.findall("[0-9]+", match[1]), match[1], match[0].replace("￥", "¥")}
        yield frozenset(words), [number + unit for unit in fold(_MONEY_OF_SIGNS)]


@cache
def _folded() -> dict[str, str]:
    """The folded form of each counter."""
    return {counter: fold(counter) for counter in _COUNTERS}


def _with_counter(number: str, counter: str) -> str:
    """A number as texts and questions meet in it: a year is found by its digits alone."""
    return number if _is_year(number, counter) else number + _folded()[counter]


def _is_year(number: str, counter: str) -> bool:
    return counter == _YEAR and len(number) == _YEAR_DIGITS


def value_of(characters: str) -> int | None:
    """The number of some characters, digit by digit or with units; None for what is no number."""
    if not set(characters) & _UNITS.keys():
        # Two digits side by side are no number but `two or three`.
        is_number = len(characters) in {1, _YEAR_DIGITS}
        return int("".join(str(_DIGITS[character]) for character in characters)) if is_number else None
    total, digit = 0, None
    for character in characters:
        if character in _UNITS:
            total += (1 if digit is None else digit) * _UNITS[character]
            digit = None
        elif digit:
            return None
        else:
            digit = _DIGITS[character]
    return total + (digit or 0)


def _of_characters(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start and the end of each number in characters, and it in digits."""
    for match in _IN_CHARACTERS.finditer(text):
        start, end = match.span()
        groups = [(value_of(numerals), _LARGE.get(large, 1)) for numerals, large in _GROUP.findall(match[0])]
        if _is_number(match[0], text[start - 1 : start], text[end]) and all(value is not None for value, _ in groups):
            yield start, end, str(sum((value or 0) * large for value, large in groups))


def _is_number(numerals: str, before: str, counter: str) -> bool:
    """Whether numerals between two characters are a number, and no part of a word."""
    if numerals in _OF_PARTS and before != _NTH and counter not in _OF_ORDER:
        return False
    is_amount = counter in _MONEY and len(numerals) > 1
    return is_amount or not _OTHER_BEFORE.match(before)


def _number(match: re.Match[str]) -> str | None:
    """The number of digits before a counter; None for a fraction."""
    if match[1].isdecimal() and not match[2]:
        return match[1].lstrip("0") or "0"
    value = Decimal(match[1].replace(",", "")) * _LARGE.get(match[2], 1)
    return str(int(value)) if value == int(value) else None
