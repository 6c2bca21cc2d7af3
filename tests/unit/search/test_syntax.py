"""The search language: phrases, exclusions, filters, and no text that is an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.query import Filters
from magicfs.search.syntax import MAX_LIMIT, MAX_QUERY_CHARACTERS, parse


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


@pytest.mark.parametrize("dash", ["\u2010", "\u2011", "\u2012", "\u2013", "\u2212"])
def test_a_dash_that_a_program_writes_for_a_minus_excludes(dash: str) -> None:
    query = parse(f'river {dash}bear {dash}"brown fox" {dash}“elk cow” {dash}ext:md {dash}(deer OR roe)')
    assert (query.question, query.excluded) == ("river", ("bear", "deer", "roe"))
    assert query.excluded_phrases == ("brown fox", "elk cow")
    assert query.excluded_filters == Filters(extensions=("md",))


@pytest.mark.parametrize(
    "text", ["1914–1918 – the war", "la casa –según dijo– era", "vaccine −70", "bear – fox", "a—b —c"]
)
def test_other_dashes_are_text(text: str) -> None:
    query = parse(text)
    assert (query.question, query.excluded) == (text, ())


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("*.pdf", ("*.pdf",)),
        ("*.tar.gz IMG_*.jpg", ("*.tar.gz", "IMG_*.jpg")),
        ("inv*2024", ("inv*2024*",)),
        ("*vertrag", ("*vertrag*",)),
        ("*kickoff*", ("*kickoff*",)),
        ("*報告", ("*報告*",)),
        ("*5025", ("*5025*",)),
    ],
)
def test_a_pattern_of_file_names_is_a_filter(typed: str, names: tuple[str, ...]) -> None:
    query = parse(f"words {typed}")
    assert (query.question, query.filters) == ("words", Filters(names=names))
    for sign in ("-", "NOT "):
        excluded = parse(f"words {sign}{typed.split(maxsplit=1)[0]}")
        assert (excluded.question, excluded.excluded_filters) == ("words", Filters(names=names[:1]))
    assert parse(typed, literal=typed.split()).question == typed


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("today", date(2026, 3, 31)),
        ("Yesterday", date(2026, 3, 30)),
        ('"yesterday"', date(2026, 3, 30)),
        ("7d", date(2026, 3, 24)),
        ("2w", date(2026, 3, 17)),
        ("1m", date(2026, 2, 28)),
        ("3m", date(2025, 12, 31)),
        ("1y", date(2025, 3, 31)),
        ("999y", date(1027, 3, 31)),
    ],
)
def test_a_day_may_be_one_before_today(typed: str, day: date) -> None:
    today = date(2026, 3, 31)
    assert parse(f"words after:{typed}", today=today).filters == Filters(after=day)
    assert parse(f"before:{typed} words", today=today).filters == Filters(before=day)
    assert parse(f"words -after:{typed}", today=today).excluded_filters == Filters(after=day)
    assert parse(f"words after:{typed}").filters == Filters()


def test_a_day_before_the_first_one_is_that() -> None:
    assert parse("after:999y", today=date(900, 1, 1)).filters == Filters(after=date(1, 1, 1))


def test_what_is_no_day_and_no_size_is_told() -> None:
    query = parse(
        'after:01/02/2024 size:1m before:"Jan 2024" size:>1m after:today -size:x ext: y', today=date(2026, 3, 31)
    )
    assert query.misread == ("after:01/02/2024", "size:1m", 'before:"Jan 2024"', "-size:x")
    assert query.filters == Filters(after=date(2026, 3, 31), larger=1 << 20)
    assert parse(query.text, literal=query.misread).misread == ("after:today",)
    assert parse("NOT after:X IS NOT SIZE:X").misread == ("after:X", "SIZE:X")
    assert parse("files in:~ in:. -in:..").misread == ("in:~", "in:.", "-in:..")
    assert parse("limit:0 limit:-5 limit:many").misread == ("limit:0", "limit:-5", "limit:many")


@pytest.mark.parametrize("typed", ["in:notes/*", "in:./notes", "in:~/notes/", "in:notes/**", "path:~/notes/*"])
def test_what_shells_write_around_a_directory_is_no_part_of_it(typed: str) -> None:
    assert parse(f"words {typed}").filters == Filters(folders=("notes",))
    assert parse("in:/home/ada/*").filters == Filters(folders=("/home/ada",))


@pytest.mark.parametrize("typed", ["*", " *.* "])
def test_a_star_alone_keeps_every_file(typed: str) -> None:
    query = parse(typed)
    assert (query.question, query.filters, query.text) == ("", Filters(names=("*",)), typed)
    assert parse(f"ext:pdf {typed} limit:5").filters == Filters(extensions=("pdf",))
    assert parse(f"{typed} -draft").question == ""


@pytest.mark.parametrize(
    ("text", "question", "filters"),
    [
        ("tax *.pdf OR *.docx", "tax", Filters(names=("*.pdf", "*.docx"))),
        ("ext:pdf OR EXT:md || ext:rst", "", Filters(extensions=("pdf", "md", "rst"))),
        ("OR ext:pdf | ext:md OR", "OR OR", Filters(extensions=("pdf", "md"))),
        ("ext:pdf OR type:image", "OR", Filters(extensions=("pdf",), types=("image",))),
        ("ext:pdf OR -ext:md", "OR", Filters(extensions=("pdf",))),
        ("http://a OR http://b", "http://a OR http://b", Filters()),
    ],
)
def test_an_or_between_values_of_one_filter_is_no_word(text: str, question: str, filters: Filters) -> None:
    query = parse(text)
    assert (query.question, query.filters) == (question, filters)
    assert "OR" in parse(text, literal=text.split()).question


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM users",
        "2*3 2*300 *31 *100# a*b m*n*o",
        "char *p **kwargs **bold** f(*args)",
        "taxfil* 2024* * *.* *.",
        "** *.",
        "this is a *good* idea",
        "static void fill(char *buffer, int n)",
        "a" * 255 + "*b",
    ],
)
def test_other_stars_are_text(text: str) -> None:
    query = parse(text)
    assert (query.question, query.filters) == (text, Filters())


@pytest.mark.parametrize(
    ("typed", "own"),
    [
        ("folder:docs dir:old directory:x", "in:docs in:old in:x"),
        ('Path:"my papers"', 'in:"my papers"'),
        ("filename:*.py", "name:*.py"),
        ("filetype:md extension:.txt", "ext:md ext:.txt"),
        ("-folder:old NOT filetype:md", "-in:old NOT ext:md"),
    ],
)
def test_filters_have_the_names_of_other_tools_too(typed: str, own: str) -> None:
    assert replace(parse(f"words {typed}"), text="", syntax=()) == replace(parse(f"words {own}"), text="", syntax=())


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


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("type:PDF", Filters(types=("pdf",))),
        ("ext:.MD EXT:*.txt", Filters(extensions=("md", "txt"))),
        ("in:docs/ in:%2Fhome%2Fme", Filters(folders=("docs", "/home/me"))),
        ('name:*.py name:"my file"', Filters(names=("*.py", "my file"))),
        ("host:box root:Papers", Filters(hosts=("box",), roots=("Papers",))),
        ("after:2026-01-31 before:2026-02", Filters(after=date(2026, 1, 31), before=date(2026, 2, 1))),
        ("after:2025", Filters(after=date(2025, 1, 1))),
        ("after:2024/01 before:2025.02.03", Filters(after=date(2024, 1, 1), before=date(2025, 2, 3))),
        ("after:31.1.2024 before:02.2025", Filters(after=date(2024, 1, 31), before=date(2025, 2, 1))),
        ("ext:md,.txt type:pdf,image", Filters(types=("pdf", "image"), extensions=("md", "txt"))),
        ("size:>1m size:<=10K", Filters(larger=1 << 20, smaller=10241)),
        ("lang:Deutsch lang:EN-us", Filters(languages=("de", "en"))),
        ('lang:norwegian lang:"Tiếng Việt"', Filters(languages=("no", "nb", "nn", "vi"))),
        ("size:>=1.5kb", Filters(larger=1535)),
        ("size:<999999999999999t", Filters(smaller=1 << 62)),
    ],
)
def test_filters(text: str, filters: Filters) -> None:
    query = parse(f"words {text}")
    assert (query.filters, query.question) == (filters, "words")
    assert not parse(text).empty


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("-ext:pdf", Filters(extensions=("pdf",))),
        ('-in:"my papers" -IN:old', Filters(folders=("my papers", "old"))),
        ("NOT type:photo", Filters(types=("photo",))),
        ("NOT *.tmp", Filters(names=("*.tmp",))),
        ("-*.tmp", Filters(names=("*.tmp",))),
        ("  NOT TYPE:PHOTO", Filters(types=("photo",))),
        ('NOT name:"my file" NOT -lang:de', Filters(names=("my file",), languages=("de",))),
        ("-after:2025 -after:2024 -before:2020 -before:2021", Filters(after=date(2024, 1, 1), before=date(2021, 1, 1))),
        ("-size:>1k -size:>1m -size:<5 -size:<=5", Filters(larger=1024, smaller=6)),
        ("－ｅｘｔ：pdf", Filters(extensions=("pdf",))),
    ],
)
def test_a_filter_behind_a_minus_or_a_not_excludes(text: str, excluded: Filters) -> None:
    for typed, question in ((text, ""), (f"{text} words", "words"), (f"words {text}", "words")):
        query = parse(typed)
        assert (query.excluded_filters, query.filters, query.question) == (excluded, Filters(), question)
        assert (query.excluded, query.excluded_phrases, query.syntax, query.empty) == ((), (), (), False)


def test_a_filter_and_its_exclusion_are_both_kept() -> None:
    query = parse("in:docs -in:docs/old NOT draft")
    assert (query.filters.folders, query.excluded_filters.folders) == (("docs",), ("docs/old",))
    assert query.excluded == ("draft",)


@pytest.mark.parametrize(
    ("text", "excluded", "phrases"),
    [
        ("-lang:klingon -note:this", ("lang:klingon", "note:this"), ()),
        ("-ext: -limit:5 -copies:all", ("ext:", "limit:5", "copies:all"), ()),
        ('-"ext:pdf" -note:"this one"', (), ("ext:pdf", "note:this one")),
    ],
)
def test_what_is_no_filter_behind_a_minus_is_a_word(
    text: str, excluded: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    query = parse(text)
    assert (query.excluded, query.excluded_phrases) == (excluded, phrases)
    assert (query.excluded_filters, query.filters, query.limit, query.each_copy) == (Filters(), Filters(), None, False)


def test_of_a_filter_given_twice_a_file_meets_either() -> None:
    query = parse("after:2025 after:2024 before:2020 before:2021 size:>1k size:>1m size:<5 size:<=5")
    assert query.filters == Filters(after=date(2024, 1, 1), before=date(2021, 1, 1), larger=1024, smaller=6)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        # The keyboards of Chinese and Japanese have wide signs, other languages digits and quotes of their own.
        ("words name：报告 ｅｘｔ：ｍｄ", "words name:报告 ext:ｍｄ"),
        ("words name：“my file” lang：中文", 'words name:"my file" lang:中文'),
        ("words　ext:md　－draft", "words ext:md -draft"),
        ("words after:２０２６-０１-３１ before:٢٠٢٧", "words after:2026-01-31 before:2027"),
        ("words size:＞１ｍ limit:５ limit:۵", "words size:>1m limit:5"),
        ("words ＂to be＂", 'words "to be"'),
        ("words 「検索 の」 『名前』", 'words "検索 の" "名前"'),
        # Marks of direction, as in a path that is copied from a terminal.
        ("\u200fname:תקציב \u202bext:md\u202c", "name:תקציב ext:md"),
        ("in:\u2068/home/ada/מסמכים\u2069 words", "in:/home/ada/מסמכים words"),
        ('\u200f"שלום עולם" \u200e-draft', '"שלום עולם" -draft'),
        ("\ufeffwords", "words"),
    ],
)
def test_signs_of_other_keyboards_mean_the_same(typed: str, plain: str) -> None:
    assert replace(parse(typed), text="", syntax=()) == replace(parse(plain), text="", syntax=())


def test_one_character_of_a_script_without_letters_is_a_word_to_exclude() -> None:
    query = parse("明月 -霜 －강 -a -я")
    assert (query.question, query.excluded) == ("明月 -a -я", ("霜", "강"))


@pytest.mark.parametrize("text", ["彼は「はい」と言った", "时间：三点", "价格－优惠"])
def test_wide_signs_inside_of_a_sentence_are_text(text: str) -> None:
    query = parse(text)
    assert (query.question, query.phrases, query.excluded, query.filters) == (text, (), (), Filters())


def test_pieces_that_are_meant_to_the_letter_are_words() -> None:
    query = parse("tar -xzf type:module", literal={"-xzf", "type:module"})
    assert (query.question, query.excluded, query.filters) == ("tar -xzf type:module", (), Filters())
    assert parse('name:"my file"', literal={'name:"my file"'}).question == "name: my file"


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


def test_values_may_be_separated_as_other_tools_have_it() -> None:
    assert parse("ext:pdf;docx kind:mail;photo").filters == Filters(extensions=("pdf", "docx"), types=("mail", "photo"))
