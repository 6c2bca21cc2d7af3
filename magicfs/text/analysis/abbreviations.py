"""Abbreviations of what stands beside a number: `fig. 3` for `figure 3`, `5 km` for `5 kilometres`, `Thu`, `Dec 24`.

Used by `typed_forms` for what is typed: a text may have the other one. Pure data and functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.months import DAYS, MONTHS, NAME, month_alone, month_names, month_of_any_year, names_of_month
from magicfs.text.analysis.variants import OtherForms

_BEFORE: Final = (
    "art article articles artikel articolo articulo artigo",
    "abs absatz",
    "kap kapitel",
    "ch chap chapter chapters chapitre",
    "cap capitulo capitolo",
    "sec sect section sections",
    "vol volume volumes",
    "fig figs figure figures figura",
    "abb abbildung abbildungen",
    "tab table tables tabelle tabla",
    "eq equation equations",
    "nr nummer nummern no num number numero",
    "bd band",
    "p pp page pages pag pagina",
    "s seite seiten",
    "kw cw wk week woche kalenderwoche semaine semana settimana uge uke vecka viikko tydzien tyden hafta неделя",
    "app appendix",
    "anh anhang",
    "гл глава",
    "стр страница",
    "ст статья",
)
_BEHIND: Final = (
    "mio mln million millions millionen millones",
    "mrd mld milliarde milliarden milliards",
    "tsd tausend",
    "aufl auflage",
    "ed edition",
    "jh jhdt jahrhundert",
    "mm millimeter millimeters millimetre millimetres",
    "cm centimeter centimeters centimetre centimetres zentimeter",
    "km kilometer kilometers kilometre kilometres kilometern kilometros chilometri",
    "m2 qm quadratmeter quadratmetern",
    "kg kilo kilos kilogram kilograms kilogramm",
    "lb lbs pound pounds",
    "oz ounce ounces",
    "ft feet",
    "ml milliliter milliliters millilitre millilitres",
    "tbsp tablespoon tablespoons",
    "tsp teaspoon teaspoons",
    "el essloffel",
    "tl teeloffel",
    "min minute minutes minuten minutos minuti",
    "hr hrs hour hours",
    "std stunde stunden",
    "sec secs second seconds",
    "kb kilobyte kilobytes",
    "mb megabyte megabytes",
    "gb gigabyte gigabytes",
    "tb terabyte terabytes",
    "тыс тысяч тысячи",
    "млн миллион миллиона миллионов",
    "руб рублей рубля рубль",
)
"""What has the same meaning before a number, and behind one, all folded. A single letter is typed, and never looked
for: texts have it for many things."""


_TITLES: Final = {
    "dr": "doktor doctor docteur dottore", "doktor": "dr", "doctor": "dr", "docteur": "dr", "dottore": "dr",
    "prof": "professor professeur professore", "professor": "prof", "professeur": "prof", "professore": "prof",
    "st": "sankt saint sint", "sankt": "st", "saint": "st", "sint": "st", "ste": "sainte", "sainte": "ste",
    "bros": "brothers", "brothers": "bros", "dept": "department", "department": "dept",
    "corp": "corporation", "corporation": "corp", "univ": "university", "university": "univ",
}  # fmt: skip
"""What is abbreviated in names of persons, places and companies."""
_TITLE: Final = re.compile(rf"(?<!\w)(?:(st)(?=[. -]{{1,2}}[^\W\d_]{{3}})|({'|'.join(_TITLES)}))(?!\w)", re.IGNORECASE)
"""`St` at the end of a text is a street."""

_WEEKDAYS: Final = (
    "monday mon", "tuesday tue tues", "wednesday wed weds", "thursday thu thur thurs", "friday fri", "saturday sat",
    "sunday sun", "montag mo", "dienstag di", "mittwoch mi", "donnerstag do", "freitag fr", "samstag sa", "sonntag so",
    "понедельник пн", "вторник вт", "среда ср", "четверг чт", "пятница пт", "суббота сб", "воскресенье вс",
)  # fmt: skip
_OTHER_WORDS: Final = frozenset("mon wed sat sun mo di mi do fr sa so".split())
"""Short names of days that are other words too: typed, they stand before a number, and they are never looked for."""


def _families(groups: tuple[str, ...]) -> dict[str, list[str]]:
    families = [group.split() for group in groups]
    return {
        word: [other for other in family if other != word and len(other) > 1] for family in families for word in family
    }


_FAMILIES_BEFORE: Final = _families(_BEFORE)
_FAMILIES_BEHIND: Final = _families(_BEHIND)
_WORD_BEFORE: Final = re.compile(r"(?<!\w)([^\W\d_]{1,12})\.? ?(?=[0-9]|[ivxIVX]+(?!\w))")
_WORD_BEHIND: Final = re.compile(r"[0-9](?:\.|st|nd|rd|th)?[ -]?([^\W\d_]{2,13}2?)(?!\w)")
_DAY_OF_WEEK: Final = {
    word: [other for other in family.split() if other != word and other not in _OTHER_WORDS]
    for family in _WEEKDAYS
    for word in family.split()
}
_TYPED_DAY_OF_WEEK: Final = re.compile(
    rf"(?<!\w)({'|'.join(sorted(_DAY_OF_WEEK, key=len, reverse=True))})(?!\w)([.,]{{0,2}} [0-9])?", re.IGNORECASE
)
_PARAGRAPH: Final = re.compile(r"(?<!\w)(paragraph|paragraf|section) ([0-9]{1,4})(?![\w.,:/-])", re.IGNORECASE)
"""What a law writes with a sign."""
_DAY_AND_MONTH: Final = re.compile(
    rf"(?<![\w.,:/-])([0-9]{{1,2}})(?:st|nd|rd|th|er|\.)? (?:of |de )?({NAME})(?!\w)"
    rf"|(?<!\w)({NAME})\.? (?=([0-9]{{1,2}})(?:st|nd|rd|th)?(?![\w:/-]|[.,][0-9]))"
)

_DAY_IN_DIGITS: Final = re.compile(r"(?<![\w./-])([0-9]{1,2})\.([0-9]{1,2})\.(?![\w/-])")
"""A day without its year. The second point tells it from another number."""
_STATED_DAY: Final = re.compile(
    r"[0-9](?:(?<![\w./-].)|(?<=\.[/-].)|(?<=\.[12][0-9]{3}[/-].))"
    r"(?:[0-9]?\.[0-9]{1,2}\.(?:(?:[12][0-9])?[0-9]{2})?|[0-9]{3}-[0-9]{2}-[0-9]{2})"
    r"(?!\w|[/-](?![0-9]{1,2}\.[0-9]{1,2}\.))"
)
"""The same with its year or without, and in ISO 8601; also beside another one: `3.4.-5.4.`"""
_DIGITS: Final = 2
"""The digits of a day or a month; a longer number is a year."""


_NAME_OF_MONTH: Final = re.compile(rf"(?<![\w'’.-]){NAME}(?![\w'’-])")
_FEW_WORDS: Final = 3


def stated_days_of_year(text: str) -> list[str]:
    """The days of a readable text in digits without their year, each once: `--12-24` for `24.12.` and `24.12.2024`."""
    found = (re.split("[.-]", day) for day in _STATED_DAY.findall(text))
    days = (
        _day_of_year(last, second) if len(first) > _DIGITS else _day_of_year(first, second)
        for first, second, last in found
    )
    return list(dict.fromkeys(filter(None, days)))


def typed_days_of_year(text: str) -> dict[str, tuple[str, list[str]]]:
    """The days without a year that are typed in digits, each with its month, and with what a text may have instead.

    The last point of a question may be that of a sentence: `new in version 2.5.` is found as that number too.
    """
    days: dict[str, tuple[str, list[str]]] = {}
    for match in _DAY_IN_DIGITS.finditer(text):
        day, month = match.groups()
        if form := _day_of_year(day, month):
            ends_sentence = not text[match.end() :].strip() and text[: match.start()].strip()
            number = [f"{day}.{month}"] if ends_sentence else []
            days[f"{day}.{month}"] = month, [form, *names_of_month(int(month)), *number]
    return days


def _day_of_year(day: str, month: str) -> str:
    """A day without its year, as ISO 8601 writes it; empty for anything else."""
    is_day = 1 <= int(day) <= DAYS and 1 <= int(month) <= MONTHS
    return f"--{int(month):02}-{int(day):02}" if is_day else ""


def abbreviation_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of the words beside numbers in a typed text: `figure` for `fig. 3`, `§433`."""
    for pattern, families in ((_WORD_BEFORE, _FAMILIES_BEFORE), (_WORD_BEHIND, _FAMILIES_BEHIND)):
        for word in pattern.findall(text):
            if others := families.get(fold(word)):
                yield frozenset({word}), others
    for word, number in _PARAGRAPH.findall(text):
        yield frozenset({word, number}), [f"§{number}"]


