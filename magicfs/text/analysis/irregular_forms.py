"""Nouns of many languages whose plural Snowball does not connect with the singular: `Konto`, `Konten`; `œil`, `yeux`.

Used by `forms` for what is typed, as `english_forms` is for English, so that nothing of this is stored. Forms that are
as often another word are left out, such as `Daten`. Pure data and functions; any thread.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from magicfs.text.analysis.folding import fold

_FORMS: Final = {
    "arabic": (
        "عقد عقود", "شقة شقق", "كتاب كتب", "صورة صور", "رسالة رسائل", "فاتورة فواتير", "وثيقة وثائق", "بيت بيوت",
        "شهر أشهر شهور", "يوم أيام", "سعر أسعار", "مشروع مشاريع", "تقرير تقارير", "موعد مواعيد", "درس دروس",
        "مدرسة مدارس", "طالب طلاب", "طبيب أطباء", "دواء أدوية", "مفتاح مفاتيح", "عنوان عناوين", "رقم أرقام",
        "اسم أسماء", "ولد أولاد", "عامل عمال", "مدينة مدن", "دولة دول", "بنك بنوك", "قانون قوانين", "مبلغ مبالغ",
        "ضريبة ضرائب", "راتب رواتب", "تذكرة تذاكر", "جدول جداول", "قائمة قوائم", "خبر أخبار", "فكرة أفكار",
        "قصة قصص", "رجل رجال", "امرأة نساء", "طفل أطفال", "صديق أصدقاء", "غرفة غرف", "باب أبواب", "كلمة كلمات",
        "سبب أسباب", "شرط شروط", "حق حقوق", "عضو أعضاء", "مكتب مكاتب", "محضر محاضر", "شاهد شهود", "وصفة وصفات",
        "فيلم أفلام", "دفتر دفاتر", "سند سندات", "قسط أقساط", "قرض قروض", "هدية هدايا", "طريق طرق", "حفل حفلات",
    ),
    "czech": (
        "člověk lidé lidi", "dítě děti", "dům domy domu", "oko oči", "ucho uši", "přítel přátelé", "den dny dnů",
        "týden týdny", "stůl stoly stolu", "smlouva smluv", "účet účty účtu", "platba plateb", "stavba staveb",
    ),
    "danish": (
        "bog bøger", "mand mænd", "hånd hænder", "fod fødder", "tand tænder", "nat nætter", "barn børn", "gås gæs",
        "datter døtre", "moder mødre", "broder brødre", "øje øjne", "kraft kræfter", "stang stænger", "tang tænger",
    ),
    "dutch": (
        "stad steden", "kind kinderen", "ei eieren", "schip schepen", "museum musea", "lid leden", "blad bladeren",
        "politicus politici", "centrum centra", "rund runderen", "lied liederen",
    ),
    "french": (
        "travail travaux", "vitrail vitraux", "bail baux", "corail coraux", "émail émaux", "œil yeux", "ciel cieux",
        "monsieur messieurs", "madame mesdames", "mademoiselle mesdemoiselles", "soupirail soupiraux",
    ),
    "german": (
        "museum museen", "konto konten", "thema themen", "firma firmen", "praxis praxen", "visum visa",
        "praktikum praktika", "zentrum zentren", "album alben", "studium studien", "risiko risiken", "villa villen",
        "medium medien", "virus viren", "kaktus kakteen", "lexikon lexika", "globus globen", "drama dramen",
        "stadium stadien", "gymnasium gymnasien", "ministerium ministerien", "gremium gremien",
        "kriterium kriterien", "prinzip prinzipien", "material materialien", "individuum individuen",
    ),
    "hebrew": (
        "איש אנשים", "אישה נשים", "בת בנות", "בן בנים", "עיר ערים", "בית בתים", "יום ימים", "שנה שנים", "אח אחים",
    ),
    "hungarian": ("ló lovak", "kő kövek", "tó tavak", "szó szavak", "falu falvak"),
    "italian": ("uomo uomini", "tempio templi", "bue buoi"),
    "norwegian": (
        "bok bøker", "mann menn", "hånd hender", "fot føtter", "tann tenner", "natt netter", "gås gjess", "ku kyr",
        "datter døtre", "mor mødre", "bror brødre", "bonde bønder", "kraft krefter", "rot røtter", "øye øyne",
    ),
    "polish": (
        "człowiek ludzie ludzi", "dziecko dzieci", "pies psy psa", "dzień dni dnia", "tydzień tygodnie", "ręka ręce",
        "oko oczy", "ucho uszy", "brat bracia", "ksiądz księża", "przyjaciel przyjaciele", "stół stoły stołu",
    ),
    "romanian": (
        "om oameni", "carte cărți", "factură facturi", "soră surori", "mână mâini", "scrisoare scrisori", "fată fete",
        "cheie chei", "masă mese",
    ),
    "russian": (
        "человек люди людей", "ребёнок дети детей", "друг друзья", "сын сыновья", "день дни дней", "отец отца отцы",
        "список списки списка", "рисунок рисунки", "подарок подарки", "рынок рынки рынка", "снимок снимки",
        "ошибка ошибок", "справка справок", "покупка покупок", "поездка поездок", "заметка заметок",
        "письмо писем", "окно окон", "платёж платежи платежей",
    ),
    "swedish": (
        "bok böcker", "hand händer", "man män", "fot fötter", "tand tänder", "natt nätter", "stad städer",
        "bonde bönder", "mus möss", "gås gäss", "dotter döttrar", "moder mödrar", "broder bröder", "fader fäder",
        "rot rötter", "land länder", "son söner", "öga ögon", "öra öron",
    ),
}  # fmt: skip
"""The forms of each noun, by the algorithm of its language; Hebrew has none."""
_ARTICLE: Final = "ال"


@cache
def _families(algorithm: str) -> dict[str, tuple[str, ...]]:
    """All forms of a noun by each of them, folded."""
    families = [tuple(family.split()) for family in _FORMS.get(algorithm, ())]
    return {fold(form): family for family in families for form in family}


def irregular_forms(word: str, algorithm: str) -> list[str]:
    """The other forms of a folded noun in a language; none of most words."""
    families = _families(algorithm)
    family = families.get(word, ())
    if not family and algorithm == "arabic" and word.startswith(_ARTICLE):
        word = word.removeprefix(_ARTICLE)
        family = families.get(word, ())
    return [form for form in family if fold(form) != word]
