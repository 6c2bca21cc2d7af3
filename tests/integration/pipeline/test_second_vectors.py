"""An English model and a multilingual one: which of them embeds a chunk, by the documents that it is in."""

from __future__ import annotations

import pytest

from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus.rechunk import replace_chunks
from magicfs.db.status import read_progress, read_status
from magicfs.domain.chunks import Chunk
from tests.integration.pipeline.second_model import ENGLISH, TwoModels
from tests.plugins.index import HOST
from tests.plugins.services import make_maintenance

HEDGEHOG, UNICORN = "\N{HEDGEHOG}", "\N{UNICORN FACE}"


def test_without_a_second_model_every_chunk_waits_for_the_active_one(models: TwoModels) -> None:
    models.write("one-de.txt", "Guten Tag")
    models.extract()
    assert models.rows() == {"Guten Tag": {"english": "pending 0"}}
    models.embed()
    assert models.rows() == {"Guten Tag": {"english": "done"}}


def test_a_chunk_waits_for_the_model_that_reads_its_document(models: TwoModels) -> None:
    models.start()
    models.write_both()
    models.write("three.txt", "unknown")
    models.extract()
    assert models.states() == {
        "good day": ("pending 0", "pending -1"),
        "Guten Tag": ("unread", "pending 0"),
        "unknown": ("pending 0", "pending -1"),
    }
    models.settle()
    assert models.states() == {
        "good day": ("done", "done"),
        "Guten Tag": ("unread", "done"),
        "unknown": ("done", "done"),
    }


def test_what_a_person_saves_goes_first_under_the_model_that_reads_it(models: TwoModels) -> None:
    models.start()
    models.write_both()
    models.read_saved()
    assert models.states() == {"good day": ("pending 1", "pending -1"), "Guten Tag": ("unread", "pending 1")}


@pytest.mark.parametrize("order", ["de first", "en first", "together"])
def test_a_chunk_of_two_documents_is_read_if_one_of_them_is(models: TwoModels, order: str) -> None:
    models.start()
    texts = {"one-de.txt": "Guten Tag\n\nOK", "two-en.txt": "good day\n\nOK"}
    for name in sorted(texts, reverse=order == "en first"):
        models.write(name, texts[name])
        if order != "together":
            models.extract()
    models.extract()
    assert models.states()["OK"] == ("pending 0", "pending 0")
    models.settle()
    assert models.states()["OK"] == ("done", "done")


def test_a_chunk_that_an_english_document_gets_later_is_embedded_by_the_active_model(models: TwoModels) -> None:
    models.start()
    models.write("one-de.txt", "OK")
    models.settle()
    assert models.states() == {"OK": ("unread", "done")}
    models.write("two-en.txt", "OK")
    models.extract()
    assert models.states() == {"OK": ("pending 0", "done")}
    models.settle()
    assert models.states() == {"OK": ("done", "done")}


def test_a_chunk_that_the_tokenizer_does_not_know_is_first_under_the_other_model(models: TwoModels) -> None:
    models.start()
    models.write("one.txt", f"{HEDGEHOG} one")
    models.write("two.txt", "two")
    models.read_saved("one.txt")
    models.embed_batches(1)
    assert models.states() == {f"{HEDGEHOG} one": ("unread", "pending 1"), "two": ("done", "pending -1")}
    models.settle()
    assert models.states() == {f"{HEDGEHOG} one": ("unread", "done"), "two": ("done", "done")}
    # It is not tried again when the file is read again.
    models.write("copy.txt", f"{HEDGEHOG} one")
    models.extract()
    assert models.states()[f"{HEDGEHOG} one"] == ("unread", "done")


def test_a_chunk_that_no_model_reads_is_done(models: TwoModels) -> None:
    models.start()
    models.write("one.txt", f"{HEDGEHOG}{UNICORN}")
    models.settle()
    assert models.states() == {f"{HEDGEHOG}{UNICORN}": ("unread", "unread")}


def test_pieces_of_a_chunk_are_read_by_the_model_that_reads_the_chunk(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "one two")
    models.write("two-de.txt", "eins zwei")
    models.settle()
    models.write("three-en.txt", "three four")
    models.extract()
    for text, name in (("one two", "one"), ("eins zwei", "eins"), ("three four", "three")):
        [(chunk,)] = models.index.rows("SELECT id FROM chunks WHERE text = %s", text)
        with models.index.database.transaction() as connection:
            replace_chunks(connection, {chunk: [Chunk(name, 1, 1, 1), Chunk(f"{name}!", 1, 1, 1)]})
    assert models.states() == {
        "one": ("pending 0", "pending -1"),
        "one!": ("pending 0", "pending -1"),
        "eins": ("unread", "pending 0"),
        "eins!": ("unread", "pending 0"),
        "three": ("pending 0", "pending -1"),
        "three!": ("pending 0", "pending -1"),
    }


def test_a_chunk_that_both_models_are_to_read_waits_once(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "OK")
    models.write("two-de.txt", "OK\n\nGuten Tag")
    models.extract()

    def embedded() -> set[tuple[int, int]]:
        with models.index.database.transaction() as connection:
            [root] = connection.execute("SELECT name, scanned_at FROM roots")
            of_root = read_progress(connection, host=HOST, since=root[1], root=root[0]).chunks
            of_all = read_status(connection).chunks
        coverage = models.index.coverage()
        assert coverage.chunks == 2
        return {(coverage.embedded, 0), *((chunks.embedded, chunks.failed) for chunks in (of_root, of_all))}

    assert models.states() == {"OK": ("pending 0", "pending 0"), "Guten Tag": ("unread", "pending 0")}
    assert embedded() == {(0, 0)}
    models.embed(models.worker(model=ENGLISH.name))
    assert embedded() == {(0, 0)}, "OK has no vector for its German document"
    models.embed()
    assert embedded() == {(2, 0)}


def test_the_language_of_a_document_that_an_older_version_did_not_detect(models: TwoModels) -> None:
    text = "Die Rechnungen der letzten Monate wurden alle bezahlt und liegen in der Ablage im Keller."
    models.start()
    models.write("one.txt", text)
    models.settle()
    models.write("two.txt", f"{text} Und noch eine.")
    models.extract()
    assert models.states() == {text: ("done", "done"), f"{text} Und noch eine.": ("pending 0", "pending -1")}
    models.index.rows("UPDATE chunks SET analysis = 0 RETURNING 1")
    models.index.rows("DELETE FROM meta WHERE key = 'analysis' RETURNING 1")
    make_maintenance(models.index.database).sweep()
    assert models.states() == {text: ("unread", "done"), f"{text} Und noch eine.": ("unread", "pending 0")}


def test_rows_of_deleted_chunks_go_under_all_models(models: TwoModels) -> None:
    models.start()
    models.write("two-de.txt", "Guten Tag")
    models.settle()
    (models.index.folder / "two-de.txt").unlink()
    models.index.scan()
    models.index.rows("UPDATE contents SET orphaned_at = '-infinity' RETURNING 1")
    with models.index.database.transaction() as connection:
        assert contents_db.sweep_orphans(connection, grace_s=0, limit=9) == 1
    assert models.index.rows("SELECT 1 FROM embeddings") == []
