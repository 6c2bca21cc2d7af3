"""Where a file stands in a search, and why not higher: a test for each reason."""

from __future__ import annotations

import pytest

from magicfs.cli.standing_report import standing_facts
from magicfs.db.pool import Database
from magicfs.domain.explanation import Standing
from magicfs.domain.ids import FileId
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit


class Explained:
    """Asks for the standing of files by their paths."""

    def __init__(self, database: Database, vectors: ChosenVectors) -> None:
        self.database = database
        self.service = SearchService(database, vectors, host="box", default_limit=3)

    def __call__(self, path: str, query: str) -> Standing:
        with self.database.transaction() as connection:
            row = connection.execute("SELECT id FROM files WHERE display = %s", (path,)).fetchone()
        assert row is not None
        return self.service.explain(query, file=FileId(row[0]), deadline_s=60)


@pytest.fixture
def explained(database: Database, vectors: ChosenVectors) -> Explained:
    return Explained(database, vectors)


def test_a_result_has_its_rank_its_score_and_its_words(corpus: Corpus, explained: Explained) -> None:
    corpus.add(b"best.txt", "the invoices for roses and tulips")
    corpus.add(b"plain.txt", "nothing", "an invoice from the gardener")
    standing = explained("plain.txt", "invoices roses")
    hits = explained.service.search("invoices roses", deadline_s=60).hits
    assert (standing.rank, standing.results, standing.score) == (2, 2, hits[1].score)
    assert standing.measures is not None
    assert {word.word: word.in_text for word in standing.measures.words} == {"invoices": ("^invoic",), "roses": ()}
    assert standing.measures.lexical == hits[1].lexical
    assert standing.before[0] == "/data/best.txt"
    lines = "\n".join(map(str, standing_facts(standing)))
    assert "rank      2 of 2 results" in lines
    assert "passage   lines 11-19" in lines
    assert "has       invoices (as invoic, " in lines
    assert "lacks     roses (" in lines
    assert "before it /data/best.txt: words 1.00 to " in lines
    assert "notice    found by words alone" in lines


