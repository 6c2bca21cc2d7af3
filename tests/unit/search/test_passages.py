"""Snippets show why a chunk was found, and `.passages` has one line for each result."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId
from magicfs.domain.results import Coverage, Hit, SearchResult
from magicfs.search.passages import SNIPPET_CHARACTERS, SnippetCutter, passages_text
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
    ],
)
def test_a_snippet_shows_the_words_of_every_script(question: str, shown: str) -> None:
    assert shown in cutter(question).cut(f"{FILLER}{shown} {FILLER}")


def test_without_words_a_snippet_is_the_beginning() -> None:
    assert cutter("").cut("Begin " + FILLER).startswith("Begin lorem")
    assert cutter("absent").cut("Begin " + FILLER).startswith("Begin lorem")


@given(st.text(max_size=2000), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_gives_one_short_printable_line(text: str, words: list[str]) -> None:
    snippet = cutter(" ".join(words)).cut(text)
    assert len(snippet) <= SNIPPET_CHARACTERS + 2
    assert snippet.isprintable()


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
