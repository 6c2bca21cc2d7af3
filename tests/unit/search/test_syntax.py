"""The search language: phrases, exclusions, alternatives, and no text that is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.query import Filters
from magicfs.search.normalisation import MAX_QUERY_CHARACTERS
from magicfs.search.syntax import MAX_LIMIT, parse


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("tax invoice", "tax invoice"),
        ("  tax \t\n invoice ", "tax invoice"),
        ("foo:bar http://x.org/a?b=1 C:\\temp", "foo:bar http://x.org/a?b=1 C:\\temp"),
        (
            "after:soon before:2026-13-01 size:big size:1m limit:0 limit:x ext: in:/",
            "after:soon before:2026-13-01 size:big size:1m limit:0 limit:x ext: in:/",
        ),
        ("lang:klingon lang:module lang: lang:xx lang:de:at", "lang:klingon lang:module lang: lang:xx lang:de:at"),
        ("src%2Fmain.c 100%25 100% %2f%41", "src/main.c 100% 100% /%41"),
        ("%252F", "%2F"),
        ("well-known - -- --help", "well-known - -- --help"),
        ('an "open quote', "an open quote"),
        ('a 27" monitor, 5" and 7" screens', "a 27 monitor, 5 and 7 screens"),
        ("vaccine -70 degrees", "vaccine -70 degrees"),
        ("ls -l -a", "ls -l -a"),
        ("a-b -- -", "a-b -- -"),
        ("-rf.txt", "-rf.txt"),
        (" -dash-first.txt ", "-dash-first.txt"),
        ("a\0b", "a b"),
        ("caf\udce9", "caf\ufffd"),
        ("AND OR NOT * ? ' ; --", "AND OR NOT * ? ' ; --"),
        ("NOT first", "NOT first"),
        ("  NOT first type:,", "NOT first type:,"),
        ("DO NOT TOUCH", "DO NOT TOUCH"),
        ("river -(brown bear)", "river -(brown bear)"),
        ("x-(y|z) -(1|2)", "x-(y|z) -(1|2)"),
        ("column IS NOT NULL", "column IS NOT NULL"),
        ("it is not lost NOT", "it is not lost NOT"),
        ("after:01/02/2021 after:32.1.2024", "after:01/02/2021 after:32.1.2024"),
    ],
)
def test_ordinary_text(text: str, question: str) -> None:
    query = parse(text)
    assert query.question == question
    assert (query.text, query.phrases, query.excluded, query.filters) == (text, (), (), Filters())


def test_phrases_and_exclusions() -> None:
    query = parse('find "to  be" or -"not this" -that “curly quotes” ""')
    assert query.phrases == ("to be", "curly quotes")
    assert (query.excluded, query.excluded_phrases) == (("that",), ("not this",))
    assert query.question == "find to be or curly quotes"


def test_words_of_a_group_behind_a_minus_are_excluded() -> None:
    query = parse('river -(bear OR "brown fox" | deer) -(elk)')
    assert (query.question, query.excluded, query.excluded_phrases) == (
        "river",
        ("bear", "deer", "elk"),
        ("brown fox",),
    )
    assert parse('river "in -(a OR b)"').phrases == ("in -(a OR b)",)
    assert parse("river -( bear )").excluded == ("bear",)
    assert parse("river -(" + " " * 4000).question == "river -("


def test_the_quoted_value_of_an_unknown_filter_is_a_phrase() -> None:
    query = parse('note:"the new  roof" size:"very big" tiles')
    assert (query.question, query.phrases) == (
        "note the new roof size very big tiles",
        ("the new roof", "very big"),
    )


def test_what_follows_a_not_in_capitals_is_excluded() -> None:
    query = parse('river NOT bear NOT "brown fox" NOT ext')
    assert (query.question, query.excluded, query.excluded_phrases) == ("river", ("bear", "ext"), ("brown fox",))
    assert [(token.text, token.before) for token in query.syntax] == [("NOT bear", "river"), ("NOT ext", "river")]
    assert parse("ext:md  NOT bear").excluded == ("bear",)
    assert parse("river NOT (bear OR fox)").excluded == ("bear", "fox")
    assert parse("river NOT bear", literal={"NOT bear"}).question == "river NOT bear"


def test_one_character_of_a_script_without_letters_is_a_word_to_exclude() -> None:
    query = parse("明月 -霜 －강 -a -я")
    assert (query.question, query.excluded) == ("明月 -a -я", ("霜", "강"))


def test_pieces_that_are_meant_to_the_letter_are_words() -> None:
    query = parse("tar -xzf type:module", literal={"-xzf", "type:module"})
    assert (query.question, query.excluded, query.filters) == ("tar -xzf type:module", (), Filters())
    assert parse('name:"my file"', literal={'name:"my file"'}).question == "name: my file"
    assert [parse(path, literal=[path]).question for path in ("path:docs/a.pdf", "path:docs")] == [
        "docs/a.pdf",
        "path:docs",
    ]
    assert parse("*", literal=["*"]).question == "*"


def test_pieces_that_may_be_meant_to_the_letter_are_told() -> None:
    query = parse('tar -xzf type:pdf after:2025 -"not this" name:"my file"')
    assert [(token.text, token.before) for token in query.syntax] == [
        ("-xzf", "tar"),
        ("type:pdf", "tar"),
        ('name:"my file"', "tar"),
    ]
    assert [bool(token.filters) for token in query.syntax] == [False, True, True]


def test_limits() -> None:
    assert parse("x limit:20").limit == 20
    assert parse("x limit:999999").limit == MAX_LIMIT
    assert not parse("limit:5").empty


@pytest.mark.parametrize("text", ["", " ", '""', '-""', "\0", "\x7f"])
def test_empty_queries(text: str) -> None:
    assert parse(text).empty


pieces = st.sampled_from(['"', "-", ":", "%2F", "%25", "%", "in:", "size:>", "after:", "limit:", "\0", "\ud800", " "])


@given(st.lists(st.one_of(pieces, st.text(st.characters(), max_size=10)), max_size=30).map("".join))
def test_no_text_is_an_error(text: str) -> None:
    query = parse(text)
    typed = [
        query.question,
        *query.phrases,
        *query.excluded,
        *query.excluded_phrases,
        *query.filters.names,
        *query.filters.folders,
    ]
    for part in typed:
        part.encode()
        assert "\0" not in part
        assert len(part) <= MAX_QUERY_CHARACTERS


def test_a_name_of_255_bytes() -> None:
    assert parse("é" * 127).question == "é" * 127


@pytest.mark.parametrize(
    ("text", "question", "words", "phrases"),
    [
        ("tax invoice OR receipt", "tax invoice receipt", (("invoice", "receipt"),), ()),
        ("(invoice OR receipt OR bill) 2023", "invoice receipt bill 2023", (("invoice", "receipt", "bill"),), ()),
        ("a OR b c OR d", "a b c d", (("a", "b"), ("c", "d")), ()),
        ("合同 OR 发票", "合同 发票", (("合同", "发票"),), ()),
        ('"tape drive" OR "hard disk" failed', "tape drive hard disk failed", (), (("tape drive", "hard disk"),)),
        ('tape OR "hard disk"', "tape hard disk", (), ()),
        ("PDF OR EPUB reader", "PDF EPUB reader", (("PDF", "EPUB"),), ()),
        ("TRUE OR FALSE", "TRUE OR FALSE", (), ()),
        ("tax OR", "tax OR", (), ()),
        ("OR tax", "OR tax", (), ()),
        ("tax OR -invoice", "tax OR", (), ()),
        ("where id=1 OR id=2", "where id=1 OR id=2", (), ()),
        ("tax or invoice", "tax or invoice", (), ()),
        ("tax OR OR invoice", "tax OR OR invoice", (), ()),
        ("status = 1 OR role = 2", "status = 1 OR role = 2", (), ()),
        ("WHERE name IS NULL OR age IS NULL", "WHERE name IS NULL OR age IS NULL", (), ()),
        ("12 Elm St Portland OR 97201", "12 Elm St Portland OR 97201", (), ()),
        ("Salem OR 97301-0042", "Salem OR 97301-0042", (), ()),
        ("2023 OR 97201", "2023 97201", (("2023", "97201"),), ()),
        ("title:ada OR title:bob", "ada bob", (("ada", "bob"),), ()),
        ('author:"A B" OR author:"C D"', "A B C D", (), (("A B", "C D"),)),
        ('note:"A B" OR note:x', "note A B OR note:x", (), ()),
    ],
)
def test_of_words_and_phrases_with_an_or_between_them_any_does(
    text: str, question: str, words: tuple[tuple[str, ...], ...], phrases: tuple[tuple[str, ...], ...]
) -> None:
    query = parse(text)
    assert (query.question, query.alternatives, query.any_phrases) == (question, words, phrases)
    assert query.phrases == (() if "note" not in text else ("A B",))
    assert query.required_phrases == (*((phrase,) for phrase in query.phrases), *phrases)


def test_words_with_a_distance_are_no_phrase() -> None:
    query = parse('"tape drive"~5 report')
    assert (query.question, query.phrases) == ("tape drive report", ())
    assert parse('"tape drive"~x').phrases == ("tape drive",)
    for typed in ('"tape drive"p5', '"tape drive"o12', "tape NEAR/5 drive", "tape AROUND(3) drive"):
        assert (parse(typed).question, parse(typed).phrases) == ("tape drive", ())
    for typed in ("NEAR/5 drive", "tape NEAR drive", "tape near/5 drive"):
        assert parse(typed).question == typed


def test_fields_of_other_tools_are_no_words() -> None:
    query = parse('title:report AUTHOR:"Ada Lovelace" -subject:draft -tag:"to do" text:-x')
    assert (query.question, query.phrases) == ("report Ada Lovelace text:-x", ("Ada Lovelace",))
    assert (query.excluded, query.excluded_phrases) == (("draft",), ("to do",))
    assert [token.text for token in query.syntax if token.is_field] == ["title:report"]
    assert parse("title:report", literal=["title:report"]).question == "title:report"
