"""What is typed is what is meant: syntax is what can only be syntax."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from magicfs.db.pool import Database
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus
from tests.plugins.servers import Servers

NEAR_IS_A_WORD = 'NEAR is searched for as a word: "gecko rock"~5 finds words that need not stand side by side'


@pytest.fixture(scope="module")
def service(servers: Servers) -> Iterator[SearchService]:
    """A search that the tests share: they only search."""
    with servers.new_database() as url, Database(url, application="test", size=4) as database:
        fill(Corpus(database))
        yield SearchService(database, ChosenVectors(), default_limit=50)


def fill(corpus: Corpus) -> None:
    corpus.add(b"unpack.md", "Restore it with tar -xzf backup.tgz on the new host")
    corpus.add(b"tar.md", "tar makes a backup; coal tar does not")
    corpus.add(b"accounts.txt", "root:x:0:0:root:/root:/bin/bash")
    corpus.add(b"package.txt", "set type:module in the package")
    corpus.add(b"page.txt", "set lang:de on the element")
    corpus.add(b"screens.txt", 'two screens of 5" and 7" beside a 27" monitor')
    corpus.add(b"cold.txt", "store the vaccine at -70 degrees")
    corpus.add(b"gcc.txt", "compile it with gcc -Wall -fno-strict-aliasing main.c")
    corpus.add(b"film.txt", "make the clip smaller: ffmpeg -i a.mov -crf 23 b.mp4")
    corpus.add(b"rooms.txt", "the clip of room 23 and room 23")
    corpus.add(b"digest.txt", "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b fixed it")
    corpus.add(b"find.txt", "old logs: find . -name '*.log' -mtime +30 -exec rm {} \\;")
    corpus.add(b"army.txt", "צה״ל הודיע")
    corpus.add(b"shell.txt", "rm: cat not found")
    corpus.add(b"java.txt", "a cache in java")
    corpus.add(b"cache.txt", "a cache in rust")
    corpus.add(b"list.txt", "what is left to do:\n-draft report\n-final report")
    corpus.add(b"draft.txt", "the draft of a report")
    corpus.add(b"report.txt", "a report that is done")
    corpus.add(b"roof.txt", "Subject: Re: the new roof of slate")
    corpus.add(b"fossa.txt", "the kinkajou and the fossa")
    corpus.add(b"zoo/kinkajou.txt", "the kinkajou alone")
    corpus.add(b"cc.txt", "compile it with cc -isystem ./vendor/include all.c")

    corpus.add(b"plan.txt", "title:party date:1999-12-31 place:home")
    corpus.add(b"sisters.txt", "Marie – Claire said yes")
    corpus.add(b"gecko.txt", "the gecko sleeps")
    corpus.add(b"skink.txt", "the skink sleeps on the hard rock")
    corpus.add(b"markup.txt", "<feed title:axolotl />")
    corpus.add(b"axolotl.txt", "an axolotl")
    corpus.add(b"query.sql", "SELECT * FROM moles WHERE burrow = 1 OR depth = 2 ORDER BY name")
    corpus.add(b"burrow.txt", "burrow 1, depth 2")
    corpus.add(b"form.txt", "申请表格已经提交")
    corpus.add(b"receipt.txt", "这张收据是昨天的")
    corpus.add(b"walkie.txt", "say it by walkie-talkie")
    corpus.add(b"pigeon.txt", "say it by pigeon")
    corpus.add(b"twins.txt", "Jean–Luc and Anne–Sophie")
    corpus.add(b"alone.txt", "Marie went alone, and so did Jean")
    corpus.add(b"buffer_size.txt", "the ocelot has no size")
    corpus.add(b"pointer.txt", "void fill(char *buffer)")
    corpus.add(b"logs.txt", "clean up with rm *.log and be done")
    corpus.add(b"listed.txt", "the ibex is in report.pdf")
    corpus.add(b"ibex.pdf", "the report of an ibex")
    corpus.add(b"run.log", "the report of the night")
    corpus.add(b"shoes.txt", "shoes of leather size:42 in brown")
    corpus.add(b"Mietvertrag 2023.txt", "the flat of the ocelot")


def names(service: SearchService, text: str) -> list[str]:
    return [hit.name.decode() for hit in service.search(text, deadline_s=60).hits]


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("tar -xzf backup", "unpack.md"),
        ("root:x:0:0", "accounts.txt"),
        ("type:module package", "package.txt"),
        ("lang:de element", "page.txt"),
        ("vaccine -70 degrees", "cold.txt"),
        ('27" monitor', "screens.txt"),
        ('screens 5" and 7"', "screens.txt"),
        ('say "vaccine"s', "cold.txt"),
        ("-Wall", "gcc.txt"),
        ("-crf 23 clip", "film.txt"),
        ("-crf 23", "film.txt"),
        ("-isystem ./vendor/include", "cc.txt"),
        ("9f86d08", "digest.txt"),
        ("-fno-strict-aliasing", "gcc.txt"),
        ("-Wall -fno-strict-aliasing", "gcc.txt"),
        ("find . -name '*.log' -mtime +30 -exec rm {} \\;", "find.txt"),
        ('צה"ל', "army.txt"),
        ("צהל", "army.txt"),
    ],
)
def test_pasted_text_finds_the_file_that_has_it(service: SearchService, text: str, best: str) -> None:
    assert names(service, text)[0] == best


def test_an_exclusion_excludes_where_no_text_has_it_as_an_option(service: SearchService) -> None:
    assert "java.txt" not in names(service, "cache -java")
    assert "cache.txt" in names(service, "cache -java")
    assert "java.txt" not in names(service, "-java cache")


def test_an_exclusion_before_a_word_excludes_where_a_list_has_both(service: SearchService) -> None:
    assert "draft.txt" not in names(service, "-draft report")
    assert "report.txt" in names(service, "-draft report")


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("Marie –Claire", "sisters.txt"),
        ("Jean –Luc", "twins.txt"),
        ("char *buffer", "pointer.txt"),
        ("rm *.log", "logs.txt"),
    ],
)
def test_a_dash_or_a_star_before_a_word_is_none_of_the_syntax_where_a_text_has_both_words(
    service: SearchService, text: str, file: str
) -> None:
    assert names(service, text)[0] == file


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("*.md", ["tar.md", "unpack.md"]),
        ("*.md coal", ["tar.md"]),
        ("*vertrag", ["Mietvertrag 2023.txt"]),
        ("miet*2023", ["Mietvertrag 2023.txt"]),
        ("ocelot -*size*", ["Mietvertrag 2023.txt"]),
        ("cc*isystem", ["cc.txt"]),
        ("report *.pdf", ["ibex.pdf"]),
        ("*.log night", ["run.log"]),
        ("*.log ibex", []),
    ],
)
def test_a_pattern_keeps_the_files_of_such_names_or_is_text(
    service: SearchService, text: str, found: list[str]
) -> None:
    assert sorted(names(service, text)) == found


@pytest.mark.parametrize(
    "text", ["kinkajou –fossa", "kinkajou -filename:fossa", "kinkajou folder:zoo", "kinkajou path:zoo"]
)
def test_exclusions_and_filters_of_other_tools(service: SearchService, text: str) -> None:
    assert names(service, text) == ["kinkajou.txt"]


@pytest.mark.parametrize(
    "text", ["roof path:slate", "roof filename:slate", "roof folder:slate", 'subject:"the new roof"']
)
def test_a_filter_of_other_tools_that_no_file_meets_is_text(service: SearchService, text: str) -> None:
    assert names(service, text)[0] == "roof.txt"


def test_a_path_of_a_file_means_the_file(service: SearchService) -> None:
    hit = service.search("path:zoo/kinkajou.txt", deadline_s=60).hits[0]
    assert (hit.path, hit.score) == (b"zoo/kinkajou.txt", 1.0)


def test_a_not_in_capitals_excludes_where_no_text_has_it(service: SearchService) -> None:
    assert "java.txt" not in names(service, "cache NOT java")
    assert "cache.txt" in names(service, "cache NOT java")
    assert names(service, "tar NOT backup") == []
    assert names(service, "rm cat NOT found")[0] == "shell.txt"


def test_a_filter_that_files_meet_stays_a_filter(service: SearchService) -> None:
    assert names(service, "vaccine ext:md") == []
    assert not any("ext:md" in notice for notice in service.search("vaccine ext:md", deadline_s=60).notices)


def test_a_reading_as_plain_words_is_said(service: SearchService) -> None:
    result = service.search("type:module package", deadline_s=60)
    assert any("type:module" in notice for notice in result.notices)


def test_other_filters_hold_when_one_is_read_as_words(service: SearchService) -> None:
    assert names(service, "type:module ext:txt") == ["package.txt"]
    assert names(service, "type:module ext:md") == []


def test_a_phrase_that_no_text_has_finds_nothing(service: SearchService) -> None:
    assert names(service, '"vaccine in java"') == []


def test_days_count_from_today(database: Database) -> None:
    corpus = Corpus(database)
    corpus.add(b"new.txt", "the ledger of the shop", mtime=int(time.time()))
    corpus.add(b"old.txt", "the ledger of the shop, of an earlier year")
    search = SearchService(database, ChosenVectors(), default_limit=50)
    assert [hit.path for hit in search.search("ledger after:yesterday", deadline_s=60).hits] == [b"new.txt"]
    assert [hit.path for hit in search.search("ledger before:1m", deadline_s=60).hits] == [b"old.txt"]


def test_a_filter_that_says_no_day_is_named(service: SearchService) -> None:
    def named(query: str) -> list[str]:
        return [notice for notice in service.search(query, deadline_s=60).notices if "does not name" in notice]

    expected = "a day, such as after:2026-01-31 or after:yesterday: searched for as text"
    assert named("kinkajou after:13/31/2024") == [f"after:13/31/2024 does not name {expected}"]
    assert named("kinkajou after:2020") == []
    assert named("NOT Size:big kinkajou")[0].startswith("Size:big does not name a size")
    assert len(named("kinkajou size:12px size:12px size:9px")) == 2
    assert named("kinkajou -after:soon")[0].endswith("left out as text")
    assert named("kinkajou in:~")[0].startswith("in:~ does not name a directory")


@pytest.mark.parametrize(
    ("typed", "notice"),
    [
        ("/kink.*jou/", "/kink.*jou/ is searched for as text: there are no regular expressions"),
        ("gecko regex:sl[e]+ps", "regex:sl[e]+ps is searched for as text: there are no regular expressions"),
        ("kink.*jou", "kink.*jou is searched for as text: there are no regular expressions"),
        ("%2Fkin.*\udcff%2F", "/kin.*\ufffd/ is searched for as text: there are no regular expressions"),
        ("gecko NEAR rock", NEAR_IS_A_WORD),
        ("gecko limit:0", "limit:0 does not name a number of results, such as limit:50: searched for as text"),
    ],
)
def test_what_other_tools_understand_is_named(service: SearchService, typed: str, notice: str) -> None:
    assert notice in service.search(typed, deadline_s=60).notices


@pytest.mark.parametrize(
    "typed",
    [
        *("/usr/share/*.txt", "*.log", "re:meeting", "Re:meeting?", "C++", "a.b.c", "/a/b.c/d/"),
        *("NEAR gecko", "gecko NEAR/5 rock", "GECKO NEAR ROCK"),
    ],
)
def test_what_is_no_syntax_of_other_tools_is_not_named(service: SearchService, typed: str) -> None:
    notices = service.search(typed, deadline_s=60).notices
    assert not [notice for notice in notices if "regular expression" in notice or "NEAR" in notice]


def test_no_more_of_a_long_text_is_named_than_is_searched_for(service: SearchService) -> None:
    assert NEAR_IS_A_WORD not in service.search("rock " * 1000 + "gecko NEAR rock", deadline_s=60).notices


def test_a_day_and_a_size_that_a_text_has_are_text_where_no_file_is_of_them(service: SearchService) -> None:
    assert names(service, "date:1999-12-31") == ["plan.txt"]
    assert names(service, "date:1998-12-31") == []
    assert names(service, "shoes size:42")[0] == "shoes.txt"
    assert service.search("shoes size:43..44", deadline_s=60).notices[-1] == "no file meets the filter size:43..44"


def test_either_of_two_words_or_phrases_is_enough(service: SearchService) -> None:
    hits = service.search("gecko OR skink", deadline_s=60).hits
    assert [hit.name for hit in hits[:2]] == [b"gecko.txt", b"skink.txt"]
    assert min(hit.score for hit in hits[:2]) >= 0.9
    assert service.search("gecko OR basilisk", deadline_s=60).hits[0].score >= 0.9
    either = service.search('"gecko sleeps" OR "hard rock"', deadline_s=60).hits
    assert sorted(hit.name for hit in either) == [b"gecko.txt", b"skink.txt"]
    assert min(hit.score for hit in either) >= 0.95, "each is a phrase that was asked for"
    beside = service.search('skink "gecko sleeps" OR "hard rock"', deadline_s=60).hits[0]
    assert beside.name == b"skink.txt"
    assert beside.lexical is not None
    assert beside.lexical >= 0.9, "it has a phrase and the word beside it"
    assert names(service, '"gecko sleeps" "hard rock"') == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("申请表格 OR 收据", ["form.txt", "receipt.txt"]),
        ("walkie-talkie OR pigeon", ["pigeon.txt", "walkie.txt"]),
        ("title:gecko OR title:pigeon", ["gecko.txt", "pigeon.txt"]),
    ],
)
def test_either_does_of_words_in_several_pieces_and_of_fields(
    service: SearchService, text: str, found: list[str]
) -> None:
    hits = service.search(text, deadline_s=60).hits
    assert sorted(hit.name.decode() for hit in hits if hit.score >= 0.85) == found


def test_the_or_of_pasted_code_is_text(service: SearchService) -> None:
    assert names(service, "burrow = 1 OR depth = 2")[0] == "query.sql"


def test_a_field_of_other_tools_is_no_word_unless_a_text_has_it(service: SearchService) -> None:
    assert service.search("title:gecko", deadline_s=60).hits[0].score >= 0.9
    assert names(service, "title:axolotl")[0] == "markup.txt"


def test_words_with_a_distance_may_stand_apart(service: SearchService) -> None:
    assert names(service, '"skink rock"~5')[0] == "skink.txt"
