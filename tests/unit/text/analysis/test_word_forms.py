"""The forms of a word that a question finds: stems of many languages, irregular forms, words written together."""

from __future__ import annotations

import pytest

from magicfs.domain.query import STEM_MARK
from magicfs.text.analysis import analyze, forms_in_one_piece, question_terms
from magicfs.text.analysis.forms import EXACT_BONUS
from tests.unit.text.analysis.vectors import missed, positions, share


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("de", "in den Häusern und Gärten", "Haus Garten"),
        ("fr", "des maisons anciennes", "maison ancienne"),
        ("ru", "книги и журналы", "книга журнал"),
        ("es", "las canciones", "canción"),
        ("ar", "الكتاب", "كتاب"),
        ("ar", "أرباح الشركات والمعلومات", "شركات شركة معلومات"),
        ("ar", "اشترى سيارات", "السيارات سيارة والسيارات للسيارات بالسيارات"),
        ("ar", "والكتاب فالمدرسة والبيت", "كتاب مدرسة بيت"),
        ("ar", "كتاب مدرسة", "والكتاب فالمدرسة"),
        ("ar", "إيجار الشقة والسنة", "شقة سنة بالشقة"),
        ("pt", "exercícios fáceis, níveis, túneis, répteis e mísseis", "fácil nível túnel réptil míssil"),
        ("pt", "as avaliações dos jornais e papéis dos homens alemães", "avaliação jornal papel homem alemão"),
        ("hi", "किसानों ने खेतों में किताबें रखीं", "किसान खेत किताब"),
        ("ta", "பள்ளிகள் திறந்தன", "பள்ளி"),
        ("pl", "Podpisano umowy najmu", "umowa umową"),
        ("cs", "Podpis smlouvy a knihy", "smlouva kniha"),
        ("fa", "کتاب‌هایم در خانه‌ها", "کتاب خانه"),
        ("id", "bukunya dibayar", "buku membayar"),
        ("sr", "уговори и књиге", "уговор књига"),
        ("hr", "ugovori i knjige", "ugovor knjiga"),
        ("hy", "սեղանի վրա", "սեղան"),
        ("lt", "sutartys ir knygos", "knyga"),
        ("et", "uued raamatud", "raamat"),
        ("nl", "de huizen en boeken", "huis boek"),
        ("nl", "de steden en musea", "stad museum"),
        ("es", "los lápices, las luces y los niños felices", "lápiz luz feliz"),
        ("es", "un pez y una voz", "peces voces"),
        ("fr", "les travaux du bail", "travail baux"),
        ("de", "Konten, Themen und Museen", "Konto Thema Museum"),
        ("fi", "sopimuksessa ja todistukset", "sopimus todistus"),
        ("fi", "vuokrasopimus", "vuokrasopimuksen"),
        ("tr", "kira sözleşmesi, faturalar ve sigortası", "sözleşme fatura sigorta"),
        ("tr", "sözleşme ve adres", "sözleşmesi adresi"),
        ("tr", "bu yemek iyidir", "iyi"),
        ("tr", "hava iyiydi", "iyi"),
        ("ar", "عقود الشقق والصور", "عقد شقة"),
        ("ar", "العقد", "عقود"),
        ("cs", "den, dům a smluv", "dny domy smlouva"),
        ("ru", "люди и списки", "человек список"),
        ("sv", "böcker och händer", "bok hand"),
    ],
)
def test_words_have_the_stems_of_their_language(language: str, text: str, question: str) -> None:
    assert share(text, question, language=language) == 1.0


def test_a_parent_in_arabic_is_no_word_with_an_article() -> None:
    assert "^دين" not in positions(analyze("والدين", language="ar"))
    assert "^سلام" in positions(analyze("والسلام", language="ar"))


@pytest.mark.parametrize(
    ("text", "question"), [("பள்ளிகள்", "பள்ளி"), ("notes on खेतों", "खेत"), ("οι λογαριασμοί", "λογαριασμός")]
)
def test_words_of_a_script_with_one_algorithm_need_no_language(text: str, question: str) -> None:
    assert share(text, question) == 1.0


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("the children and their mice", "child mouse"),
        ("one child, one mouse", "children mice"),
        ("two policewomen with knives", "policewoman knife"),
        ("matrices and analyses", "matrix analysis"),
        ("she went and bought it", "going buy"),
        ("they go and buy", "gone bought"),
        ("it was written and sent", "writing sends"),
        ("the colour of the centre", "color center"),
        ("favorite colors", "favourite colour"),
        ("organised by analysing metres", "organize analyzed meter"),
        ("our counsellors", "counselor"),
    ],
)
def test_a_word_stands_for_its_irregular_forms_and_other_spellings(text: str, question: str) -> None:
    assert share(text, question) == 1.0
    words = positions(analyze(text))
    for term in question_terms(question, languages=["en"]):
        best = max(lexeme.factor for lexeme in term.lexemes)
        assert all(lexeme.factor < best for lexeme in term.lexemes if lexeme.text in words), "another form counts less"


@pytest.mark.parametrize("word", ["hour", "contours", "supervise", "precise", "leaves", "left", "saw", "noise"])
def test_a_word_does_not_stand_for_words_that_look_alike(word: str) -> None:
    [term] = question_terms(word, languages=["en"])
    assert all(lexeme.factor >= EXACT_BONUS and lexeme.text.lstrip("^") in word for lexeme in term.lexemes)


