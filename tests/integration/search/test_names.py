"""What is found by names: files without text, in any state, in any spelling of their names."""

from __future__ import annotations

import unicodedata

import pytest

from magicfs.db.pool import Database
from magicfs.search.render import result_json
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit
from tests.plugins.services import make_maintenance


def paths(service: SearchService, text: str) -> list[str]:
    return [hit.path.decode() for hit in service.search(text, deadline_s=60).hits]


def decomposed(path: str) -> bytes:
    """A path as a Mac writes it."""
    return unicodedata.normalize("NFD", path).encode()


class TestFilesWithoutText:
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def files(cls, class_corpus: Corpus, class_database: Database) -> None:
        film = class_corpus.content_without_text("binary", mime_type="video/mp4")
        class_corpus.file(b"Holiday in Lanzarote 2019.mp4", film, state="named", mtime=1_700_000_900)
        class_corpus.file(b"Song of the volga.mp3", None, state="named", mtime=1_700_000_800)
        class_corpus.file(b"photos/DSC01273.tif", None, state="pending", mtime=1_700_000_700)
        class_corpus.file(
            b"noise.zip", class_corpus.content_without_text("binary", mime_type="application/zip"), state="named"
        )
        class_corpus.file(b"huge Lanzarote map.xyz", None, state="pending", size=1 << 40)
        class_corpus.file(b"broken.pdf", None, state="pending")
        with class_database.transaction() as connection:
            connection.execute("UPDATE files SET state = 'skipped', reason = 'too-large' WHERE display LIKE 'huge%'")
            connection.execute("UPDATE files SET state = 'failed', reason = 'corrupt' WHERE display = 'broken.pdf'")
        class_corpus.add(b"letter.txt", "we were in Lanzarote for a holiday, and saw a film", vectors=[unit(1, 0, 0)])

    def test_they_have_no_place_in_a_text(self, class_service: SearchService) -> None:
        (one,) = result_json(class_service.search("volga song", deadline_s=60))["results"]
        assert (one["name"], one["lines"], one["page"], one["snippet"]) == ("Song of the volga.mp3", [0, 0], None, "")
        assert (one["vector"], one["lexical"], one["score"]) == (None, 0.9, 0.9)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("noise", ["noise.zip"]),
            ("noise.zip", ["noise.zip"]),
            ("broken", ["broken.pdf"]),
            ("DSC01273", ["photos/DSC01273.tif"]),
            ("volg*", ["Song of the volga.mp3"]),
            ("2019 holidays Lanzarote", ["Holiday in Lanzarote 2019.mp4", "letter.txt", "huge Lanzarote map.xyz"]),
            ("lanzarote map", ["huge Lanzarote map.xyz", "Holiday in Lanzarote 2019.mp4", "letter.txt"]),
            ("lanzarote -saw", ["Holiday in Lanzarote 2019.mp4", "huge Lanzarote map.xyz"]),
            ("name:noise.zip", ["noise.zip"]),
            ("name:*.mp4", ["Holiday in Lanzarote 2019.mp4"]),
            ("name:1273", ["photos/DSC01273.tif"]),
            ("type:video", ["Holiday in Lanzarote 2019.mp4"]),
            ("type:audio", ["Song of the volga.mp3"]),
            ("type:image", ["photos/DSC01273.tif"]),
            ("type:archive", ["noise.zip"]),
            ("type:archive noise", ["noise.zip"]),
            ("type:video lanzarote", ["Holiday in Lanzarote 2019.mp4"]),
            ("size:>1g", ["huge Lanzarote map.xyz"]),
            ("in:photos", ["photos/DSC01273.tif"]),
            ('"Song of the volga"', ["Song of the volga.mp3"]),
            ('"volga of the song"', []),
            ('"for a holiday"', ["letter.txt"]),
            ('"in Lanzarote"', ["letter.txt", "Holiday in Lanzarote 2019.mp4"]),
            ('"holiday in lanzarote" "saw a film"', []),
            ('"in Lanzarote" ext:mp4', ["Holiday in Lanzarote 2019.mp4"]),
            ('"in Lanzarote" -saw', ["Holiday in Lanzarote 2019.mp4"]),
        ],
    )
    def test_they_are_found_by_names_and_listed_by_filters(
        self, class_service: SearchService, query: str, found: list[str]
    ) -> None:
        assert paths(class_service, query) == found

    @pytest.mark.parametrize(
        ("query", "notices"),
        [
            ("in:nowhere", ("no file meets the filter in:nowhere",)),
            ("volga in:nowhere ext:mp3 type:pfd", ("no file meets the filter in:nowhere type:pfd",)),
            ("type:archive ext:mp3", ()),
            ("volga type:audio", ()),
        ],
    )
    def test_a_filter_that_no_file_meets_is_named(
        self, class_service: SearchService, query: str, notices: tuple[str, ...]
    ) -> None:
        result = class_service.search(query, deadline_s=60)
        assert tuple(notice for notice in result.notices if "filter" in notice) == notices

    def test_filters_list_them_among_the_others(self, class_service: SearchService) -> None:
        listed = paths(class_service, "in:papers")
        assert listed[:3] == ["Holiday in Lanzarote 2019.mp4", "Song of the volga.mp3", "photos/DSC01273.tif"]
        assert len(listed) == 7
        assert len(paths(class_service, "in:papers -nothing")) == 7

    def test_they_rank_by_the_share_of_the_question_in_their_names(self, class_service: SearchService) -> None:
        results = class_service.search("song of the lanzarote", deadline_s=60).hits
        assert results[0].lexical is not None
        assert 0.1 < results[0].lexical < 0.9

    def test_meaning_does_not_bring_them_and_they_stand_beside_what_it_brings(
        self, class_service: SearchService, vectors: ChosenVectors
    ) -> None:
        vectors.vectors["volga"] = unit(1, 0.3, 0)
        hits = class_service.search("volga", deadline_s=60).hits
        assert {hit.path.decode(): hit.vector is None for hit in hits} == {
            "Song of the volga.mp3": True,
            "letter.txt": False,
        }


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        ("type:spreadsheet", {"costs.xlsx", "costs.csv", "totals"}),
        ("type:spreadsheets", {"costs.xlsx", "costs.csv", "totals"}),
        ("type:document", {"letter.docx", "plan.pdf", "notes.txt", "novel.epub", "read.me.md"}),
        ("type:notes", {"notes.txt", "read.me.md"}),
        ("type:books", {"novel.epub"}),
        ("type:code", {"parse.py", "trial.ipynb", "later.rs"}),
        ("type:slides", {"talk.odp"}),
        ("type:presentation", {"talk.odp"}),
        ("type:email", {"hello.eml"}),
        ("type:mail,pdf", {"hello.eml", "plan.pdf"}),
        ("type:photos", {"beach.jpg"}),
        ("type:music type:film", {"song.mp3", "trip.mkv"}),
    ],
)
def test_types_have_the_names_that_people_give_them(
    corpus: Corpus, service: SearchService, kinds: str, found: set[str]
) -> None:
    for name in ("costs.xlsx", "letter.docx", "talk.odp", "beach.jpg", "song.mp3", "trip.mkv", "notes.txt"):
        corpus.file(name.encode(), None, state="named")
    corpus.add(b"totals", "in all", mime_type="application/vnd.oasis.opendocument.spreadsheet")
    corpus.add(b"costs.csv", "a;b", mime_type="text/csv")
    corpus.add(b"plan.pdf", "a plan", mime_type="application/pdf")
    corpus.add(b"hello.eml", "a mail", mime_type="message/rfc822")
    corpus.add(b"read.me.md", "a note", mime_type="text/markdown")
    corpus.add(b"novel.epub", "a novel", mime_type="application/epub+zip")
    corpus.add(b"parse.py", "def parse():", mime_type="text/x-python")
    corpus.add(b"trial.ipynb", "a trial", mime_type="application/x-ipynb+json")
    corpus.file(b"later.rs", None, state="pending")
    assert set(paths(service, kinds)) == found


