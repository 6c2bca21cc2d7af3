"""What the pipeline promises about files, contents and chunks, on a real Postgres."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from magicfs.db.vectors.embeddings import claim_chunks
from magicfs.db.vectors.models import active_model
from magicfs.errors import ServerError
from tests.plugins.index import FOUND_TEXT, Index, with_and_without_restarts
from tests.plugins.services import make_maintenance


def test_a_tree_is_indexed(index: Index) -> None:
    (index.folder / "sub").mkdir()
    (index.folder / "one.txt").write_text("alpha beta\n\ngamma")
    (index.folder / "sub/two.txt").write_text("delta")
    index.settle()
    assert index.states() == {"one.txt": ("indexed", None), "sub/two.txt": ("indexed", None)}
    assert index.rows("SELECT count(*) FROM embeddings WHERE state = 'done'") == [(3,)]
    assert index.rows("SELECT DISTINCT round((vector <#> vector)::numeric, 2) FROM embeddings") == [(-1,)]


def test_identical_files_are_read_and_embedded_once(index: Index) -> None:
    for number in range(5):
        (index.folder / f"copy{number}.txt").write_text("the same words\n\nand more")
    index.settle()
    assert len(index.reader.calls) == 1
    assert index.rows("SELECT count(*) FROM contents") == [(1,)]
    assert index.rows("SELECT count(DISTINCT content_id) FROM files") == [(1,)]
    assert index.rows("SELECT count(*) FROM embeddings") == [(2,)]


def test_the_same_bytes_under_another_kind_of_name_are_read_as_that_kind(index: Index) -> None:
    (index.folder / "one.txt").write_text("words")
    index.settle()
    (index.folder / "one.txt").rename(index.folder / "one.md")
    index.settle()
    assert index.reader.calls == [b"one.txt", b"one.md"]
    assert index.rows("SELECT count(*) FROM embeddings") == [(1,)], "but the text is embedded once"


@with_and_without_restarts
def test_an_unchanged_tree_costs_nothing(index: Index) -> None:
    (index.folder / "one.txt").write_text("alpha")
    index.settle()
    assert index.scan().changed == 0
    os.utime(index.folder / "one.txt")
    index.settle()
    assert len(index.reader.calls) == 1, "a touched file is hashed, not extracted"


def test_an_edit_embeds_only_the_chunks_that_changed(index: Index) -> None:
    paragraphs = [f"paragraph number {number}" for number in range(50)]
    (index.folder / "long.txt").write_text("\n\n".join(paragraphs))
    index.settle()
    before = index.rows("SELECT count(*) FROM embeddings")[0][0]
    paragraphs[25] = "something else"
    (index.folder / "long.txt").write_text("\n\n".join(paragraphs))
    index.settle()
    assert index.rows("SELECT count(*) FROM embeddings")[0][0] == before + 1


@with_and_without_restarts
def test_a_moved_file_keeps_its_chunks(index: Index) -> None:
    (index.folder / "old.txt").write_text("alpha\n\nbeta")
    index.settle()
    before = index.rows("SELECT chunk_id, vector::text FROM embeddings ORDER BY 1")
    (index.folder / "new").mkdir()
    (index.folder / "old.txt").rename(index.folder / "new/name.txt")
    index.settle()
    assert index.states() == {"new/name.txt": ("indexed", None)}
    assert index.rows("SELECT chunk_id, vector::text FROM embeddings ORDER BY 1") == before
    assert len(index.reader.calls) == 1


@with_and_without_restarts
def test_a_deleted_file_is_gone_and_its_content_an_orphan(index: Index) -> None:
    (index.folder / "one.txt").write_text("alpha")
    index.settle()
    (index.folder / "one.txt").unlink()
    index.settle()
    assert index.states() == {}
    assert index.rows("SELECT orphaned_at IS NOT NULL FROM contents") == [(True,)]


def test_a_content_that_a_copy_still_has_is_no_orphan(index: Index) -> None:
    for name in ("one.txt", "copy.txt"):
        (index.folder / name).write_text("alpha")
    index.settle()
    (index.folder / "copy.txt").unlink()
    index.scan()
    (index.folder / "one.txt").write_text("beta")
    assert index.rows("SELECT orphaned_at FROM contents") == [(None,)]
    index.settle()
    orphans = "SELECT text, orphaned_at IS NOT NULL FROM contents c JOIN content_chunks ON c.id = content_id "
    assert index.rows(orphans + "JOIN chunks ON chunks.id = chunk_id ORDER BY text") == [
        ("alpha", True),
        ("beta", False),
    ]


def test_special_files_and_links_are_no_files(index: Index, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    os.mkfifo(index.folder / "pipe")
    (index.folder / "link.txt").symlink_to(secret)
    (index.folder / "loop").symlink_to(index.folder)
    (index.folder / "one.txt").write_text("alpha")
    index.settle()
    assert index.states() == {"one.txt": ("indexed", None)}


def test_a_file_that_became_a_link_is_not_followed(index: Index, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (index.folder / "one.txt").write_text("alpha")
    index.scan()
    (index.folder / "one.txt").unlink()
    (index.folder / "one.txt").symlink_to(secret)
    index.extraction().run_batch()
    assert index.states() == {"one.txt": ("skipped", "vanished")}


@with_and_without_restarts
def test_a_file_that_vanished_and_came_back_is_indexed(index: Index, tmp_path: Path) -> None:
    path = index.folder / "one.txt"
    path.write_text("alpha")
    index.scan()
    path.rename(tmp_path / "aside")
    index.extraction().run_batch()
    assert index.states() == {"one.txt": ("skipped", "vanished")}
    (tmp_path / "aside").rename(path)
    index.settle()
    assert index.states() == {"one.txt": ("indexed", None)}


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"new\nline.txt", b"a" * 251 + b".txt", b"'; DROP TABLE files;--"])
def test_names_are_bytes(index: Index, name: bytes) -> None:
    path = os.path.join(os.fsencode(index.folder), name)
    with open(path, "w") as file:
        file.write("alpha")
    index.settle()
    assert index.rows("SELECT path, state FROM files") == [(name, "indexed")]


def test_too_large_files_are_skipped_without_being_read(index: Index) -> None:
    with (index.folder / "huge.txt").open("wb") as file:
        file.truncate(1 << 40)
    index.settle()
    assert index.states() == {"huge.txt": ("skipped", "too-large")}
    assert index.reader.calls == []


def test_a_bad_vector_quarantines_one_chunk(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    from magicfs.errors import ModelError

    (index.folder / "one.txt").write_text("fine\n\npoison\n\nfine too")
    index.scan()
    index.extraction().run_batch()
    original = type(index.embedder).embed_passages

    def refuse(self: object, texts: Sequence[str]) -> object:
        if "poison" in texts:
            raise ModelError("a vector is not finite")
        return original(self, texts)

    monkeypatch.setattr(type(index.embedder), "embed_passages", refuse)
    index.embedding().run_turn()
    assert index.rows("SELECT state, count(*) FROM embeddings GROUP BY 1 ORDER BY 1") == [("done", 2), ("failed", 1)]


def test_a_vector_of_the_wrong_size_never_reaches_the_table(index: Index) -> None:
    from magicfs.db.vectors.embeddings import finish_chunks
    from magicfs.errors import DatabaseError

    (index.folder / "one.txt").write_text("alpha")
    index.scan()
    index.extraction().run_batch()
    with pytest.raises(DatabaseError), index.database.transaction() as connection:
        model = active_model(connection)
        assert model is not None
        claims = claim_chunks(connection, model=model.id, owner="x", limit=1, max_tokens=10, seconds=1)
        finish_chunks(connection, model=model.id, claims=claims, vectors=np.ones((1, 7), np.float32))


class TestFailures:
    def test_they_are_listed_and_can_be_tried_again(self, index: Index) -> None:
        from magicfs.db.corpus.failures import iterate_failures, retry_failures
        from magicfs.domain.contents import Unreadable
        from magicfs.domain.files import SkipReason

        (index.folder / "bad.pdf").write_text("not a PDF")
        (index.folder / "none.bin").write_text("nothing")
        original = index.reader.extract
        outcomes = {
            b"bad.pdf": Unreadable(SkipReason.CRASHED, "signal 11"),
            b"none.bin": Unreadable(SkipReason.ENCRYPTED),
        }
        index.reader.extract = lambda content, name, gap: outcomes[name]
        index.settle()
        with index.database.transaction() as connection:
            assert [(entry.path, entry.reason) for entry in iterate_failures(connection)] == [(b"bad.pdf", "crashed")]
            assert len(list(iterate_failures(connection, skipped=True))) == 2
            assert retry_failures(connection) == 1
        index.reader.extract = original
        index.settle()
        assert index.states() == {"bad.pdf": ("indexed", None), "none.bin": ("skipped", "encrypted")}

    def test_an_empty_index_has_none(self, index: Index) -> None:
        from magicfs.db.corpus.failures import iterate_failures, retry_failures

        with index.database.transaction() as connection:
            assert list(iterate_failures(connection, skipped=True)) == []
            assert retry_failures(connection) == 0


class TestFilesThatCannotBeOpened:
    def test_a_disk_error_is_no_disappearance(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        refuse(monkeypatch, errno.EIO)
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        assert index.states() == {"one.txt": ("failed", "corrupt")}

    @with_and_without_restarts
    def test_a_disk_that_fails_at_a_file_that_was_read_costs_none_of_its_text(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        index.rows("UPDATE contents SET extractor = extractor - 1 RETURNING 1")
        make_maintenance(index.database).sweep()
        with monkeypatch.context() as patched:
            refuse(patched, errno.EIO)
            for _ in range(2):
                index.end_pauses()
                index.settle()
                assert index.states() == {"one.txt": ("skipped", "vanished")}
                assert index.rows(FOUND_TEXT) == [("alpha",)]
        index.settle()
        assert index.states() == {"one.txt": ("indexed", None)}

    def test_too_many_open_files_is_not_the_files_fault(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        refuse(monkeypatch, errno.EMFILE)
        (index.folder / "one.txt").write_text("alpha")
        index.scan()
        for _ in range(6):
            with pytest.raises(ServerError):
                index.extraction().run_batch()
        assert index.rows("SELECT state, attempts FROM files") == [("pending", 0)]
        monkeypatch.undo()
        index.settle()
        assert index.states() == {"one.txt": ("indexed", None)}


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make every opening of a file fail with an error number."""

    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("magicfs.pipeline.reading.open_below", fail)
