"""Other forms of years: decades, years of accounts, quarters, a year that ends in the next one, and `'94`.

Used by `typed_forms` for what is typed: a text may have the other one; and by `words`. Pure; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from magicfs.text.analysis.months import MONTHS
from magicfs.text.analysis.variants import OtherForms

_FISCAL_YEAR: Final = re.compile(
    r"(?<!\w)(fy|(?:fiscal|financial) year) ?'?((?:20)?[0-9]{2})(?![\w.,:-])", re.IGNORECASE
)
_QUARTER: Final = re.compile(r"(?<!\w)([qh][1-4])[ '/-]{0,2}(20[0-9]{2}|[0-9]{2})(?![\w.,:-])", re.IGNORECASE)
_QUARTER_BEHIND: Final = re.compile(r"(?<!\w)(20[0-9]{2})[ /-]?([qh][1-4])(?!\w)", re.IGNORECASE)
_DECADE: Final = re.compile(r"(?<![\w.,:/-])(19|18|20)?([1-9]0)'?(s|er)(?!\w)", re.IGNORECASE)
_IN_WORDS: Final = {
    "20": "twenties", "30": "thirties", "40": "forties", "50": "fifties", "60": "sixties", "70": "seventies",
    "80": "eighties", "90": "nineties",
}  # fmt: skip
_DIGITS: Final = {word: digits for digits, word in _IN_WORDS.items()}
_WORDS: Final = re.compile(rf"(?<!\w)({'|'.join(_DIGITS)})(?!\w)", re.IGNORECASE)
_FIRST_WITHOUT_CENTURY: Final = 40
"""`20s` are as often seconds, or this decade, and so are `30s`."""
_SHORT_YEAR: Final = re.compile(r"(?<![\w'\"])'([0-9]{2})(?![\w'\"]|[.,:][0-9]|[^'\n]{0,40}[^\W_][.!?,]?'(?!\w))")
"""Not the beginning of a text in single quotes: `print '25 items'`."""
_FIRST_OF_LAST_CENTURY: Final = "40"
_OVER_TWO: Final = re.compile(r"(?<![\w.,:/-])((?:19|20)[0-9]{2})([/-])((?:19|20)?[0-9]{2})(?![\w.,:/-])")


def stated_years(text: str) -> list[str]:
    """The years of a readable text that have an apostrophe for their century, each once and whole: `1994` for `'94`."""
    found = _SHORT_YEAR.findall(text) if "'" in text else []
    return list(dict.fromkeys(("20" if year < _FIRST_OF_LAST_CENTURY else "19") + year for year in found))


def year_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of years and decades in a typed text."""
    return chain(_fiscal_years(text), _quarters(text), _decades(text), _years_over_two(text))


def doubtful_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of decades without their century in a typed text: `60s` are as often seconds."""
    return _decades(text, are_bare=True)


def _fiscal_years(text: str) -> Iterator[OtherForms]:
    """Yield `fy2021` for `FY21` and for `fiscal year 2021`, and `fy21`."""
    for name, year in _FISCAL_YEAR.findall(text):
        yield frozenset({*name.split(), name + year, year}), [f"fy20{year[-2:]}", f"fy{year[-2:]}"]


def _quarters(text: str) -> Iterator[OtherForms]:
    """Yield `21` and `Q4'21` for the year of `Q4 2021`, and `2021` for that of `Q4'21`."""
    found = [*_QUARTER.findall(text), *((quarter, year) for year, quarter in _QUARTER_BEHIND.findall(text))]
    for quarter, year in found:
        short = year[-2:]
        yield frozenset({year}), [f"20{short}", short, *(f"{quarter}{sign}{short}" for sign in "'/-")]


def _decades(text: str, *, are_bare: bool = False) -> Iterator[OtherForms]:
    """Yield `1990s` and `nineties` for `90s`, and the other way round."""
    for match in _DECADE.finditer(text):
        century, decade, ending = match.groups()
        is_bare = century is None and ending == "s" and "'" not in match[0]
        if is_bare != are_bare or (century is None and int(decade) < _FIRST_WITHOUT_CENTURY):
            continue
        digits = f"{century or '19'}{decade}{ending}"
        is_last = century in {None, "19"}
        words = [_IN_WORDS[decade]] if is_last and ending == "s" and decade in _IN_WORDS else []
        yield (
            frozenset({match[0], digits, f"{decade}{ending}"}),
            [digits, *words, *([decade + ending] if is_last else [])],
        )
    for word in () if are_bare else _WORDS.findall(text):
        decade = _DIGITS[word.lower()]
        yield frozenset({word}), [f"19{decade}s", f"{decade}s"]


def _years_over_two(text: str) -> Iterator[OtherForms]:
    """Yield `2018/19` for `2018/2019`, `1939-45` for `1939-1945`, and the other way round."""
    for first, sign, second in _OVER_TWO.findall(text):
        last = second if len(second) == len(first) else first[:2] + second
        if (int(first) + 1) % 100 == int(second[-2:]):
            last = f"{int(first) + 1}"
            forms = [f"{first}{other}{year}" for other in "/-" for year in (last, last[-2:])]
        elif sign == "-" and last > first and last[:2] == first[:2] and int(last[-2:]) > MONTHS:
            forms = [f"{first}-{last}", f"{first}-{last[-2:]}"]
        else:
            continue
        yield frozenset({second, f"{first}{sign}{second}"}), forms
