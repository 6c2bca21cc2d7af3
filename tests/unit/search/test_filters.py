"""Filters of the search language, and what only looks like one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from magicfs.domain.query import Filters
from magicfs.search.syntax import parse


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
    assert parse("after: the rain -before: size:").misread == (), "no value was typed yet"


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


def test_values_may_be_separated_as_other_tools_have_it() -> None:
    assert parse("ext:pdf;docx kind:mail;photo").filters == Filters(extensions=("pdf", "docx"), types=("mail", "photo"))
    for typed in ("ext:jpg|png", "*.jpg|*.png", "*.jpg;*.png", "*.jpg,*.png"):
        assert parse(f"{typed} beach").filters == Filters(extensions=("jpg", "png"))
        assert parse(f"-{typed} beach").excluded_filters == Filters(extensions=("jpg", "png"))
    assert parse("*.jpg|x").filters == Filters()
