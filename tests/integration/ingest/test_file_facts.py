"""What `magicfs doctor PATH` says of the text of a file: what of it is in the index, and what was left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from magicfs.cli.file_report import REMEDIES, explanation_facts, facts_json
from magicfs.db.vectors.model_changes import start_multilingual
from magicfs.domain.contents import Document, Recognition, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.ingest.explain import explain
from tests.fakes.embedder import FAKE_SPEC
from tests.plugins.index import HOST, Index


def lines(index: Index, name: str) -> list[str]:
    return list(map(str, explanation_facts(explain(index.database, host=HOST, path=index.folder / name))))


def line(index: Index, name: str, label: str) -> str:
    """The only line of a label, without the label."""
    (found,) = [one.removeprefix(label).strip() for one in lines(index, name) if one.startswith(f"{label} ")]
    return found


def facts(index: Index, name: str) -> dict[str, Any]:
    """What the index has about a file, for programs."""
    found = facts_json(explain(index.database, host=HOST, path=index.folder / name))
    assert found is not None
    return found


def read_as(index: Index, document: Document) -> None:
    """Let every file be read as a document."""
    index.reader.extract = lambda content, name, gap: document


def test_words_language_and_beginning_are_shown(index: Index) -> None:
    (index.folder / "brief.md").write_text("-")
    read_as(index, Document("Rechnungen  an\nden \x1b[1mGärtner\x1b[0m\n\nRechnungen", "text/markdown", language="de"))
    index.settle()
    assert line(index, "brief.md", "words") == "4 different words in 2 chunks"
    assert line(index, "brief.md", "language") == "de"
    assert line(index, "brief.md", "type") == "text/markdown, read as md"
    assert line(index, "brief.md", "begins") == "Rechnungen an den Gärtner"


@pytest.mark.parametrize(
    ("kind", "said"), [("text/plain decode", "text/plain"), ("text/html markup", "text/plain, read as text/html")]
)
def test_the_type_is_said_without_the_code_that_reads_it(index: Index, kind: str, said: str) -> None:
    (index.folder / "a.txt").write_text("x y z")
    index.settle()
    explanation = explain(index.database, host=HOST, path=index.folder / "a.txt")
    assert explanation.facts is not None
    facts = replace(explanation.facts, kind=kind, mime_type="text/plain")
    assert f"type      {said}" in map(str, explanation_facts(replace(explanation, facts=facts)))


def test_a_language_that_is_not_known_is_said(index: Index) -> None:
    (index.folder / "a.txt").write_text("x y z")
    index.settle()
    assert line(index, "a.txt", "language") == "not known: its words have English stems"


def test_a_directory_is_told_from_what_scans_do_not_see(index: Index) -> None:
    (index.folder / "letters").mkdir()
    (index.folder / "letters/a.txt").write_text("x y z")
    index.settle()
    assert line(index, "letters", "directory") == "1 file of it is in the index"


def test_the_remedy_stands_beside_the_reason(index: Index) -> None:
    (index.folder / "a.docx").write_text("x")
    index.reader.extract = lambda content, name, gap: Unreadable(SkipReason.ENCRYPTED, "needs a password")
    index.settle()
    assert line(index, "a.docx", "state") == "skipped: encrypted"
    assert line(index, "a.docx", "hint") == "store it without a password to have it found by its text"


@pytest.mark.parametrize("reason", SkipReason)
def test_each_reason_has_a_remedy(reason: SkipReason) -> None:
    assert REMEDIES[reason]


def test_encoded_data_that_was_left_out_is_counted(index: Index) -> None:
    (index.folder / "page.md").write_text("-")
    read_as(index, Document("a picture", "text/markdown", encoded_characters=12_345))
    index.settle()
    assert line(index, "page.md", "left out") == (
        "12,345 characters of encoded data, such as pictures in base64: docs/formats.md says what that is"
    )
    assert facts(index, "page.md")["encoded_characters"] == 12_345


@pytest.mark.parametrize(
    ("recognition", "said"),
    [
        (Recognition("rapidocr", (2, 4, 5, 6, 9)), "rapidocr, pages 2, 4-6, 9"),
        (Recognition("tesseract", (3,)), "tesseract, page 3"),
        (Recognition("tesseract"), "tesseract"),
        (
            Recognition("tesseract", tuple(range(1, 2000, 2))),
            "tesseract, pages 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39 and 980 more",
        ),
    ],
)
def test_what_recognised_which_pages_is_said(index: Index, recognition: Recognition, said: str) -> None:
    (index.folder / "scan.pdf").write_text("-")
    read_as(index, Document("a scanned word", "application/pdf", recognition=recognition))
    index.settle()
    assert line(index, "scan.pdf", "pictures") == f"read by {said}"
    assert facts(index, "scan.pdf")["recognised_by"] == said
    assert not [one for one in lines(index, "scan.pdf") if one.startswith("detail")]


def test_pictures_in_which_nothing_is_recognised_have_no_text_that_was_read(index: Index) -> None:
    (index.folder / "photo.png").write_text("not really a picture")
    detail = "rapidocr recognises no text in it"
    index.reader.extract = lambda content, name, gap: Unreadable(SkipReason.NO_TEXT, detail, ocr="rapidocr")
    index.settle()
    assert line(index, "photo.png", "detail") == detail
    assert facts(index, "photo.png")["recognised_by"] is None


@pytest.mark.parametrize(
    ("state", "label", "words"),
    [
        ("unread", "left out", "the meaning of 1 of 2 chunks: the model does not read their script"),
        ("failed", "left out", "the meaning of 1 of 2 chunks, which failed: see 'magicfs failures'"),
        ("pending", "waiting", "1 of 2 chunks for their vectors: they are found by their words meanwhile"),
    ],
)
def test_chunks_without_a_vector_are_counted_by_their_reasons(index: Index, state: str, label: str, words: str) -> None:
    (index.folder / "a.txt").write_text("one\n\ntwo")
    index.settle()
    index.rows(
        "UPDATE embeddings SET state = %s, vector = NULL WHERE chunk_id = (SELECT min(id) FROM chunks) RETURNING 1",
        state,
    )
    assert line(index, "a.txt", "found") == "1 of 2 chunks by meaning, all of them by their words"
    assert line(index, "a.txt", label) == words


def test_without_a_model_no_chunk_is_beyond_a_limit(index: Index) -> None:
    (index.folder / "a.txt").write_text("one\n\ntwo")
    index.settle()
    index.rows("UPDATE models SET state = 'retired' RETURNING 1")
    assert line(index, "a.txt", "found") == "0 of 2 chunks by meaning, all of them by their words"
    assert not [one for one in lines(index, "a.txt") if one.startswith("left out")]


@pytest.fixture
def second(index: Index) -> int:
    """The id of a multilingual model beside one that reads English."""
    index.rows("UPDATE models SET languages = '{en}' RETURNING 1")
    with index.database.transaction() as connection:
        return start_multilingual(connection, replace(FAKE_SPEC, name="fake/all", languages=())).id


def set_rows(index: Index, second: int, *, active: str | None, other: str, priority: int = 0) -> None:
    """Put all chunks into a state under the active and the multilingual model; None for no row there."""
    vectors = "[" + ",".join(["1"] * FAKE_SPEC.dimension) + "]"
    index.rows("DELETE FROM embeddings RETURNING 1")
    for model, state in ((1, active), (second, other)):
        if state is None:
            continue
        index.rows(
            "INSERT INTO embeddings (model_id, chunk_id, state, priority, vector)"
            " SELECT %s, id, %s::embedding_state, %s, CASE %s WHEN 'done' THEN %s::halfvec END FROM chunks RETURNING 1",
            model, state, priority, state, vectors,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("active", "other", "priority", "found", "vectors"),
    [
        ("done", "pending", -1, 2, "2 of fake/bag-of-words; 0 of fake/all, 2 second vectors to come"),
        ("done", "done", 0, 2, "2 of fake/bag-of-words; 2 of fake/all"),
        ("unread", "done", 0, 2, "0 of fake/bag-of-words; 2 of fake/all"),
        ("unread", "pending", 0, 0, "0 of fake/bag-of-words; 0 of fake/all"),
    ],
)
def test_the_vectors_of_each_model_are_counted(
    index: Index, second: int, *, active: str, other: str, priority: int, found: int, vectors: str
) -> None:
    (index.folder / "a.txt").write_text("one\n\ntwo")
    index.settle()
    set_rows(index, second, active=active, other=other, priority=priority)
    assert line(index, "a.txt", "found") == f"{found} of 2 chunks by meaning, all of them by their words"
    assert line(index, "a.txt", "vectors") == vectors
    waiting = [one for one in lines(index, "a.txt") if one.startswith("waiting")]
    assert bool(waiting) is (found == 0)


@pytest.mark.parametrize(
    ("active", "other", "left_out"),
    [
        ("unread", "failed", ["the meaning of 2 of 2 chunks, which failed: see 'magicfs failures'"]),
        ("failed", "unread", ["the meaning of 2 of 2 chunks, which failed: see 'magicfs failures'"]),
        ("unread", "unread", ["the meaning of 2 of 2 chunks: no model reads their script"]),
        (None, "done", []),
    ],
)
def test_a_chunk_is_left_out_for_one_reason(
    index: Index, second: int, active: str | None, other: str, left_out: list[str]
) -> None:
    (index.folder / "a.txt").write_text("one\n\ntwo")
    index.settle()
    set_rows(index, second, active=active, other=other)
    found = [one.removeprefix("left out").strip() for one in lines(index, "a.txt") if one.startswith("left out")]
    assert found == left_out


def test_a_language_that_the_active_model_does_not_read_is_said(index: Index, second: int) -> None:
    (index.folder / "brief.md").write_text("-")
    read_as(index, Document("Rechnungen", "text/markdown", language="de"))
    index.scan()
    while index.extraction().run_batch():
        pass
    set_rows(index, second, active="unread", other="done")
    assert line(index, "brief.md", "vectors") == "0 of fake/bag-of-words, which does not read de; 1 of fake/all"
    set_rows(index, second, active="unread", other="unread")
    assert line(index, "brief.md", "left out") == "the meaning of 1 of 1 chunk: no model reads their script"
    index.rows("UPDATE models SET languages = '{}' RETURNING 1")
    assert line(index, "brief.md", "vectors") == "0 of fake/bag-of-words; 0 of fake/all", "it reads every language"


def test_copies_are_named(index: Index) -> None:
    (index.folder / "copy4.txt").write_text("the same")
    index.settle()
    for number in range(4):
        (index.folder / f"copy{number}.txt").write_text("the same")
    for number in range(2):
        (index.folder / f"pair{number}.txt").write_text("twice")
        (index.folder / f"empty{number}.txt").touch()
    (index.folder / "other.txt").write_text("another")
    index.settle()
    folder = index.folder
    assert line(index, "pair0.txt", "copies") == f"1 other file has the same bytes: {folder}/pair1.txt"
    assert line(index, "copy0.txt", "copies") == (
        f"4 other files have the same bytes: {folder}/copy1.txt, {folder}/copy2.txt, {folder}/copy3.txt and 1 more"
    )
    for name in ("other.txt", "empty0.txt"):
        assert not [one for one in lines(index, name) if one.startswith("copies")]