def test_an_irregular_plural_has_no_stem_that_is_another_word() -> None:
    [term] = question_terms("Thema", languages=["en", "de"])
    assert {lexeme.text for lexeme in term.lexemes} >= {"thema", "themen"}
    assert "them" not in {lexeme.text for lexeme in term.lexemes}


@pytest.mark.parametrize(("language", "word"), [("en", "AED"), ("tr", "ada"), ("tr", "ata")])
def test_a_stem_of_one_letter_is_another_word(language: str, word: str) -> None:
    texts = {lexeme.text for term in question_terms(word, languages=[language]) for lexeme in term.lexemes}
    assert STEM_MARK + word[0].lower() not in texts
    assert share(f"{word} 500", word, language=language) == 1.0


@pytest.mark.parametrize(("text", "question"), [("three AEDs in the hall", "AED"), ("an AED in the hall", "AEDs")])
def test_a_word_with_a_stem_of_one_letter_is_found_in_the_other_number(text: str, question: str) -> None:
    assert share(text, question) == 1.0
    assert share("a plan for the hall", question) == 0.0


def test_a_stem_of_two_letters_is_no_word() -> None:
    [term] = question_terms("init", languages=["en", "fi"])
    assert "in" not in {lexeme.text for lexeme in term.lexemes}


HEBREW = [
    ("הדירה שבתל אביב נמכרה למשפחה מירושלים", "דירה תל אביב משפחה ירושלים"),
    ("המפתחות נמסרו בבנק לעורך הדין", "מפתחות בנק עורך דין"),
    ("בחשבונית הופיעה טעות, ולכן ביקשנו מהספק זיכוי כשהגיע המשלוח", "חשבונית ספק משלוח"),
    ("הוועדה התכנסה", "ועדה"),
    ("החשבוניות של הספקים והדירות", "חשבונית ספק דירה"),
    ("מסמכים ותמונות", "מסמך תמונה"),
    ("חשבונית של ספק", "חשבוניות ספקים"),
    ("מסמך על דירה", "מסמכים דירות"),
    ("האנשים באו", "איש"),
]


@pytest.mark.parametrize(("text", "question"), HEBREW)
def test_a_word_of_hebrew_is_found_behind_the_words_that_are_written_with_it(text: str, question: str) -> None:
    assert share(text, question) == 1.0
    assert share(question, text.split(maxsplit=1)[0]) == 1.0


def test_a_short_stem_of_another_language_counts_less_than_the_word() -> None:
    [term] = question_terms("marmot", languages=["en", "hu"])
    factors = {lexeme.text: lexeme.factor for lexeme in term.lexemes}
    assert factors[f"{STEM_MARK}mar"] < 0.5 * factors["marmot"], "a text about March is not about marmots"
    [term] = question_terms("going", languages=["en"])
    assert {lexeme.text: lexeme.factor for lexeme in term.lexemes}[f"{STEM_MARK}go"] == 1.0


def test_two_words_stand_for_their_compound_in_either_order_where_people_make_compounds() -> None:
    def forms(question: str, *languages: str) -> set[str]:
        return {form.text for _, found in forms_in_one_piece(question, languages=languages) for form in found}

    assert {"vertragarbeit", "arbeitvertrag", "arbeitsvertrag"} <= forms("Vertrag Arbeit", "en", "de")
    assert forms("base data", "en", "fr").isdisjoint({"database", "databas"})
    assert "database" not in forms("a list of base data", "en", "de"), "a longer question says what it means"
    assert "derkeller" not in forms("Keller der", "de"), "an article is no part of one"


@pytest.mark.parametrize(
    ("language", "written", "typed"),
    [
        ("uk", "оплата квартири", "квартира"),
        ("uk", "на вулиці Шевченка", "вулиця"),
        ("uk", "оплата рахунків за місто", "рахунку"),
        ("be", "аплата кватэры", "кватэра"),
        ("bg", "подписахме договори", "договор"),
        ("sk", "podpísanie zmluvy", "zmluva"),
        ("sl", "podpis pogodbe", "pogodba"),
        ("gl", "as facturas", "factura"),
        ("af", "die rekeninge", "rekening"),
        ("ms", "pembayaran sewa", "bayaran"),
    ],
)
def test_a_language_without_stems_of_its_own_has_those_of_a_related_one(
    language: str, written: str, typed: str
) -> None:
    assert missed(written, typed, language=language) == []


@pytest.mark.parametrize(
    ("question", "forms", "others"),
    [
        ("Einladungen", {"^einlad"}, {"einlad"}),
        ("Passwörter", {"^passwort", "passwort"}, set()),
        ("договоры", {"договор"}, set()),
        ("tape plane code", set(), {"^tap", "^plan", "^cod"}),
    ],
)
def test_a_question_has_the_stems_of_its_likely_language_also_where_no_text_is_in_it(
    question: str, forms: set[str], others: set[str]
) -> None:
    lexemes = {lexeme.text for term in question_terms(question, languages=["en"]) for lexeme in term.lexemes}
    assert forms <= lexemes
    assert not others & lexemes
