"""Snippets show why a chunk was found, and `.passages` has one line for each result."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId
from magicfs.domain.results import Coverage, Hit, SearchResult
from magicfs.search.passages import SNIPPET_CELLS, SnippetCutter, passages_text
from magicfs.text.analysis import question_terms


def cutter(question: str) -> SnippetCutter:
    languages = ("en", "de", "ar", "zh")
    return SnippetCutter(question_terms(question, languages=languages), languages=languages)


FILLER = "lorem ipsum dolor sit amet " * 20


def test_a_short_text_is_shown_whole_on_one_line() -> None:
    assert cutter("x").cut("one\n\ttwo  three\x00\x07") == "one two three"


def test_a_snippet_is_where_most_different_words_are() -> None:
    text = FILLER + "tax tax tax " + FILLER + "the invoices for the taxes of May " + FILLER
    snippet = cutter("tax invoice").cut(text)
    assert "invoices for the taxes" in snippet
    assert snippet.startswith("…")
    assert snippet.endswith("…")


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
    snippet = cutter("findme").cut("x" * before + cluster * 150 + " findme " + cluster * 150)
    begin, middle, end = snippet[1:-1].partition(" findme ")
    assert middle
    for part in (begin, end):
        assert part.replace(cluster, "") == ""
        assert part


def test_the_length_of_a_snippet_is_its_width_in_a_terminal() -> None:
    for text in (CHINESE, JAPANESE, THAI, KHMER, "e\u0301 " * 300, "한국어 문장입니다. " * 40, "🎉 " * 200, FILLER):
        snippet = cutter("").cut(text)
        assert SNIPPET_CELLS * 0.7 < cell_len(snippet) <= SNIPPET_CELLS + 1, text


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
def test_any_text_gives_one_short_printable_line(text: str, words: list[str]) -> None:
    snippet = cutter(" ".join(words)).cut(text)
    assert cell_len(snippet) <= SNIPPET_CELLS + 2
    assert snippet.replace("\u200c", "").replace("\u200d", "").isprintable()


@given(st.text(st.sampled_from("กเา้ำ中。 aé\u0301\u200d👩🇩ក្្क्ष"), max_size=900))
def test_any_mixture_of_clusters_gives_a_snippet(text: str) -> None:
    snippet = cutter("中 a").cut(text)
    assert snippet.strip("…") in " ".join(text.split())


def test_passages_are_one_line_each_with_the_paths_own_bytes() -> None:
    hit = Hit(
        rank=1,
        score=0.9,
        file_id=FileId(7),
        host="box",
        root="papers",
        root_path=b"/data",
        path=b"in/caf\xe9.txt",
        stat=FileStat(size=12, mtime_ns=0, ctime_ns=0, ino=1, dev=1, mode=0o644, uid=0, gid=0),
        first_line=3,
        last_line=9,
        page=None,
        snippet="the snippet",
        vector=None,
        lexical=1.0,
        indexed_at=2.0,
    )
    result = SearchResult(
        query="the query",
        took_ms=1.0,
        coverage=Coverage(files=2, indexed=2, chunks=2, embedded=0),
        hits=(hit, replace(hit, rank=2, path=b"two\nlines", snippet="second")),
    )
    assert passages_text(result) == b"/data/in/caf\xe9.txt:3-9: the snippet\n/data/two?lines:3-9: second\n"