def title_forms(text: str) -> Iterator[OtherForms]:
    """Yield `st` for `Sankt Pölten`, `sankt` and `saint` for `St. Pölten`, and the same of titles."""
    for saint, title in _TITLE.findall(text):
        word = (saint or title).lower()
        if saint or word != "st":
            yield frozenset({word}), _TITLES[word].split()


def short_months(text: str) -> Iterator[OtherForms]:
    """Yield `dec` for `December 24`, and `december` for `24 Dec`."""
    for day, name, first_name, last_day in _DAY_AND_MONTH.findall(text):
        others = month_names(name or first_name)
        if others and 1 <= int(day or last_day) <= DAYS:
            yield frozenset({name or first_name}), others


def days_without_year(text: str) -> Iterator[OtherForms]:
    """Yield the names of the month of `24.12.`; and for that of `24 Dec` the other names and the day in digits."""
    for day, month in _DAY_IN_DIGITS.findall(text):
        if _day_of_year(day, month):
            yield frozenset({month}), names_of_month(int(month))
    for name, day, month in _days_with_names(text):
        forms = [form for one, other in _in_digits(day, month) for form in (f"{one}/{other}", f"{other}/{one}")]
        yield frozenset({name}), [_day_of_year(f"{day}", f"{month}"), *forms, *names_of_month(month)]


