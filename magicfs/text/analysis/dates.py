"""Other forms of the dates that are typed in a question: `12.11.15` for `12.11.2015`, `2022-06` for `June 2022`.

`stated_days` has what texts and names state of days. Pure functions; any thread.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from magicfs.text.analysis.folding import fold

_DATE: Final = re.compile(r"(?<![\w./-])([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![\w/-]|\.[0-9])")
_COMPACT: Final = re.compile(r"(?<![\w./-])((?:19|20)[0-9]{2})([01][0-9])([0-3][0-9])(?![\w/-]|\.[0-9])")
_FIRST_OTHER: Final = "\u0370"
_YEAR_DIGITS: Final = 4
_SHORT: Final = 2
_MAX_DATES: Final = 4
MONTHS: Final = 12
DAYS: Final = 31
_CACHED_WORDS: Final = 1024

_NAMES: Final = (
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "jan feb mrz apr mai jun jul aug sept okt nov dez",
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "ene feb mar abr may jun jul agosto sept oct nov dic",
    "gen feb mar apr mag giu lug agosto settembre ott nov dic",
    "jan fev mar abr mai jun jul agosto setembro outubro nov dez",
    "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "sty lut mar kwi maj cze lipca sie wrz paź lis gru",
    "oca şub mar nis may haz tem ağu eyl eki kas ara",
    "янв февр март апр мая июнь июль авг сент окт нояб дек",
    "янв фев мар апр мая июн июл авг сен окт ноя дек",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "januar februar marts april maj juni juli august september oktober november desember",
    "januari februari maret april mei juni juli agustus september oktober november desember",
    "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "január február március április május június július augusztus szeptember október november december",
    "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "січень лютий березень квітень травень червень липень серпень вересень жовтень листопад грудень",
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "ιανουάριος φεβρουάριος μάρτιος απρίλιος μάιος ιούνιος ιούλιος αύγουστος σεπτέμβριος οκτώβριος νοέμβριος δεκέμβριος",  # noqa: E501
    "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου δεκεμβρίου",  # noqa: E501
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
    "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
)
"""The names of the twelve months by language, in the forms in which they stand before a year, and their abbreviations
but for those that are English words."""


@cache
def _month_of(*, is_latin: bool) -> dict[str, int]:
    """The month of each name, folded, of those in Latin letters or of the others, for which folding makes tables."""
    lines = [names for names in _NAMES if (names < _FIRST_OTHER) == is_latin]
    return {name: month for names in lines for month, name in enumerate(fold(names).split(), 1)}


@lru_cache(maxsize=_CACHED_WORDS)
def month_number(name: str) -> int | None:
    """The month of a name, in any case and of any language; None for another word."""
    return _month_of(is_latin=name < _FIRST_OTHER).get(fold(name))


_MONTH: Final = re.compile(r"([^\s\d.,]{2,12})[.,]? (?:de |del )?([12][0-9]{3})(?![\w/-]|\.[0-9])")
_YEAR_FIRST: Final = re.compile(r"(?<![\w./-])([12][0-9]{3}) ([^\s\d.,]{2,12})")
_ISO: Final = re.compile("[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?")
_NAMED: Final = r"(?P<name>[^\s\d.,-]{2,12})"
_NUMBERED: Final = r"(?P<day>[0-9]{1,2})(?P<ending>[^\W\d_]{0,2})"
_OF_YEAR: Final = r"(?P<year>[12][0-9]{3})(?![\w/-]|\.[0-9])"
_NAMED_DAY: Final = re.compile(
    rf"(?<![\w./-]){_NUMBERED}\.?[ -](?:of |de )?{_NAMED}[.,]{{0,2}}[ -](?:del? )?{_OF_YEAR}"
)
_NAMED_DAY_SECOND: Final = re.compile(rf"{_NAMED}\.? {_NUMBERED},? {_OF_YEAR}")
"""A day with the name of its month, in the two orders."""

Forms = list[tuple[frozenset[str], str]]
"""Other forms of what is typed, each with the words that it may stand for."""


def date_forms(text: str) -> Forms:
    """Other forms of the first dates and months of a typed text. Each is looked up, and a text with many is pasted."""
    found: Forms = []
    for first, sign, second, third in _DATE.findall(text)[:_MAX_DATES]:
        days = [(third, second, first)] if len(first) <= _SHORT else [(first, second, third)]
        if sign == "/" and len(first) <= _SHORT:
            days.append((third, first, second))
        forms = [form for day in days for form in _of_day(*day, sign)]
        if sign == "-" and len(first) == _YEAR_DIGITS:
            forms += _with_short_year(first, second, third)
        found += [(frozenset({first, second, third}), form) for form in forms]
    for year, month, day in _COMPACT.findall(text)[:_MAX_DATES]:
        found += [(frozenset({year + month + day}), form) for form in _of_day(year, month, day, ".")]
    for match in [*_NAMED_DAY.finditer(text), *_NAMED_DAY_SECOND.finditer(text)][:_MAX_DATES]:
        found += _forms_of_named_day(match)
    months = _MONTH.findall(text) + [(name, year) for year, name in _YEAR_FIRST.findall(text)]
    for name, year in months[:_MAX_DATES]:
        month = month_number(name)
        if month is not None:
            forms = [f"{year}-{month:02}", f"{month:02}.{year}", f"{month:02}/{year}"]
            found += [(frozenset({name}), form) for form in forms]
    return found


def whole_date(text: str) -> list[str]:
    """A typed text that is a day or a month, in ISO 8601, in each way to read it; none for another text."""
    typed = text.lower().replace("_", " ")
    pieces = set(re.findall(r"[^\W_]+", typed)) - {"of", "de", "del"}
    if _ISO.fullmatch(typed):
        return [typed]
    is_month = _MONTH.fullmatch(typed) is not None
    forms = [form for words, form in date_forms(typed) if is_month or pieces <= words]
    return list(dict.fromkeys(filter(_ISO.fullmatch, forms)))


def _forms_of_named_day(match: re.Match[str]) -> Forms:
    """The forms in digits of a day with the name of its month. Each stands for all three words."""
    day, name, year = match["day"], match["name"], match["year"]
    month = month_number(name)
    if month is None:
        return []
    words = frozenset({day + match["ending"], name.lower(), year})
    forms = _of_day(year, str(month), day, ".") + _of_day(year, str(month), day, "/")
    if int(day) <= DAYS:  # the order of the United States
        forms += [f"{month}/{int(day)}/{year}", f"{month:02}/{day.zfill(_SHORT)}/{year}"]
    return [(words, form) for form in dict.fromkeys(forms)]


def _with_short_year(year: str, month: str, day: str) -> list[str]:
    """The ways to write a day with two digits of its year: letters, tickets and chats have it so."""
    forms = [form for sign in "./" for form in _of_day(year, month, day, sign)]
    forms += [f"{int(month)}/{int(day)}/{year[-_SHORT:]}"] if forms else []
    return [form for form in dict.fromkeys(forms) if len(re.split("[./]", form)[-1]) == _SHORT]


def _of_day(year: str, month: str, day: str, sign: str) -> list[str]:
    """The ways to write a day; none of what is no day."""
    if not (1 <= int(month) <= MONTHS and 1 <= int(day) <= DAYS) or len(year) not in {_SHORT, _YEAR_DIGITS}:
        return []
    years = [year] if len(year) == _YEAR_DIGITS else ["20" + year, "19" + year]
    month, day = month.zfill(_SHORT), day.zfill(_SHORT)
    forms = [form for full in years for form in (f"{full}-{month}-{day}", full + month + day)]
    spelt = [(day, month), (day.lstrip("0"), month.lstrip("0"))] if sign != "-" else []
    forms += [f"{first}{sign}{second}{sign}{last}" for first, second in spelt for last in (*years, year[-_SHORT:])]
    return list(dict.fromkeys(forms))