def test_a_small_number_is_a_size_of_files_if_it_says_so(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"small.txt", "a wombat", size=36)
    corpus.add(b"boots.txt", "boots, size 36")
    assert paths(service, "boots size:36") == ["boots.txt"]
    assert paths(service, "size:36b") == paths(service, "size:=36") == ["small.txt"]


@pytest.mark.parametrize("listed_contents", [0, 1, 50_000])
def test_excluded_words_leave_files_without_text_however_many_contents_have_them(
    corpus: Corpus, service: SearchService, monkeypatch: pytest.MonkeyPatch, listed_contents: int
) -> None:
    monkeypatch.setattr("magicfs.db.search.scope_enumeration.MAX_ENUMERATED_CONTENTS", listed_contents)
    corpus.add(b"apple.txt", "rotten fruit")
    corpus.add(b"apple pie.txt", "a good fruit")
    corpus.file(b"apple.png", corpus.content_without_text("needs-ocr", mime_type="image/png"), state="named")
    corpus.file(b"apple.raw", None, state="pending")
    assert sorted(paths(service, "apple -rotten")) == ["apple pie.txt", "apple.png", "apple.raw"]
    assert sorted(paths(service, "ext:txt ext:png -rotten")) == ["apple pie.txt", "apple.png"]


class TestSpellings:
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def files(cls, class_corpus: Corpus) -> None:
        class_corpus.file(decomposed("Übungsblätter.txt"), class_corpus.content("exercises one"))
        class_corpus.file(decomposed("Übung/answers.TXT"), class_corpus.content("the answers two"))
        class_corpus.file("Straße nach Łódź.txt".encode(), class_corpus.content("a road three"))
        class_corpus.file("写真/東京旅行.jpg".encode(), None, state="pending")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("name:Übung", ["Übungsblätter.txt"]),
            ("name:übungsblätter*", ["Übungsblätter.txt"]),
            ("name:ÜBUNGSBLÄTTER.TXT", ["Übungsblätter.txt"]),
            ("name:ubungsblatter", ["Übungsblätter.txt"]),
            ("in:Übung answers", ["Übung/answers.TXT"]),
            ("in:ubung", ["Übung/answers.TXT"]),
            ("in:%2Fdata%2FÜbung", ["Übung/answers.TXT"]),
            ("in:Übung ext:txt", ["Übung/answers.TXT"]),
            ("in:Übung/answers.txt", ["Übung/answers.TXT"]),
            ("in:%2Fdata%2FÜbung%2Fanswers.TXT", ["Übung/answers.TXT"]),
            ("in:answers", []),
            ("Übungsblätter", ["Übungsblätter.txt"]),
            ("name:strasse", ["Straße nach Łódź.txt"]),
            ("lodz strasse", ["Straße nach Łódź.txt"]),
            ("東京", ["写真/東京旅行.jpg"]),
            ("旅行", ["写真/東京旅行.jpg"]),
            ("in:写真 name:東京*", ["写真/東京旅行.jpg"]),
            ("name:stra%C3", []),
        ],
    )
    def test_any_spelling_finds_them(self, class_service: SearchService, query: str, found: list[str]) -> None:
        expected = {unicodedata.normalize("NFC", path) for path in found}
        assert {unicodedata.normalize("NFC", path) for path in paths(class_service, query)} == expected


