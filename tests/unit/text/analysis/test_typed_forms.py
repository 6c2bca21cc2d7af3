"""Hours, measures and ordinal numbers are found however they are written, and others are not."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, question_terms
from magicfs.text.analysis.abbreviations import abbreviation_forms, short_months, weekday_forms
from magicfs.text.analysis.clocks import clock_forms
from tests.unit.text.analysis.vectors import missed


def lexemes(question: str) -> set[str]:
    return {lexeme.text for term in question_terms(question, languages=["en"]) for lexeme in term.lexemes}


@pytest.mark.parametrize(
    "written",
    ["3:30 PM", "3:30pm", "3:30 p.m.", "15:30", "15:30h", "15:30Uhr", "15h30", "15 h 30", "3.30 pm", "03:30 PM"],
)
@pytest.mark.parametrize("typed", ["15:30", "3:30 pm", "3:30pm", "3.30 p.m.", "15h30", "15:30 Uhr"])
def test_an_hour_is_found_by_both_clocks(written: str, typed: str) -> None:
    assert missed(f"it leaves at {written} today", typed) == []


@pytest.mark.parametrize("written", ["7 PM", "7pm", "7 p.m.", "19:00", "19 Uhr", "19h", "19h00"])
@pytest.mark.parametrize("typed", ["7pm", "7 pm", "19:00", "19 Uhr", "at 19h", "19h00"])
def test_a_full_hour_needs_no_minutes(written: str, typed: str) -> None:
    assert missed(f"it leaves at {written} today", typed) == []


def test_noon_and_midnight_are_no_other_hours() -> None:
    assert missed("at 12:00 sharp", "12 pm") == []
    assert missed("at 0:00 sharp", "12 am") == []
    assert missed("at 12:00 sharp", "12 am") != []
    assert missed("at 3:30 AM", "15:30") != []


@pytest.mark.parametrize(
    "typed", ["16:9", "24 h", "8 h of sleep", "12h battery", "15.30", "1:23:45", "v15:30", "25:10", "13 pm"]
)
def test_what_is_no_hour_has_no_other_forms(typed: str) -> None:
    assert list(clock_forms(typed)) == []


@pytest.mark.parametrize(
    "written", ["1920 x 1080", "1920x1080", "1920X1080", "1920 X 1080", "1920×1080", "1920 × 1080"]
)
@pytest.mark.parametrize("typed", ["1920 x 1080", "1920x1080", "1920×1080", "1080", "1920"])
def test_dimensions_have_a_sign_or_an_x(written: str, typed: str) -> None:
    assert missed(f"a screen of {written} dots", typed) == []


@pytest.mark.parametrize("text", ["at 0x1080", "4,1920x1080", "1.6×10⁻¹⁹"])
def test_what_is_no_dimension_is_in_one_piece_or_apart(text: str) -> None:
    assert missed(text, "1080") + missed(text, "6x10") != []


@pytest.mark.parametrize(
    ("written", "typed"),
    [("90 m^2", "90 m²"), ("90 m²", "90 m^2"), ("90m^2", "90 m2"), ("E=mc^2", "mc²"), ("x^{2}", "x²"), ("10^6", "10⁶")],
)
def test_an_exponent_is_raised_or_not(written: str, typed: str) -> None:
    assert missed(f"with {written} here", typed) == []


def test_a_raised_number_behind_another_is_no_digit_of_it() -> None:
    assert "'19952':" not in analyze("since 1995² at least")
    assert missed("since 1995² at least", "1995") == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("the 3rd edition", "third edition"),
        ("the third edition", "3rd edition"),
        ("the 21st century", "21"),
        ("le 1er mars", "1 mars"),
        ("Louis XIV", "Louis 14"),
        ("XIV. Kongress", "14. Kongress"),
        ("12. Sitzung", "XII. Sitzung"),
        ("w XVIII wieku", "18 wieku"),
        ("в XIX веке", "19 веке"),
        ("World War 2", "world war ii"),
        ("chapter IV", "chapter 4"),
        ("la 2.ª planta", "2ª planta"),
        ("el 3.er piso", "3er piso"),
        ("подъезд №3", "подъезд № 3"),
    ],
)
def test_numbers_of_an_order_are_found_in_other_forms(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize("typed", ["start iv antibiotics", "dose 4 mg", "take 4 pills", "henry iv", "give IV fluids"])
def test_a_four_is_roman_behind_what_has_an_order_alone(typed: str) -> None:
    assert not {"4", "iv"} <= lexemes(typed)


@pytest.mark.parametrize("typed", ["Henry IV", "chapter iv", "section 4", "chapter 4 summary", "season 4", "Kap. IV"])
def test_a_four_of_an_order_has_both_forms(typed: str) -> None:
    assert {"4", "iv"} <= lexemes(typed)


@pytest.mark.parametrize(
    "unit",
    ["# eur ", "# percent ", "kw # ", "#rd ", "chapter # ", "# x 5 ", "+49 # 123 ", "12 May # ", "第#条", "#pm "],
)
def test_a_pasted_text_has_few_other_forms(unit: str) -> None:
    pasted = "".join(unit.replace("#", str(number)) for number in range(200, 1000))[:4000]
    terms = question_terms(pasted, languages=["en"])
    assert max(len(term.lexemes) for term in terms) < 100


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("hard drive backup", "dr"),
        ("letter from dr mueller", "drive"),
        ("visit st petersburg", "street"),
        ("sing ave maria", "avenue"),
        ("least square fit", "sq"),
        ("timeout of 30s", "1930s"),
    ],
)
def test_what_may_be_no_road_and_no_decade_is_none(typed: str, other: str) -> None:
    assert other not in lexemes(typed)


@pytest.mark.parametrize("typed", ["open vi", "size xl", "4", "section 10.4", "v 4.2", "page 4th"])
def test_what_may_be_no_roman_number_is_none(typed: str) -> None:
    assert {"6", "40", "iv"}.isdisjoint(lexemes(typed))


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Hölderlinstraße 12", "Hölderlinstr. 12"),
        ("Hölderlinstr. 12", "Hölderlinstraße 12"),
        ("10 Downing St.", "10 Downing Street"),
        ("Fifth Avenue", "Fifth Ave"),
        ("12 Acacia Dr., Reno", "12 acacia drive"),
        ("Berliner Str. 5", "Berliner Straße 5"),
        ("alle Student:innen", "Studentinnen"),
        ("alle Student*innen", "Studentinnen"),
        ("FY22 was good", "FY 22"),
        ("KW 7", "KW 07"),
        ("KW7", "kw 07"),
        ("iOS 16", "iOS16"),
        ("an iPhone 15", "iPhone15"),
        ("sales of Q3 2021", "2021Q3"),
        ("sales of 2021Q3", "Q3 2021"),
        ("a film in 1080p", "1080"),
        ("reverted in 9fceb02", "9fceb02d0ae598e95dc970b74767f19372d61af8"),
        ("M AB 987 E", "M-AB 987E"),
        ("call 555.867.5309", "5558675309"),
        ("appelez le 01.23.45.67.89", "0123456789"),
        ("user_name = 1", "username"),
        ("the username", "user_name"),
        ("it is √2 here", "√2"),
        ("version 2.07 is out", "v2.07"),
        ("version 1.2.3 is out", "V1.2.3"),
        ("with php8.3-fpm here", "php 8.3"),
        ("a M.Sc. of Leeds", "MSc"),
        ("a recorder DS-7604NI-E1/4P", "7604"),
        ("Gizmotron\u2122 tablets", '"gizmotron tablets"'),
        ("GIZMOTRON\u2122", "gizmotron"),
        ("the gingerbread\u00b9\u00b2, and", "gingerbread"),
    ],
)
def test_names_and_numbers_are_found_in_other_forms(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize("number", ["192.168.17.42", "0.10.12", "02.03.2012", "10.20.30"])
def test_addresses_versions_and_days_are_no_telephone_numbers(number: str) -> None:
    assert f"'{number.replace('.', '')}':" not in analyze(f"see {number} here")


def test_the_beginning_of_a_digest_stays_one() -> None:
    [term] = question_terms("9fceb02d0ae598", languages=["en"])
    assert [(lexeme.text, lexeme.is_prefix) for lexeme in term.lexemes] == [("9fceb02d0ae598", True)]


@pytest.mark.parametrize("unit", ["kHz", "kWh", "mAh", "mV", "nF", "uF", "\u00b5F", "k\u03a9", "keV", "dB"])
def test_a_number_with_a_unit_that_has_a_capital_is_found_in_one_piece_and_in_two(unit: str) -> None:
    assert missed(f"with 47{unit}, here", f"47 {unit}") == []
    assert missed(f"with 47 {unit}, here", f"47{unit}") == []
    assert missed(f"with 4.7{unit}, here", f"4.7 {unit}") == []


@pytest.mark.parametrize("written", ["47\u00b5F", "47 \u00b5F"])
@pytest.mark.parametrize("typed", ["47uF", "47 uF", "47\u00b5F", "47 \u00b5F"])
def test_a_unit_of_a_millionth_is_found_as_it_is_typed(written: str, typed: str) -> None:
    assert missed(f"a capacitor of {written}", typed) == []


@pytest.mark.parametrize(
    ("text", "question"), [("at 5 p.m. today", "5 pm"), ("at 5 pm today", "5 p.m."), ("at 5 P. M. today", "5 pm")]
)
def test_a_half_of_the_day_has_points_or_none(text: str, question: str) -> None:
    assert missed(text, question) == []


@pytest.mark.parametrize(
    "words",
    [
        "12 percent",
        "12 Prozent",
        "12 per cent",
        "12 por ciento",
        "12 \u043f\u0440\u043e\u0446\u0435\u043d\u0442\u043e\u0432",
    ],
)
@pytest.mark.parametrize("text", ["it rose 12% again", "it rose 12 % again"])
def test_a_percentage_is_found_by_words(text: str, words: str) -> None:
    assert missed(text, words) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("see Figure 3 there", "fig. 3"),
        ("see fig. 3 there", "Figure 3"),
        ("Artikel 5 GG", "Art. 5 GG"),
        ("Art. 5 GG", "Artikel 5 GG"),
        ("on page 45", "p. 45"),
        ("gemäß § 433 BGB", "Paragraph 433 BGB"),
        ("a run of 5 kilometers", "5 km run"),
        ("a run of 5km", "5 kilometres"),
        ("it weighs 180 lbs", "180 pounds"),
        ("3,5 Mio. Euro", "3,5 Millionen Euro"),
        ("closed on Dec 24th", "December 24"),
        ("closed on 24 December", "Dec 24"),
        ("le 5 févr. au matin", "5 février"),
        ("вес 10 кг", "10кг"),
        ("вес 10кг", "10 кг"),
    ],
)
def test_what_stands_beside_a_number_may_be_abbreviated(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize("typed", ["art of 5 masters", "fig tree", "may 55", "the lbs"])
def test_what_is_no_abbreviation_has_no_other_form(typed: str) -> None:
    assert list(abbreviation_forms(typed)) + list(short_months(typed)) == []


@pytest.mark.parametrize(
    "written",
    [
        "20 percent",
        "20 per cent",
        "20 %",
        "20%",
        "20 Prozent",
        "20 процентов",
        "۲۰٪",
        "20 في المائة",
        "20 प्रतिशत",
        "百分之二十",
    ],
)
def test_per_cent_is_found_by_its_sign(written: str) -> None:
    assert missed(f"it rose by {written} again", "20%") == []


@pytest.mark.parametrize("typed", ["19e siècle", "XIXe siècle", "XIXème siècle", "19ème siècle"])
@pytest.mark.parametrize("written", ["19e siècle", "XIXe siècle", "XIXème siècle", "19ème siècle"])
def test_ordinal_numbers_of_french_have_roman_digits_or_others(written: str, typed: str) -> None:
    assert missed(f"au {written} déjà", typed, language="fr") == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [("de 19e eeuw", "19de eeuw"), ("de 3de deur", "3e deur"), ("R$ 1.500,00", "1500 reais"), ("R$ 125", "R$125")],
)
def test_dutch_ordinals_and_brazilian_money_are_found(written: str, typed: str) -> None:
    assert missed(written, typed, language="nl") == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("+33 6 12 34 56 78", "0612345678"),
        ("+33 6 12 34 56 78", "06 12 34 56 78"),
        ("+33 (0)6 12 34 56 78", "0612345678"),
        ("8 (495) 123-45-67", "84951234567"),
        ("8 800 555-35-35", "88005553535"),
        ("(0049)(721)765432", "0721765432"),
        ("0049 721 765432", "0721 765432"),
        ("0041 (0)44 668 18 00", "0446681800"),
        ("14h30 demain", "14 h 30"),
        ("la réunion à 17:00", "réunion 17h"),
    ],
)
def test_numbers_are_found_as_other_countries_write_them(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Thurs. at noon", "Thursday"),
        ("Thu, 8 Feb", "Thursday"),
        ("Thursday at noon", "Thurs."),
        ("Saturday 17 May", "Sat 17 May"),
        ("Donnerstag, 22.05.", "Do, 22.05."),
        ("Chapter Five", "chapter 5"),
        ("chapter 5", "Chapter Five"),
        ("sales of fy21", "FY2021"),
        ("sales of FY2021", "fy21"),
        ("sales of FY 2021", "fiscal year 2021"),
        ("Müllerstr. 9", "Müller-Straße 9"),
        ("Müllerstraße 9", "Müller Str. 9"),
    ],
)
def test_days_of_the_week_chapters_and_years_of_accounts_are_found_in_other_forms(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize("typed", ["do it", "so far", "the sun", "sat down"])
def test_a_word_that_is_also_short_for_a_day_has_no_other_form(typed: str) -> None:
    assert list(weekday_forms(typed)) == []


@pytest.mark.parametrize("written", ["19.5%", "19.50 %", "19,5 %", "19,50%", "19,5 Prozent", "19.50 percent"])
@pytest.mark.parametrize("typed", ["19.5%", "19,5 %", "19.50%", "19,50 percent", "19.5 Prozent"])
def test_per_cent_have_a_point_or_a_comma_and_zeros_or_none(written: str, typed: str) -> None:
    assert set(missed(f"a levy of {written} is due", typed)) <= {"percent", "prozent"}
    assert missed("a levy of 19.05 % is due", typed) != []


@pytest.mark.parametrize("written", ["\u00bd", "1/2", "1\u20442"])
@pytest.mark.parametrize("typed", ["\u00bd", "1/2"])
def test_a_fraction_is_one_sign_or_three(written: str, typed: str) -> None:
    assert missed(f"add {written} cup", f"{typed} cup") == []
    assert missed(f"add 3{written.replace('1', ' 1', 1)} cups", f"3 {typed} cups") == []


@pytest.mark.parametrize("written", ["<mailto:{}>", "EMAIL;TYPE=work:{}", "Mail:{}", "to={}", "see ({})"])
def test_an_address_of_mail_is_a_word_behind_other_signs(written: str) -> None:
    address = "ada.byron@mail.example.org"
    assert f"'{address}':" in analyze(written.format(address))


def test_a_day_is_no_roman_number() -> None:
    assert "xii" not in lexemes("12. Dezember")


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("St. Gallen", "Sankt Gallen"),
        ("Sankt Pölten", "st pölten"),
        ("Saint-Étienne", "St-Etienne"),
        ("Saint Mary", "St. Mary"),
        ("Dr. Wimmel", "Doktor Wimmel"),
        ("Professor Wimmel", "Prof. Wimmel"),
        ("Marx Bros.", "Marx Brothers"),
        ("No. 5", "Nr. 5"),
    ],
)
def test_titles_have_an_abbreviation(written: str, typed: str) -> None:
    assert missed(f"see {written} there", typed) == []


def test_a_street_is_no_saint() -> None:
    assert "saint" not in lexemes("12 Main St")