def test_the_rare_words_of_a_long_file_are_found(
    corpus: Corpus, explained: Explained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many chunks are not all measured."""
    monkeypatch.setattr("magicfs.db.search.candidate_statements.ENOUGH_CHUNKS_COMPARED", 1)
    corpus.add(b"book.txt", "a chapter on soup", "a chapter on bread", "a chapter on salads")
    measures = explained("book.txt", "bread").measures
    assert measures is not None
    assert measures.lines == (11, 19)
    assert measures.relative_words == 1.0


def test_a_passage_that_stands_twice_is_shown_at_its_first_place(
    corpus: Corpus, explained: Explained, database: Database
) -> None:
    corpus.add(b"book.txt", "a chapter on bread", "a chapter on soup", "a chapter on bread")
    with database.transaction() as connection:
        # Postgres stores the changed row behind the others.
        connection.execute("UPDATE content_chunks SET page = 1 WHERE ordinal = 0")
    measures = explained("book.txt", "bread").measures
    assert measures is not None
    assert (measures.lines, measures.page) == ((1, 9), 1)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("soup ext:md", "the filter ext:md leaves it out"),
        ("soup lang:german", "the filter lang:de leaves it out"),
        ("soup type:pdf in:old", "the filter type:pdf leaves it out|the filter in:old leaves it out"),
        ("soup size:>1k", "the filter size:>1024 leaves it out"),
        ("soup -ext:md,txt", "the filter -ext:md -ext:txt leaves it out"),
        (
            "soup -lang:de -size:<=1k NOT in:papers",
            "the filter -in:papers leaves it out|the filter -size:<1025 leaves it out",
        ),
        ("soup -onion", "its text has what -onion excludes"),
        ('soup -"onion soup"', 'its text has what -"onion soup" excludes'),
        ('"soup of onions"', 'no passage of it has the phrase "soup of onions"'),
        ('"onion soup" "white bread"', "no single passage of it has all phrases"),
        ("ext:md", "the filter ext:md leaves it out"),
        ("-ext:txt", "the filter -ext:txt leaves it out"),
    ],
)
def test_conditions_that_leave_a_file_out_are_named(
    corpus: Corpus, explained: Explained, query: str, reason: str
) -> None:
    corpus.add(b"soup.txt", "a recipe for onion soup", "with white bread")
    for path in (b"old/other.md", b"old/other.pdf"):
        corpus.add(path, f"the soup of onions, {path!r}", size=2048)
    standing = explained("soup.txt", query)
    assert standing.rank is None
    assert "|".join(standing.reasons) == reason


def test_a_phrase_in_the_name_is_as_good_as_one_in_the_text(corpus: Corpus, explained: Explained) -> None:
    corpus.add(b"Onion soup of Lyon.txt", "a recipe with bread")
    standing = explained("Onion soup of Lyon.txt", '"onion soup"')
    assert standing.rank == 1
    assert standing.measures is not None
    assert standing.measures.name_share > 0.9


def test_a_file_beyond_the_limit_has_its_number(corpus: Corpus, explained: Explained) -> None:
    for number in range(5):
        corpus.add(b"%d.txt" % number, "soup " * (5 - number) + "and much else to read " * 5)
    assert explained("4.txt", "soup").reasons == ("it is number 5 and the search shows 3: limit:5 shows it",)
    assert explained("4.txt", "soup limit:5").rank == 5
    assert explained("3.txt", "ext:txt limit:1").reasons == ("newer files fill the limit of 1: limit:N shows more",)


def test_a_copy_says_which_one_is_shown(corpus: Corpus, explained: Explained) -> None:
    content = corpus.content("a recipe for soup")
    corpus.file(b"new.txt", content, mtime=1_700_000_009)
    corpus.file(b"old.txt", content)
    for query in ("recipe", "ext:txt"):
        standing = explained("old.txt", query)
        assert (standing.rank, standing.reasons) == (1, ("it is a copy of /data/new.txt, which is shown",))
    assert explained("old.txt", "recipe copies:all").reasons == ()


def test_a_file_without_anything_of_the_query_is_no_result(corpus: Corpus, explained: Explained) -> None:
    corpus.add(b"a.txt", "roses")
    corpus.add(b"b.txt", "soup")
    assert explained("a.txt", "soup").reasons == (
        "neither its text nor its path has a word of the query, and its meaning is not compared",
    )


def test_a_file_that_answers_too_weakly_says_so(corpus: Corpus, explained: Explained, vectors: ChosenVectors) -> None:
    corpus.add(b"far.txt", "roses", vectors=[unit(0.1, 1, 0)])
    vectors.vectors["soup"] = unit(1, 0, 0)
    (reason,) = explained("far.txt", "soup").reasons
    assert reason.startswith("it answers too weakly: its score is 0.0")


def test_meaning_and_names_are_measured(corpus: Corpus, explained: Explained, vectors: ChosenVectors) -> None:
    corpus.add(b"soup/onion.txt", "a recipe", vectors=[unit(1, 0.1, 0)])
    vectors.vectors["onion soup"] = unit(1, 0, 0)
    standing = explained("soup/onion.txt", "onion soup")
    lines = "\n".join(map(str, standing_facts(standing)))
    assert "name      has onion, soup (a directory)" in lines
    assert "meaning   1.00" in lines or "meaning   0.99" in lines
    assert standing.notices == ()


@pytest.mark.parametrize(("state", "why"), [("pending", "it waits for"), ("unread", "does not read its language")])
def test_a_passage_without_a_vector_says_why(
    corpus: Corpus, explained: Explained, vectors: ChosenVectors, state: str, why: str
) -> None:
    corpus.add(b"a.txt", "soup")
    vectors.vectors["soup"] = unit(1, 0, 0)
    with explained.database.transaction() as connection:
        connection.execute("UPDATE embeddings SET state = %s", (state,))
    measures = explained("a.txt", "soup").measures
    assert measures is not None
    assert why in measures.no_vector


def test_a_file_that_is_no_candidate_says_so(
    corpus: Corpus, explained: Explained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.search.request.MAX_CANDIDATES", 1)
    corpus.add(b"a.txt", "soup soup soup soup")
    corpus.add(b"b.txt", "soup and very much else")
    (reason,) = explained("b.txt", "soup").reasons
    assert reason.startswith("it was no candidate")
