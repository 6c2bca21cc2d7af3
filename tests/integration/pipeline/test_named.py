"""Files without text: they are named, not skipped, and what an older version has recorded of them becomes the same."""

from __future__ import annotations

import gzip
import os

import pytest

from magicfs.db.corpus.failures import iterate_failures, unindexed_reasons
from magicfs.db.search.file_facts import read_file_facts
from magicfs.db.status import read_status
from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.plugins.films import film
from tests.plugins.index import Index
from tests.plugins.services import make_maintenance

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
NAMED = ("named", None)


def mime_types(index: Index) -> dict[str, str]:
    return dict(index.rows("SELECT display, mime_type FROM files JOIN contents ON contents.id = content_id"))


def test_files_without_text_are_named_and_their_type_is_known(index: Index) -> None:
    files = {
        "film.mkv": b"\x1aE\xdf\xa3" + bytes(50),
        "notes.zip.bin": gzip.compress(bytes(range(256)) * 3),
        "photo.png": PNG,
        "empty.txt": b"",
        "blank.md": b" \n\n ",
        "unknown.dat": bytes(range(256)) * 3,
    }
    for name, content in files.items():
        (index.folder / name).write_bytes(content)
    with FileExtractor(limits=Limits()) as extractor:
        index.reader = extractor
        index.read_all()
    assert index.states() == dict.fromkeys(sorted(files), NAMED)
    assert mime_types(index) == {
        "film.mkv": "video/x-matroska",
        "notes.zip.bin": "application/gzip",
        "photo.png": "image/png",
        "empty.txt": "text/plain",
        "blank.md": "text/markdown",
        "unknown.dat": "application/octet-stream",
    }
    with index.database.transaction() as connection:
        assert list(iterate_failures(connection, skipped=True)) == []
        assert unindexed_reasons(connection) == []
        status = read_status(connection)
        facts = read_file_facts(connection, index.root.id, b"film.mkv")
    assert (status.files.named, status.files.skipped, status.files.failed) == (6, 0, 0)
    assert status.coverage.indexed == status.coverage.files == 6
    assert facts is not None
    assert (facts.reason, facts.mime_type, facts.chunks) == ("binary", "video/x-matroska", 0)


def test_a_large_file_without_text_is_named(index: Index) -> None:
    films = {
        "film.mp4": b"\0\0\0\x18ftypisom",
        "concert.wav": b"RIFF\0\0\0\0WAVEfmt ",
        "backup.zip": b"PK\x03\x04",
        "disk.img": b"",
        "camera.ts": b"\0",
        "program": b"\x7fELF",
    }
    skipped = {"letter.docx": b"PK\x03\x04", "log.txt": b"", "page.html": b"<html>" * 20_000}
    for name, head in (films | skipped).items():
        with (index.folder / name).open("wb") as file:
            file.write(head)
            file.truncate(1 << 32)
    with FileExtractor(limits=Limits()) as extractor:
        index.reader = extractor
        index.read_all()
    assert index.states() == dict.fromkeys(sorted(films), NAMED) | dict.fromkeys(
        sorted(skipped), ("skipped", "too-large")
    )
    with index.database.transaction() as connection:
        facts = read_file_facts(connection, index.root.id, b"backup.zip")
        status = read_status(connection)
        failures = sorted(failure.path for failure in iterate_failures(connection, skipped=True))
    assert failures == sorted(map(os.fsencode, skipped))
    assert facts is not None
    assert facts.state == "named"
    assert "4294967296 bytes" in (facts.detail or "")
    assert (status.files.named, status.files.skipped) == (len(films), len(skipped))


def test_a_large_film_is_found_by_what_it_says(index: Index) -> None:
    for name, title in (("a.mkv", "Voyage of the Narwhal"), ("b.mkv", "The bell of Skarholm")):
        (index.folder / name).write_bytes(film(title=title, cluster_bytes=2 << 20))
    with FileExtractor(limits=Limits()) as extractor:
        index.reader = extractor
        index.read_all()
    assert index.states() == {"a.mkv": ("indexed", None), "b.mkv": ("indexed", None)}
    assert index.rows("SELECT title FROM contents ORDER BY 1") == [
        ("The bell of Skarholm",),
        ("Voyage of the Narwhal",),
    ]


def test_large_films_that_say_nothing_are_no_copies_of_each_other(index: Index) -> None:
    for name, last in (("a.mp4", b"x"), ("b.mp4", b"y")):
        (index.folder / name).write_bytes(b"\0\0\0\x10ftypisom" + bytes(4) + bytes(2 << 20) + last)
    with FileExtractor(limits=Limits()) as extractor:
        index.reader = extractor
        index.read_all()
    assert index.rows("SELECT count(DISTINCT content_id) FROM files WHERE state = 'named'") == [(2,)]


def test_what_a_person_could_still_make_readable_is_not_named(index: Index) -> None:
    (index.folder / "scan.pdf").write_bytes(b"scanned")
    (index.folder / "secret.pdf").write_bytes(b"locked")
    reasons = {b"scan.pdf": SkipReason.NEEDS_OCR, b"secret.pdf": SkipReason.ENCRYPTED}
    index.reader.kind = lambda content, name: "application/pdf parse"
    index.reader.extract = lambda content, name, gap: Unreadable(reasons[name])
    index.read_all()
    assert index.states() == {"scan.pdf": ("skipped", "needs-ocr"), "secret.pdf": ("skipped", "encrypted")}


