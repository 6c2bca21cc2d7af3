"""Snippets show why a chunk was found: where the words are, in whole lines or sentences, with what matched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from magicfs.search.snippets import SNIPPET_CELLS, SnippetCutter
from magicfs.text.analysis import question_terms
from magicfs.text.excerpts import cells_before


def cutter(question: str) -> SnippetCutter:
    languages = ("en", "de", "ar", "zh")
    return SnippetCutter(question_terms(question, languages=languages), languages=languages)


@pytest.mark.parametrize(
    ("language", "typed", "written"),
    [("nl", "werken", "gewerkt"), ("id", "ajar", "mengajar"), ("en", "lying", "lies"), ("de", "Äpfel", "Apfel")],
)
def test_forms_are_found_whatever_they_begin_with(language: str, typed: str, written: str) -> None:
    languages = ("en", language)
    found = SnippetCutter(question_terms(typed, languages=languages), languages=languages).words_in(f"a {written}, b")
    assert found == [(2, 2 + len(written), question_terms(typed, languages=languages)[0].word)]


FILLER = "lorem ipsum dolor sit amet " * 20


def test_a_short_text_is_shown_whole_in_its_lines() -> None:
    assert cutter("x").cut("one\r\n\n\ttwo  three\x00\x07 \n") == "one\n    two three"


@pytest.mark.parametrize(
    "coloured",
    [
        "\x1b[1;31mERROR\x1b[0m: pay\x1b[4mment\x1b[24m failed",
        "\x1b]0;title\x07ERROR: payment \x1b]8;;https://example.org\x1b\\failed\x1b]8;;\x1b\\",
        "E\bER\bRR\bRO\bOR\bR: _\bp_\ba_\by_\bm_\be_\bn_\bt failed",
        "^[[31mERROR^[[0m: payment failed",
    ],
)
def test_a_snippet_shows_what_a_terminal_shows(coloured: str) -> None:
    snippet = cutter("payment").snippet(coloured)
    assert (snippet.text, snippet.matched) == ("ERROR: payment failed", ((7, 14),))


METHODS = "".join(f"    def step_{number}(self):\n        return {number} + offset\n\n" for number in range(20))


def test_lines_of_code_keep_their_indentation_but_for_what_all_have() -> None:
    snippet = cutter("discount").cut(f"{METHODS}    def discount(self):\n        return price / 2\n\n{METHODS}")
    lines = snippet.split("\n")
    assert "def discount(self):" in lines
    assert "    return price / 2" in lines
    assert lines[0].startswith(("def ", "    return ")), "it begins with a line, without an ellipsis"


PROSE = "".join(f"This is sentence number {number}, e.g. one of many. " for number in range(30))


def test_a_snippet_starts_at_a_sentence() -> None:
    text = PROSE + "Dragons guard the treasure. " + PROSE
    snippet = cutter("treasure").cut(text)
    assert snippet.startswith("…This is sentence number ")
    assert "Dragons guard the treasure." in snippet


def test_a_snippet_starts_at_a_line_where_lines_are_sentences() -> None:
    text = "\n".join(f"- item {number} of the list" for number in range(40))
    snippet = cutter("item 27").cut(text)
    assert "- item 27 of the list" in snippet.split("\n")
    assert snippet.startswith("- item ")


def test_a_snippet_shows_the_rest_of_a_row() -> None:
    rows = "".join(f"{number},Person {number},Town {number}\n" for number in range(60))
    assert "61,Zebedee Hornpipe,Whitby" in cutter("zebedee hornpipe").cut(f"{rows}61,Zebedee Hornpipe,Whitby\n").split(
        "\n"
    )


def test_a_snippet_of_short_lines_is_not_high() -> None:
    assert cutter("").cut("x\n" * 500).count("\n") < 20
    assert cutter("").cut("é\n" * 500).count("\n") < 20


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    snippet = cutter("treasure").cut("First. " + "and so on " * 50 + "the treasure " + "of the king " * 50)
    assert snippet.startswith("…")
    assert "the treasure of the king" in snippet


@pytest.mark.parametrize(
    ("question", "text", "matched"),
    [
        ("tax invoice", "The Taxes, and\nthe invoices of May", ["Taxes", "invoices"]),
        ("taxfil*", "two taxfilings", ["taxfilings"]),
        ("番茄钟", "今天试用番茄钟的方法", ["番茄钟"]),
        ("server pool", "the HTTPServerPool of", ["ServerPool"]),
        ("absent", "nothing here", []),
    ],
)
def test_a_snippet_says_where_the_words_are(question: str, text: str, matched: list[str]) -> None:
    snippet = cutter(question).snippet(text)
    assert [snippet.text[first:last] for first, last in snippet.matched] == matched


def test_the_places_are_those_in_the_snippet_that_was_cut() -> None:
    snippet = cutter("treasure").snippet(PROSE + "Dragons guard the treasure. " + PROSE)
    assert [snippet.text[first:last] for first, last in snippet.matched] == ["treasure"]


def test_a_snippet_is_where_most_different_words_are() -> None:
    text = FILLER + "tax tax tax " + FILLER + "the invoices for the taxes of May " + FILLER
    snippet = cutter("tax invoice").cut(text)
    assert "invoices for the taxes" in snippet
    assert snippet.startswith("…")
    assert snippet.endswith("…")


ITEMS = "- an item of the list\n" * 40


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{FILLER}an invoice of May {FILLER}for the kitchen {FILLER}", ["invoice of May", " … ", "for the kitchen"]),
        (f"{ITEMS}- an invoice\n{ITEMS}- the kitchen\n{ITEMS}", ["- an invoice\n", "\n…\n", "- the kitchen\n"]),
        (f"The invoice.\n{PROSE}{PROSE}For the kitchen.", ["The invoice.\nThis is", " … ", "For the kitchen."]),
        (f"kitchen {FILLER}kitchen invoice {FILLER}invoice", ["kitchen invoice"]),
    ],
    ids=["one line", "two lines", "ends", "together"],
)
def test_a_snippet_shows_both_words_of_a_question_that_stand_far_apart(text: str, shown: list[str]) -> None:
    snippet = cutter("kitchen invoice").cut(text)
    places = [snippet.index(piece) for piece in shown]
    assert places == sorted(places)
    assert cell_len(snippet) <= SNIPPET_CELLS + len(" … ")


def test_a_snippet_of_many_words_is_one_piece() -> None:
    snippet = cutter("which kitchen sink has no invoice yet").cut(f"{FILLER}a kitchen sink {FILLER}an invoice {FILLER}")
    assert "kitchen sink" in snippet
    assert "invoice" not in snippet


def test_a_snippet_of_many_words_is_two_pieces_where_these_have_half_as_many_more() -> None:
    text = f"{FILLER}Marta leads the Northwind project {FILLER}the pilot in Augsburg in April {FILLER}"
    snippet = cutter("when does Marta start the Northwind pilot in Augsburg").cut(text)
    assert all(piece in snippet for piece in ("Marta leads the Northwind", " … ", "pilot in Augsburg"))
    assert cell_len(snippet) <= SNIPPET_CELLS + len(" … ")


MAIL = (
    "Subject: Flight to Lisbon\nFrom: Aisha Rahman <aisha@rahman.example>\nTo: Ada Berger <ada@berger.example>\n"
    "Date: Tue, 02 Jul 2024 09:00:00 +0000 (2024-07-02)\n\nWe are booked! seats 12A and 12B.\n\nDate: the 14th"
)


def test_a_snippet_of_a_message_has_its_words_and_not_all_headers() -> None:
    shown = "Subject: Flight to Lisbon\nFrom: Aisha Rahman <aisha@rahman.example>\n"
    body = "We are booked! seats 12A and 12B.\nDate: the 14th"
    assert cutter("flight to lisbon").cut(MAIL) == shown + body
    assert cutter("").cut(MAIL) == shown + body
    assert cutter("flight berger").cut(MAIL) == f"{shown}To: Ada Berger <ada@berger.example>\n{body}"
    assert cutter("lisbon").cut(f"Note\n{MAIL}").startswith(f"Note\n{shown}To: Ada Berger")


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("番茄钟", "今天试用番茄钟的方法"),
        ("ファイル", "新しいファイルを開く"),
        ("ไทย", "ภาษาไทยเป็นภาษา"),
        ("Fussgänger", "die FUẞGÄNGER der"),
        ("Häuser", "viele Häuser hier"),
        ("بيت", "في البَيْت الكبير"),
        ("كتاب", "قرأ كِتَابٌ جديد"),
        ("שלום", "אמר שָׁלוֹם לכולם"),
        ("C++", "written in C++ and"),
        ("server pool", "the HTTPServerPool of"),
        ("taxfil*", "the taxfilings of"),
        ("12306", "使用12306买票"),
        ("میخواهم", "من می\u200cخواهم بروم"),
        ("کتاب", "این کتاب\u200cها تازه"),
        ("обєднання", "це об’єднання мешканців"),
        ("צהל", "דובר צה״ל הודיע"),
        ("ספק", "ביקשנו מהספק זיכוי"),
        ("അവൻ", "ഇന്ന് അവന്\u200d വന്നു"),
        ("हिंदी", "यह हिन्दी में"),
    ],
)
def test_a_snippet_shows_the_words_of_every_script(question: str, shown: str) -> None:
    assert shown in cutter(question).cut(f"{FILLER}{shown} {FILLER}")


def test_without_words_a_snippet_is_the_beginning() -> None:
    assert cutter("").cut("Begin " + FILLER).startswith("Begin lorem")
    assert cutter("absent").cut("Begin " + FILLER).startswith("Begin lorem")


CHINESE = "今天的天气非常好，我们一起去公园散步。" * 12
JAPANESE = "これは日本語の文章です。吾輩は猫である、名前はまだ無い！" * 10
THAI = "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน " * 12
KHMER = "ភាសាខ្មែរជាភាសាផ្លូវការរបស់ប្រទេសកម្ពុជា។" * 12


@pytest.mark.parametrize(
    ("text", "word", "first", "last"),
    [
        (CHINESE + "番茄钟很有用。" + CHINESE, "番茄钟", "今我番", "。，"),
        (JAPANESE + "新しいファイルを開く。" + JAPANESE, "ファイル", "こ吾名新", "。、！"),
        (THAI + "ไฟล์ใหม่ " + THAI, "ไฟล์", "ภไ", "นม่"),
        (KHMER + "ឯកសារថ្មី។" + KHMER, "ថ្មី", "ភឯ", "។"),
    ],
)
def test_a_snippet_without_spaces_is_cut_at_the_marks_of_sentences(text: str, word: str, first: str, last: str) -> None:
    snippet = cutter(word).cut(text)
    assert word in snippet
    assert snippet[0] == snippet[-1] == "…"
    assert snippet[1] in first
    assert snippet[-2] in last


CLUSTERS = {
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "flag": "🇩🇪",
    "skin": "👋🏽",
    "conjunct": "क्षि",
    "jamo": "\u1112\u1161\u11ab",
    "marks": "e\u0301\u0323",
    "tone": "กี่",
    "vowel before": "เก้า",
    "am": "น้ำ",
    "stacked": "ង្គ្រី",
    "burmese": "က္ချ",
    "heart": "❤\ufe0f",
}


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS)
@pytest.mark.parametrize("before", range(4))
def test_no_cut_divides_what_a_reader_takes_for_one_character(cluster: str, before: int) -> None:
    snippet = cutter("findme").cut("x" * before + cluster * 250 + " findme " + cluster * 250)
    begin, middle, end = snippet[1:-1].partition(" findme ")
    assert middle
    for part in (begin, end):
        assert part.replace(cluster, "") == ""
        assert part


def test_the_length_of_a_snippet_is_its_width_in_a_terminal() -> None:
    for text in (CHINESE, JAPANESE, THAI, KHMER, "e\u0301 " * 300, "한국어 문장입니다. " * 40, "🎉 " * 200, FILLER):
        snippet = cutter("").cut(text)
        assert SNIPPET_CELLS * 0.7 < cell_len(snippet) <= SNIPPET_CELLS + 1, text


def test_characters_of_one_cell_are_known_without_a_table() -> None:
    for part in (
        range(0x20, 0x7F),
        range(0xA0, 0x300),
        range(0x2010, 0x2028),
        range(0x2030, 0x205F),
        range(0x20A0, 0x20C1),
    ):
        for character in map(chr, part):
            assert cells_before(character)[1] == cells_before(f"{character}中")[1], hex(ord(character))


def test_a_text_of_wide_characters_that_fits_is_shown_whole() -> None:
    assert cutter("").cut("中" * (SNIPPET_CELLS // 2)) == "中" * (SNIPPET_CELLS // 2)
    assert cutter("").cut("中" * (SNIPPET_CELLS // 2 + 1)).endswith("中…")


def test_the_words_are_shown_to_the_first_and_the_last() -> None:
    text = f"{FILLER}alpha {'x ' * 92}omega {FILLER}"
    snippet = cutter("alpha omega").cut(text)
    assert "alpha" in snippet
    assert "omega" in snippet


def test_a_latin_word_in_a_text_without_spaces_is_not_cut() -> None:
    for before in range(12):
        snippet = cutter("目标").cut("字" * before + "MacBookPro电脑和" * 30 + "目标" + "和MacBookPro电脑" * 30)
        assert snippet[1:].startswith(("MacBookPro", "电", "脑", "和"))
        assert snippet[:-1].endswith(("MacBookPro", "电", "脑", "和"))


def test_signs_that_join_letters_stay() -> None:
    assert cutter("").cut("می\u200cخواهم 👨\u200d👩\u200d👧 a\u200bb\u202ec") == "می\u200cخواهم 👨\u200d👩\u200d👧 abc"


@given(st.text(max_size=2000), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_gives_few_printable_lines(text: str, words: list[str]) -> None:
    snippet = cutter(" ".join(words)).snippet(text)
    assert sum(map(cell_len, snippet.text.split("\n"))) <= SNIPPET_CELLS + 2
    assert snippet.text.replace("\u200c", "").replace("\u200d", "").replace("\n", "").isprintable()
    assert all(0 <= first < last <= len(snippet.text) for first, last in snippet.matched)


@given(st.text(st.sampled_from("กเา้ำ中。 aé\u0301\u200d👩🇩ក្្क्ष"), max_size=900))
def test_any_mixture_of_clusters_gives_a_snippet(text: str) -> None:
    snippet = cutter("中 a").cut(text)
    assert snippet.strip("…") in " ".join(text.split())
