"""The files nearest in meaning to a file, found by vectors that each test chooses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.db.pool import Database
from magicfs.db.search import neighbours as neighbours_db
from magicfs.db.vectors.vector_index import IndexAction, maintain_index
from magicfs.domain.results import SearchResult
from magicfs.errors import DeadlineExceeded, NotComparable, UsageError
from magicfs.search import near_contents
from magicfs.search.render import result_json
from magicfs.search.service import SearchService
from tests.integration.search.corpus import Corpus, unit
from tests.integration.search.test_two_models import TwoModels

OWN, NEAR, FAR, AWAY = unit(1, 0, 0), unit(0.95, 0.3, 0), unit(0.6, 0.8, 0), unit(-1, 0.2, 0)


def similar(service: SearchService, path: bytes, *, host: str | None = None, limit: int | None = None) -> SearchResult:
    return service.similar(path, host=host, limit=limit, deadline_s=60)


def names(service: SearchService, path: bytes, *, limit: int | None = None) -> list[bytes]:
    return [hit.name for hit in similar(service, path, limit=limit).hits]


@pytest.fixture
def files(corpus: Corpus) -> Corpus:
    corpus.add(b"own.txt", "our own text", vectors=[OWN])
    corpus.add(b"far.txt", "about something near", vectors=[FAR])
    corpus.add(b"near.txt", "head", "the same in other words", vectors=[AWAY, NEAR])
    corpus.add(b"away.txt", "the very opposite", vectors=[AWAY])
    return corpus


def test_the_nearest_come_first_and_the_file_itself_does_not(files: Corpus, service: SearchService) -> None:
    found = similar(service, b"/data/own.txt")
    assert [hit.name for hit in found.hits] == [b"near.txt", b"far.txt"]
    near, far = found.hits
    assert 1.0 > near.score > far.score > 0.04
    assert (near.first_line, near.last_line, near.snippet) == (11, 19, "the same in other words")
    assert (near.vector, near.lexical) == (near.score, None)
    assert [hit.rank for hit in found.hits] == [1, 2]
    assert names(service, b"/data/own.txt", limit=1) == [b"near.txt"]


def test_the_answer_is_that_of_a_search(files: Corpus, service: SearchService) -> None:
    found = result_json(similar(service, b"/data/own.txt"))
    searched = result_json(service.search("text", deadline_s=60))
    assert found["query"] == "/data/own.txt"
    assert found.keys() == searched.keys()
    assert found["coverage"] == searched["coverage"]
    assert {frozenset(one) for one in found["results"]} == {frozenset(one) for one in searched["results"]}


def test_the_same_text_in_other_bytes_is_at_1(files: Corpus, service: SearchService) -> None:
    files.add(b"draft.txt", "our own text", vectors=[OWN])
    best = similar(service, b"/data/own.txt").hits[0]
    assert (best.name, round(best.score, 4)) == (b"draft.txt", 1.0)


def test_copies_are_no_neighbours_but_named(corpus: Corpus, service: SearchService) -> None:
    own = corpus.content("our own text", vectors=[OWN])
    near = corpus.content("the same in other words", vectors=[NEAR])
    for path in (b"own.txt", b"copy.txt", b"old/copy.txt", b"old/other.txt", b"old/more.txt"):
        corpus.file(path, own)
    corpus.file(b"near.txt", near)
    corpus.file(b"old/near.txt", near)
    found = similar(service, b"/data/own.txt")
    assert [(hit.name, [copy.path for copy in hit.copies]) for hit in found.hits] == [
        (b"near.txt", [b"/data/old/near.txt"])
    ]
    [notice] = found.notices
    assert notice.startswith("the same bytes, and no neighbours: /data/copy.txt, /data/old/")
    assert notice.endswith(" and 1 more")


def test_the_same_bytes_read_as_another_kind_are_no_neighbour(
    files: Corpus, service: SearchService, database: Database
) -> None:
    files.add(b"own.md", "our own text", vectors=[OWN], mime_type="text/markdown")
    with database.transaction() as connection:
        connection.execute(
            "UPDATE contents SET digest = (SELECT digest FROM contents JOIN files ON content_id = contents.id "
            "WHERE path = 'own.txt') WHERE kind = 'text/markdown'"
        )
    found = similar(service, b"/data/own.txt")
    assert [hit.name for hit in found.hits] == [b"near.txt", b"far.txt"]
    assert found.notices == ("the same bytes, and no neighbours: /data/own.md",)


def test_an_edited_copy_of_a_long_file_is_found_by_what_it_shares(corpus: Corpus, service: SearchService) -> None:
    texts = [f"part {number}" for number in range(300)]
    vectors = list(np.random.default_rng(3).normal(size=(301, 3)))
    vectors = [unit(*vector) for vector in vectors]
    corpus.add(b"book.txt", *texts, vectors=vectors[:300])
    corpus.add(
        b"second.txt", *texts[:150], "new", *texts[151:], vectors=[*vectors[:150], vectors[300], *vectors[151:300]]
    )
    corpus.add(b"one.txt", "a line", vectors=[unit(0, 0, 1)])
    best = similar(service, b"/data/book.txt").hits[0]
    assert best.name == b"second.txt"
    assert best.score > 0.95


def test_the_chunks_of_a_long_file_do_not_hide_its_neighbours(
    corpus: Corpus, service: SearchService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = [unit(1, 0.001 * number, 0) for number in range(600)]
    corpus.add(b"book.txt", *(f"part {number}" for number in range(600)), vectors=around)
    corpus.add(b"near.txt", "in other words", vectors=[unit(1, 0.2, 0.4)])
    for number in range(30):
        corpus.add(b"other%d.txt" % number, f"other {number}", vectors=[unit(-1, 0.1 * number, 1)])
    asked: list[NDArray[np.float32]] = []

    near_chunks = neighbours_db.near_chunks

    def counted(connection: Any, model: Any, probes: NDArray[np.float32], **options: Any) -> Any:
        asked.append(probes)
        return near_chunks(connection, model, probes, **options)

    monkeypatch.setattr(neighbours_db, "near_chunks", counted)
    assert names(service, b"/data/book.txt")[0] == b"near.txt"
    assert [len(probes) for probes in asked] == [near_contents.PROBES + 1]
    with database.autocommit() as connection:
        connection.execute("ANALYZE embeddings")
    assert maintain_index(database, min_rows=1) is IndexAction.BUILD
    assert names(service, b"/data/book.txt")[0] == b"near.txt"


def test_vectors_of_two_models_are_never_compared(database: Database, corpus: Corpus, service: SearchService) -> None:
    models = TwoModels(database, corpus)
    models.add(b"own.txt", "our own text", active=(1, 0, 0), second=(1, 0))
    models.add(b"first.txt", "read by one", active=(1, 0.1, 0))
    models.add(b"second.txt", "von der anderen gelesen", second=(1, 0.2), language="de")
    models.add(b"both.txt", "read by both", active=(1, 0.3, 0), second=(1, 0.3))
    models.add(b"german.txt", "ein Text", second=(1, 0), language="de")
    assert set(names(service, b"/data/own.txt")) == {b"first.txt", b"second.txt", b"both.txt", b"german.txt"}
    assert set(names(service, b"/data/first.txt")) == {b"own.txt", b"both.txt"}
    assert set(names(service, b"/data/german.txt")) == {b"own.txt", b"second.txt", b"both.txt"}


def test_second_vectors_that_are_to_come_are_told(database: Database, corpus: Corpus, service: SearchService) -> None:
    models = TwoModels(database, corpus)
    models.add(b"own.txt", "our own text", active=(1, 0, 0), second=(1, 0))
    models.add(b"other.txt", "another text", active=(1, 0.1, 0), second=(1, 0.1))
    models.add(b"german.txt", "ein Text", second=(1, 0), language="de")
    assert similar(service, b"/data/german.txt").notices == similar(service, b"/data/own.txt").notices == ()
    with database.transaction() as connection:
        connection.execute(
            "UPDATE embeddings SET state = 'pending', vector = NULL, priority = -1 FROM chunks"
            " WHERE chunks.id = chunk_id AND text = 'our own text' AND model_id = %s",
            (models.second.id,),
        )
    [notice] = similar(service, b"/data/german.txt").notices
    assert notice.startswith("/data/german.txt is not compared with texts that lack their second vectors")
    [notice] = similar(service, b"/data/own.txt").notices
    assert notice.startswith("/data/own.txt is compared with other languages once it has its second vectors")
    assert similar(service, b"/data/other.txt").notices == ()


def test_a_file_of_another_host_is_found_where_only_one_has_it(
    files: Corpus, service: SearchService, database: Database
) -> None:
    there = Corpus(database, host="far-away", root="theirs", path=b"/theirs")
    there.add(b"letter.txt", "a letter", vectors=[NEAR])
    found = similar(service, b"/theirs/letter.txt")
    assert found.hits[0].name == b"own.txt"
    assert found.notices == ("/theirs/letter.txt is a file of far-away",)
    assert similar(service, b"/theirs/letter.txt", host="far-away").notices == ()
    with pytest.raises(UsageError, match="no file"):
        similar(service, b"/theirs/letter.txt", host="box")
    another = Corpus(database, host="elsewhere", root="others", path=b"/theirs")
    another.add(b"letter.txt", "another letter", vectors=[FAR])
    with pytest.raises(UsageError, match=r"several hosts .*elsewhere, far-away"):
        similar(service, b"/theirs/letter.txt")
    ours = Corpus(database, host="box", root="ours", path=b"/theirs")
    ours.add(b"letter.txt", "our letter", vectors=[OWN])
    assert similar(service, b"/theirs/letter.txt").notices == (), "that of this host is meant"


def test_a_name_of_any_bytes_names_a_file(files: Corpus, service: SearchService) -> None:
    files.add(b"caf\xe9/own\n.txt", "the menu", vectors=[NEAR])
    found = similar(service, b"/data/caf\xe9/own\n.txt")
    assert found.hits[0].name == b"own.txt"
    assert result_json(found)["query"] == "/data/caf\ufffd/own\n.txt"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (b"/data/missing.txt", "the index has no file /data/missing.txt"),
        (b"/elsewhere", "the index has no file"),
        (b"/data", "/data is a directory: name one of its files"),
        (b"/data/folder", "is a directory"),
        (b"/data/folder/wher", "no file"),
        (b"", "no file"),
    ],
)
def test_what_names_no_file_is_wrong_usage(files: Corpus, service: SearchService, path: bytes, message: str) -> None:
    files.add(b"folder/where.txt", "somewhere", vectors=[FAR])
    with pytest.raises(UsageError, match=message):
        similar(service, path)


def test_why_a_file_cannot_be_compared_is_said(files: Corpus, service: SearchService, database: Database) -> None:
    files.add(b"waits.txt", "no vector yet")
    files.add(b"unread.txt", "በቋንቋ")
    files.add(b"failed.txt", "it crashed")
    files.add(b"beyond.txt", "beyond the limit")
    files.file(b"new.txt", None, state="pending")
    files.file(b"film.mp4", files.content_without_text("binary"), state="named")
    with database.transaction() as connection:
        for text, state in (("በቋንቋ", "unread"), ("it crashed", "failed")):
            connection.execute(
                "UPDATE embeddings SET state = %s FROM chunks WHERE chunks.id = chunk_id AND text = %s", (state, text)
            )
        connection.execute("DELETE FROM embeddings USING chunks WHERE chunks.id = chunk_id AND text LIKE 'beyond%'")
        connection.execute(
            "INSERT INTO files (root_id, path, display, extension, words, folded, size, mtime_ns, ctime_ns, ino, mode, "
            "uid, gid, state, reason) SELECT root_id, 'locked.pdf', 'locked.pdf', 'pdf', '', '', 1, 0, 0, 0, 420, 0, 0,"
            " 'skipped', 'encrypted' FROM files LIMIT 1"
        )
    for name, message in {
        b"waits.txt": "waits for its vectors: try again in a moment",
        b"unread.txt": "no model of the index reads",
        b"failed.txt": "the model failed",
        b"beyond.txt": "MAGICFS_MAX_EMBEDDED_CHUNKS",
        b"new.txt": "waits to be read: try again in a moment",
        b"film.mp4": "has no text: only its name is found",
        b"locked.pdf": r"\(skipped: encrypted\): docs/reasons.md",
    }.items():
        with pytest.raises(NotComparable, match=message):
            similar(service, b"/data/" + name)


def test_a_file_that_waits_is_compared_as_it_was(files: Corpus, service: SearchService, database: Database) -> None:
    files.add(b"long.txt", "first part", "second part", vectors=[NEAR])
    with database.transaction() as connection:
        connection.execute("UPDATE files SET state = 'pending' WHERE path = 'own.txt'")
    found = similar(service, b"/data/own.txt")
    assert found.hits[0].name in {b"near.txt", b"long.txt"}
    assert found.notices == ("/data/own.txt has changed and waits to be read again: its last text is compared",)
    assert similar(service, b"/data/long.txt").notices == ("1 of 2 chunks of /data/long.txt have a vector yet",)


def test_a_file_without_neighbours_finds_nothing(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"own.txt", "our own text", vectors=[OWN])
    assert names(service, b"/data/own.txt") == []
    corpus.add(b"away.txt", "the very opposite", vectors=[AWAY])
    assert names(service, b"/data/own.txt") == []


def test_a_content_that_no_file_has_is_no_result(files: Corpus, service: SearchService) -> None:
    files.content("deleted a moment ago", vectors=[OWN])
    assert names(service, b"/data/own.txt") == [b"near.txt", b"far.txt"]


def test_the_deadline_holds(files: Corpus, service: SearchService) -> None:
    with pytest.raises(DeadlineExceeded):
        service.similar(b"/data/own.txt", deadline_s=1e-6)