def days_as_decimals(text: str) -> Iterator[OtherForms]:
    """Yield `24.12` for the month of `24 Dec`. Texts with `24.12.` have its day of the year too, which counts more."""
    for name, day, month in _days_with_names(text):
        yield frozenset({name}), [f"{one}.{other}" for one, other in _in_digits(day, month)]


def months_of_any_year(text: str) -> Iterator[OtherForms]:
    """Yield `--04` for `April` in a typed text without numbers: names with a month and its year have it.

    A few words are no running text, where `may` is a verb.
    """
    if any(map(str.isdigit, text)):
        return
    has_case = len(text.split()) > _FEW_WORDS
    for name in _NAME_OF_MONTH.findall(text):
        if month := month_alone(name, has_case=has_case):
            yield frozenset({name}), [month_of_any_year(month)]


def _days_with_names(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the name of the month of each day such as `24 Dec`, and the numbers of the day and the month."""
    for day, name, first_name, last_day in _DAY_AND_MONTH.findall(text):
        number, month = int(day or last_day), month_alone(name or first_name, has_case=False)
        if month and 1 <= number <= DAYS:
            yield name or first_name, number, month


def _in_digits(day: int, month: int) -> list[tuple[str, str]]:
    """The digits of a day and a month, without zeros before them and with them."""
    return list(dict.fromkeys([(f"{day}", f"{month}"), (f"{day:02}", f"{month:02}")]))


def weekday_forms(text: str) -> Iterator[OtherForms]:
    """Yield `thurs` for `Thursday`, and the whole name for a short one."""
    for name, number in _TYPED_DAY_OF_WEEK.findall(text):
        word = name.lower()
        if number or word not in _OTHER_WORDS:
            yield frozenset({name}), _DAY_OF_WEEK[word]
