"""Quarters and weeks of a year, as people of many languages write them: `III. Quartal`, `T2 2023`, `KW 21`, `2024-W21`.

Texts have a quarter as `q3` too. Used by `words` for texts and by `typed_forms` for what is typed. Pure; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.analysis.variants import OtherForms

_QUARTER: Final = (
    r"(?:quarter|quartal|kvartaa?l|kvartál|kwarta|trimestr|čtvrtlet|negyedév|(?:vuosi)?neljännes|çeyre|квартал|тримесечи"
    r"|τρίμην|τριμήν|רבעון|quý|ไตรมาส|तिमाही)\w*"
)
"""The word for a quarter of a year, with any ending."""
_IN_WORDS: Final = (
    "first second third fourth", "erste zweite dritte vierte", "erstes zweites drittes viertes",
    "ersten zweiten dritten vierten", "premier deuxième troisième quatrième",
    "premier deuxieme troisieme quatrieme", "primer segundo tercer cuarto",
    "primo secondo terzo quarto", "primeiro segundo terceiro quarto", "eerste tweede derde vierde",
    "pierwszy drugi trzeci czwarty", "pierwszym drugim trzecim czwartym", "první druhé třetí čtvrté",
    "första andra tredje fjärde", "første andet tredje fjerde", "birinci ikinci üçüncü dördüncü",
    "первый второй третий четвёртый", "первом втором третьем четвёртом",
)  # fmt: skip
_VALUES: Final = {
    **{word: number for words in _IN_WORDS for number, word in enumerate(words.split(), 1)},
    **dict(zip("i ii iii iv 一 二 三 四".split(), (1, 2, 3, 4) * 2, strict=True)),
}
_NUMBER: Final = "[1-4]|IV|I{1,3}"
_BEFORE: Final = re.compile(
    rf"(?<![\w.,:/-])(?:({_NUMBER})(\.?[ºª°]|\.|(?:er|e|i?ème|eme|st|nd|rd|th|-?[йяго]{{1,2}}))?|([^\W\d_]{{5,10}}))"
    rf" ({_QUARTER})(?P<year> (?:19|20)[0-9]{{2}})?",
    re.IGNORECASE,
)
"""Its number before it. Without an ending, a digit needs the year: `3 quarters` are another thing."""
_BEHIND: Final = re.compile(rf"(?<!\w)({_QUARTER}) ({_NUMBER})(?![\w.,:-])", re.IGNORECASE)
_FAR_EAST: Final = re.compile("(?<![0-9])第?([1-4一二三四]) ?(四半期|季度|분기)")
_LETTER: Final = re.compile(r"T(?:([1-4])(?<!\w..)[ /-]?|(?<=[1-4]T)(?<!\w..) ?)(?:19|20)[0-9]{2}(?!\w)")
"""The same in Romance languages, with its year: `T2 2023`, `2T2023`. It begins with a letter that few numbers have."""
_SIGNS_OF_ANY: Final = ("uart", "wart", "vart", "rimest")
_SIGNS_OF_OTHERS: Final = (
    "čtvrt", "negyed", "neljän", "eyre", "вартал", "римесеч", "ρίμην", "ριμήν", "רבעון", "uý", "ไตรมาส", "तिमाही",
    "四半期", "季度", "분기",
)  # fmt: skip
"""What a text has that has one of them."""

_WEEK: Final = re.compile(
    r"(?<!\w)(kw|cw|wk|kalenderwoche|week|woche|semaine|semana|settimana|uge|uke|vecka|viikko|tydzień|týden|hafta|неделя)"
    r"\.? ([0-9]{1,2})(?![\w:/-]|[.,][0-9])|(?<![^\W_])W([0-9]{2})(?!\w)",
    re.IGNORECASE,
)
_LAST_WEEK: Final = 53


def stated_quarters(text: str) -> list[str]:
    """The quarters that a readable text has in words, each once: `q3` for `III. Quartal`."""
    has_any = any(sign in text for sign in _SIGNS_OF_ANY) or (
        not text.isascii() and any(sign in text for sign in _SIGNS_OF_OTHERS)
    )
    found = [*(_quarters(text) if has_any else ()), *(_of_letter(text) if "T" in text else ())]
    return list(dict.fromkeys(quarter for quarter, _ in found))


def period_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of the quarters and weeks of a typed text."""
    for quarter, words in (*_quarters(text), *_of_letter(text)):
        yield words, [quarter]
    for name, number, of_iso in _WEEK.findall(text):
        week = int(number or of_iso)
        if 1 <= week <= _LAST_WEEK:
            forms = [f"{sign}{digits}" for sign in ("w", "kw", "cw") for digits in dict.fromkeys((f"{week:02}", week))]
            yield frozenset({name.lower(), number} if name else {f"w{of_iso}"}), forms


def _quarters(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each quarter with its word as `q3`, with the words that say so."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for match in _BEFORE.finditer(text):
        number, ending, word, name, year = match.groups()
        if word or ending or year or not number.isdecimal():
            found.append((number or word, (f"{number}{(ending or '').strip('.')}" if number else word, number, name)))
    found += [(number, (name, number)) for name, number in _BEHIND.findall(text)]
    for number, name in _FAR_EAST.findall(text):
        found.append((number, (number, *(name[place : place + 2] for place in range(len(name) - 1)))))
    for number, words in found:
        value = int(number) if number.isdecimal() else _VALUES.get(number.lower())
        if value:
            yield f"q{value}", frozenset(filter(None, (word and word.lower() for word in words)))


def _of_letter(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the same of each quarter with a letter."""
    for match in _LETTER.finditer(text):
        number = match[1] or text[match.start() - 1]
        yield f"q{number}", frozenset({f"t{number}", f"{number}t"})