def test_a_file_that_loses_its_text_loses_its_chunks(index: Index) -> None:
    (index.folder / "note.md").write_text("some words")
    index.read_all()
    (index.folder / "note.md").write_text(" \n \n")
    index.end_pauses()
    index.read_all()
    assert index.states() == {"note.md": NAMED}
    assert index.rows("SELECT count(*) FROM content_chunks c JOIN files f USING (content_id)") == [(0,)]
    (index.folder / "note.md").write_text("other words")
    index.end_pauses()
    index.read_all()
    assert index.states() == {"note.md": ("indexed", None)}


def test_a_newer_version_reads_named_files_anew(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those whose beginning was read, and large ones of which nothing is stored."""
    monkeypatch.setattr("magicfs.pipeline.maintenance.OUTDATED_SECONDS", 0.0)
    (index.folder / "photo.raw").write_bytes(bytes(100))
    with (index.folder / "disk.img").open("wb") as file:
        file.truncate(1 << 32)
    with FileExtractor(limits=Limits()) as extractor:
        index.reader = extractor
        index.read_all()
    named = dict.fromkeys(("disk.img", "photo.raw"), NAMED)
    assert index.states() == named
    assert index.rows("SELECT display FROM files WHERE content_id IS NULL") == [("disk.img",)]
    maintenance = make_maintenance(index.database)
    maintenance.sweep()
    assert index.states() == named, "this version has read them"
    index.rows("UPDATE files SET extractor = extractor - 1 WHERE content_id IS NULL RETURNING 1")
    index.rows("UPDATE contents SET extractor = extractor - 1 RETURNING 1")
    maintenance.sweep()
    assert index.states() == dict.fromkeys(named, ("pending", None))


class TestAnIndexOfAnOlderVersion:
    def test_files_that_were_skipped_for_having_no_text_become_named_without_being_read(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("magicfs.pipeline.maintenance.NAMES_BATCH", 2)
        skipped = {
            "a.mp4": "binary",
            "b.txt": "empty",
            "c.docx": "no-text",
            "d.jpeg": "needs-ocr",
            "e.zip": "binary",
            "f.pdf": "needs-ocr",
            "g.log": "too-large",
        }
        for name in skipped:
            (index.folder / name).write_text(name)
        index.scan()
        for name, reason in skipped.items():
            index.rows(
                "UPDATE files SET state = 'skipped', reason = %s, extractor = 32767 WHERE display = %s RETURNING 1",
                reason,
                name,
            )
        make_maintenance(index.database).sweep()
        kept = {"f.pdf": ("skipped", "needs-ocr"), "g.log": ("skipped", "too-large")}
        assert index.states() == dict.fromkeys(list(skipped)[:5], NAMED) | kept
        assert index.reader.calls == []

    def test_a_newer_extractor_reads_them(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("magicfs.pipeline.maintenance.OUTDATED_SECONDS", 0.0)
        (index.folder / "a.mp4").write_text("film")
        index.scan()
        index.rows("UPDATE files SET state = 'skipped', reason = 'binary', extractor = 1 RETURNING 1")
        maintenance = make_maintenance(index.database)
        maintenance.sweep()
        maintenance.sweep()
        assert index.states() == {"a.mp4": ("pending", None)}

    def test_names_are_written_a_batch_at_a_time(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("magicfs.pipeline.maintenance.NAMES_BATCH", 2)
        monkeypatch.setattr("magicfs.pipeline.maintenance.NAMES_SECONDS", 0.0)
        for number in range(5):
            (index.folder / f"Übung {number}.TXT").write_text(str(number))
        index.read_all()
        written = index.rows("SELECT display, extension, words::text, folded FROM files ORDER BY 1")
        assert written[0][1] == "txt"
        index.rows("UPDATE files SET words = NULL, folded = NULL, extension = 'TXT' RETURNING 1")
        missing, maintenance = [], make_maintenance(index.database)
        for _ in range(4):
            missing.append(index.rows("SELECT count(*) FROM files WHERE words IS NULL")[0][0])
            maintenance.write_names()
        assert missing[0] == 5
        assert missing[-1] == 0
        assert missing == sorted(missing, reverse=True)
        assert index.rows("SELECT display, extension, words::text, folded FROM files ORDER BY 1") == written

    def test_files_that_somebody_writes_to_wait_for_nobody(self, index: Index) -> None:
        for name in ("a.txt", "b.txt"):
            (index.folder / name).write_text(name)
        index.read_all()
        index.rows("UPDATE files SET words = NULL RETURNING 1")
        with index.database.transaction() as connection:
            connection.execute("SELECT FROM files WHERE display = 'a.txt' FOR UPDATE")
            make_maintenance(index.database).write_names()
        assert index.rows("SELECT display FROM files WHERE words IS NULL") == [("a.txt",)]
        make_maintenance(index.database).write_names()
        assert index.rows("SELECT display FROM files WHERE words IS NULL") == []