class TestNameFilter:
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def files(cls, class_corpus: Corpus) -> None:
        for name in (
            b"the_new_era.txt", b"the-last-dance.txt", b"theBlueMoon.txt", b"my.green.door.txt", b"renewerase.txt",
            b"new era/list.txt", b"IMG_20240131_142233.jpg", b"scan 31-01-2023.pdf", b"invoice-RE-2024-0042.pdf",
        ):  # fmt: skip
            class_corpus.file(name, None, state="named")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ('name:"new era"', ["the_new_era.txt"]),
            ('name:"New Er"', ["the_new_era.txt"]),
            ('name:"era new"', []),
            ('name:"last dance.txt"', ["the-last-dance.txt"]),
            ('name:"blue moon"', ["theBlueMoon.txt"]),
            ('name:"green door"', ["my.green.door.txt"]),
            ('name:"RE 2024 0042"', ["invoice-RE-2024-0042.pdf"]),
            ('name:"20240131 142233"', ["IMG_20240131_142233.jpg"]),
            ("name:2024-01-31", ["IMG_20240131_142233.jpg"]),
            ("name:31.01.2024", ["IMG_20240131_142233.jpg"]),
            ('name:"31 January 2024"', ["IMG_20240131_142233.jpg"]),
            ("name:2024-01", ["IMG_20240131_142233.jpg"]),
            ("name:20230131", ["scan 31-01-2023.pdf"]),
            ("name:new_era", ["the_new_era.txt"]),
            ("name:new-era", []),
            ('name:"new era*"', []),
            ('name:"new era" name:"blue moon"', ["theBlueMoon.txt", "the_new_era.txt"]),
            ('name:"new era" ext:md', []),
        ],
    )
    def test_a_blank_stands_for_what_divides_words_and_a_date_for_its_other_forms(
        self, class_service: SearchService, query: str, found: list[str]
    ) -> None:
        assert sorted(paths(class_service, query)) == sorted(found)

    @pytest.mark.parametrize("query", ["2024-01-31", "31.01.2024", "20240131", "31 January 2024", "January 2024"])
    def test_the_day_in_a_name_is_found_in_every_form(self, class_service: SearchService, query: str) -> None:
        assert paths(class_service, query)[0] == "IMG_20240131_142233.jpg"


