"""The names of the months in some forty languages, each with its number.

Used by `dates` for what is typed and by `stated_days` for texts and names. Pure data and functions; any thread.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from magicfs.text.analysis.folding import fold

_FIRST_OTHER: Final = "\u0370"
_MIN_CHARACTERS: Final = 4
_CACHED_WORDS: Final = 1024
_NONE: Final = "-"

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
    "ιανουάριος φεβρουάριος μάρτιος απρίλιος μάιος ιούνιος ιούλιος αύγουστος σεπτέμβριος οκτώβριος νοέμβριος δεκέμβριος",
    "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου δεκεμβρίου",
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
    "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
    "ιαν φεβ μαρ απρ μαΐ ιουν ιουλ αυγ σεπ οκτ νοε δεκ",
    "січ лют бер кві тра чер лип сер вер жов лис гру",
    "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra",
    "január február marec apríl máj jún júl august september október november december",
    "januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra decembra",
    "januar februar marec april maj junij julij avgust september oktober november december",
    "januar februar mart april maj jun jul avgust septembar oktobar novembar decembar",
    "јануар фебруар март април мај јун јул август септембар октобар новембар децембар",
    "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna - studenoga prosinca",
    "siječanj veljača ožujak travanj svibanj lipanj srpanj kolovoz rujan - studeni prosinac",
    "януари февруари март април май юни юли август септември октомври ноември декември",
    "студзеня лютага сакавіка красавіка мая чэрвеня ліпеня жніўня верасня кастрычніка лістапада снежня",
    "sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio gruodžio",
    "janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris decembris",
    "janvārī februārī martā aprīlī maijā jūnijā jūlijā augustā septembrī oktobrī novembrī decembrī",
    "jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember",
    "gener febrer març abril maig juny juliol agost setembre octubre novembre desembre",
    "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta",
    "tammikuussa helmikuussa maaliskuussa huhtikuussa toukokuussa kesäkuussa heinäkuussa elokuussa syyskuussa lokakuussa marraskuussa joulukuussa",
    "janúar febrúar mars apríl maí júní júlí ágúst september október nóvember desember",
    "januari februari - april mei jun julai ogos september oktober november disember",
    "- شباط آذار نيسان أيار حزيران تموز آب أيلول - - -",
    "جانفي فيفري مارس أفريل ماي جوان جويلية أوت سبتمبر أكتوبر نوفمبر ديسمبر",
    "ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر",
    "جنوری فروری مارچ اپریل مئی جون جولائی اگست ستمبر اکتوبر نومبر دسمبر",
    "בינואר בפברואר במרץ באפריל במאי ביוני ביולי באוגוסט בספטמבר באוקטובר בנובמבר בדצמבר",
    "- - - - - - - - - अक्तूबर - -",
    "জানুয়ারি ফেব্রুয়ারি মার্চ এপ্রিল মে জুন জুলাই আগস্ট সেপ্টেম্বর অক্টোবর নভেম্বর ডিসেম্বর",
    "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม",
)
"""The names of the twelve months by language, in the forms in which they stand before a year, and their abbreviations
but for those that are English words. A hyphen stands for a name that is another month in another language."""

_SHORT_NAMES: Final = (
    "jan feb mar apr may jun jul aug sep oct nov dec mrz okt mai maj mei máj maí jún júl "
    "янв фев мар апр май мая июн июл авг сен окт ноя дек мај јун јул юни юли ιαν φεβ μαρ απρ μαΐ αυγ σεπ οκτ νοε δεκ "
    "מרץ מאי मई जून মে জুন ماي مئی جون آب أوت اوت"
)
_ALONE: Final = frozenset(_SHORT_NAMES.split())
"""The shorter names that are months without a day too: most abbreviations are words of some language."""
_OTHER_WORDS: Final = frozenset(
    {"augusta", "jula", "julius", "juna", "junius", "maija", "marc", "marco", "marta", "zari"}
)
"""Forms of names of months that are mostly names of people and places: those without their accents, and a genitive."""
_WORDS_IN_LOWER_CASE: Final = frozenset({"dec", "mar", "march", "may"})

_BETWEEN_SIGNS: Final = {"ago": 8, "set": 9, "out": 10}
"""Abbreviations that are English words: they are months between a day and a year with signs, as in `15/set/2016`."""

NAME: Final = r"[^\W\d_][^\s\d_.,:;!?()\[\]/\\\"'<>=+*#|-]{1,13}"
"""What may be such a name: letters, and marks of scripts whose vowels are some."""
DAYS: Final = 31
MONTHS: Final = 12


@cache
def _month_of(*, is_latin: bool) -> dict[str, int]:
    """The month of each name, folded, of those in Latin letters or of the others, for which folding makes tables."""
    lines = [names for names in _NAMES if (names.lstrip(f"{_NONE} ") < _FIRST_OTHER) == is_latin]
    named = ((name, month) for names in lines for month, name in enumerate(fold(names).split(), 1))
    return {name: month for name, month in named if name != _NONE}


@lru_cache(maxsize=_CACHED_WORDS)
def month_number(name: str) -> int | None:
    """The month of a name, in any case and of any language; None for another word."""
    return _month_of(is_latin=name < _FIRST_OTHER).get(fold(name))


def month_between_signs(name: str) -> int | None:
    """The month of a name between a day and a year with signs and no blanks, as in `15/set/2016`; None for another."""
    return _BETWEEN_SIGNS.get(name.lower()) or month_number(name)


@lru_cache(maxsize=_CACHED_WORDS)
def month_names(name: str) -> list[str]:
    """The names of the month of a name, folded, that are longer or shorter than it; none for another word."""
    month, typed = month_number(name), fold(name)
    if month is None:
        return []
    named = _month_of(is_latin=name < _FIRST_OTHER)
    return [
        other
        for other, number in named.items()
        if number == month and other != typed and (other.startswith(typed) or typed.startswith(other))
    ]


def month_of_any_year(month: int) -> str:
    """A month without its year, as ISO 8601 has written it: `--04`."""
    return f"--{month:02}"


@cache
def names_of_month(month: int) -> list[str]:
    """The names of a month in all languages, folded, but for those that are mostly other words."""
    named = (*_month_of(is_latin=True).items(), *_month_of(is_latin=False).items())
    return [name for name, number in named if number == month and month_alone(name, has_case=False)]


def month_alone(name: str, *, has_case: bool) -> int | None:
    """The month of a name that has a year and no day; None for another word, and for what is mostly another word.

    With `has_case`, the name is of a running text, where an English one has a capital.
    """
    word = name.lower()
    if word in _OTHER_WORDS or (len(word) < _MIN_CHARACTERS and word not in _ALONE):
        return None
    return None if has_case and name in _WORDS_IN_LOWER_CASE else month_number(name)
