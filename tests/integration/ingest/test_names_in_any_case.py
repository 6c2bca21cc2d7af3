"""Files of a file system that does not tell upper from lower case are in the index by the names that it lists."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.ingest.listed_names import ListedNames
from magicfs.ingest.roots import add_root
from tests.fakes.embedder import FakeEmbedder
from tests.integration.ingest.trees import found, many, on_disk, process
from tests.plugins.fuse import needs_fuse
from tests.plugins.index import HOST, Index, Reader


@pytest.fixture
def stick(database: Database, tmp_path: Path) -> Iterator[Index]:
    """A root that is such a file system, with a file and a folder that were read."""
    folder = tmp_path / "stick"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.integration.ingest.folding_fs", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == "ready\n"
            embedder = FakeEmbedder()
            with database.transaction() as connection:
                activate_model(connection, embedder.spec)
            root = add_root(database, host=HOST, path=folder, home=tmp_path / "home")
            index = Index(database, root, folder, Reader(), embedder)
            (folder / "Photo.jpg.txt").write_text("a photo")
            (folder / "Folder").mkdir()
            (folder / "Folder/Inside.txt").write_text("inside")
            index.settle()
            assert found(index) == on_disk(index)
            yield index
        finally:
            subprocess.run(["fusermount3", "-uz", folder], check=False)
            server.kill()


def rename(stick: Index, old: str, new: str) -> None:
    """Rename a file to another case. By a third name: the kernel takes both for one, and would do nothing here."""
    (stick.folder / old).rename(stick.folder / "third")
    (stick.folder / "third").rename(stick.folder / new)
    assert new in os.listdir(stick.folder)


@needs_fuse
@pytest.mark.parametrize(("old", "new"), [("Photo.jpg.txt", "PHOTO.JPG.TXT"), ("Folder", "FOLDER")])
def test_a_name_in_another_case_replaces_the_former_one(stick: Index, old: str, new: str) -> None:
    ids = stick.rows("SELECT id FROM files ORDER BY id")
    stick.reader.calls.clear()
    rename(stick, old, new)
    process(stick, old, new)
    assert found(stick) == on_disk(stick)
    assert stick.rows("SELECT id FROM files ORDER BY id") == ids
    assert stick.reader.calls == []


@needs_fuse
def test_a_folder_of_many_files_in_another_case_is_listed_once(stick: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    many(stick, 30, below="Folder")
    stick.settle()
    rename(stick, "Folder", "FOLDER")
    listdir, listed = os.listdir, []

    def counted(path: bytes) -> list[bytes]:
        listed.append(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", counted)
    process(stick, "Folder", "FOLDER")
    monkeypatch.undo()
    assert len([path for path in listed if os.fsencode(path).lower().endswith(b"folder")]) <= 2
    assert found(stick) == on_disk(stick)


@needs_fuse
def test_a_file_that_was_written_by_a_name_in_another_case_is_one_file(stick: Index) -> None:
    (stick.folder / "PHOTO.jpg.txt").write_text("another photo")
    process(stick, "PHOTO.jpg.txt")
    assert {name for (name,) in stick.rows("SELECT display FROM files")} == on_disk(stick).keys()
    stick.settle()
    assert found(stick) == on_disk(stick)
    assert found(stick)["Photo.jpg.txt"] == "another photo"


def test_two_files_where_case_matters(index: Index) -> None:
    for name in ("readme", "README", "Größe", "größe"):
        (index.folder / name).write_text(f"words of {name}")
    index.settle()
    (index.folder / "readme").unlink()
    (index.folder / "größe").unlink()
    (index.folder / "Größe").rename(index.folder / "größe")
    process(index, "readme", "README", "Größe", "größe")
    assert found(index) == on_disk(index)
    assert ListedNames(os.fsencode(index.folder)).spelled(b"README") == b"README"