@pytest.mark.parametrize("question", ["Einladungen", "Einladung"])
def test_other_forms_of_a_name_are_found_where_no_text_is_in_its_language(
    corpus: Corpus, service: SearchService, question: str
) -> None:
    corpus.add(b"letter.txt", "we were in Lanzarote for a holiday", language="en")
    for name in (b"Einladung Hochzeit.jpg", b"Einladungen.jpg"):
        corpus.file(name, None, state="named")
    result = service.search(question, deadline_s=60)
    assert {hit.path for hit in result.hits} == {b"Einladung Hochzeit.jpg", b"Einladungen.jpg"}


def test_a_number_typed_in_pieces_has_all_of_a_name_in_other_pieces(corpus: Corpus, service: SearchService) -> None:
    corpus.file(b"invoice-RE-2024-0042.pdf", None, state="named")
    corpus.file(b"invoice-RE-2023-0042.pdf", None, state="named")
    first, second = service.search("RE 2024 0042", deadline_s=60).hits
    assert (first.name, first.lexical) == (b"invoice-RE-2024-0042.pdf", 0.9)
    assert second.score < 0.7


def test_an_index_whose_names_are_not_written_yet_has_filters_and_then_names(
    database: Database, corpus: Corpus, service: SearchService
) -> None:
    corpus.file(b"Noise.ZIP", None, state="pending")
    corpus.add(b"Docs/Rose.txt", "a flower")
    with database.transaction() as connection:
        connection.execute("UPDATE files SET words = NULL, folded = NULL")
    assert paths(service, "name:noise*") == ["Noise.ZIP"]
    assert paths(service, "in:docs") == ["Docs/Rose.txt"]
    assert paths(service, "noise") == []
    assert paths(service, "flower") == ["Docs/Rose.txt"]
    make_maintenance(database).sweep()
    assert paths(service, "noise") == ["Noise.ZIP"]


def test_the_rare_word_of_a_name_finds_it_among_thousands_with_the_common_one(
    database: Database, corpus: Corpus, service: SearchService
) -> None:
    for number in range(150):
        corpus.file(b"photos of summer/IMG_%04d.jpg" % number, None, state="pending")
    corpus.file(b"zanzibar.jpg", None, state="pending")
    corpus.file(b"photos of summer/zanzibar.jpg", None, state="pending")
    assert paths(service, "photos zanzibar")[:2] == ["photos of summer/zanzibar.jpg", "zanzibar.jpg"]


@pytest.mark.parametrize("count", [5, 20, 90, 150])
def test_a_word_that_many_names_and_no_texts_have_says_little(
    corpus: Corpus, service: SearchService, count: int
) -> None:
    for number in range(count):
        corpus.file(b"photos/IMG_%04d.jpg" % number, None, state="pending")
    corpus.add(b"bees.txt", "keeping bees means a hive and a smoker", vectors=[unit(1, 0, 0)])
    for number in range(40):
        corpus.add(b"plan%d.txt" % number, f"a text about matter {number} and plans", vectors=[unit(0, 1, 0)])
    assert paths(service, "IMG bees")[0] == "bees.txt"


def test_the_name_of_a_root_has_any_spelling_too(database: Database, corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"other.txt", "no novel")
    other = Corpus(database, root=unicodedata.normalize("NFD", "Bücher"), path=b"/books")
    other.add(b"emma.txt", "a novel")
    make_maintenance(database).sweep()
    for query in ("root:bücher", "in:Bücher novel", "root:BUCHER"):
        assert paths(service, query) == ["emma.txt"], query
