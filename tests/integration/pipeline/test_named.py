"""Files without text: they are named, not skipped, and what an older version has recorded of them becomes the same."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from magicfs.db.corpus.failures import file_facts, iterate_failures, retry_failures, unindexed_reasons
from magicfs.db.status import read_status
from magicfs.domain.contents import Document, Gap, Recognition, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.pipeline import extract
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits, OcrEngine
from tests.plugins.films import film
from tests.plugins.index import FOUND_TEXT, HOST, Index, Reader
from tests.plugins.services import make_maintenance

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
NAMED = ("named", None)


@dataclass
class Recogniser(Reader):
    """Reads pictures where OCR is installed."""

    has_ocr: bool = False
    ocr_starts: bool = True

    def recognises(self) -> bool:
        return self.ocr_starts

    def lacks_ocr(self) -> bool:
        return not self.ocr_starts

    def kind(self, content: bytes, *, name: bytes) -> str:
        return "image/png image" if content.startswith(PNG) else "text/plain decode"

    def needs_no_parser(self, kind: str) -> bool:
        return not kind.endswith("image")

    def extract(self, content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        self.calls.append(name)
        if self.has_ocr:
            return Document(text="a recognised word", mime_type="image/png")
        return Unreadable(SkipReason.NEEDS_OCR, "install tesseract")


def mime_types(index: Index) -> dict[str, str]:
    return dict(index.rows("SELECT display, mime_type FROM files JOIN contents ON contents.id = content_id"))


def read_all(index: Index) -> None:
    index.scan()
    while index.extraction().run_batch():
        pass


def restart(index: Index, *, host: str = HOST) -> None:
    """A worker starts, and has nothing to do but to queue what waited for its OCR."""
    worker = index.extraction(host=host)
    worker.recover()
    worker.run_batch()


def test_files_without_text_are_named_and_their_type_is_known(index: Index) -> None:
    files = {
        "film.mkv": b"\x1aE\xdf\xa3" + bytes(50),
        "notes.zip.bin": b"\x1f\x8b\x08" + bytes(50),
        "photo.png": PNG,
        "empty.txt": b"",
        "blank.md": b" \n\n ",
        "unknown.dat": bytes(range(256)) * 3,
    }
    for name, content in files.items():
        (index.folder / name).write_bytes(content)
    with FileExtractor(limits=Limits()) as extractor:
        index.reader = extractor
        read_all(index)
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
        facts = file_facts(connection, index.root.id, b"film.mkv")
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
    skipped = {"book.pdf": b"%PDF-1.7", "letter.docx": b"PK\x03\x04", "log.txt": b"", "page.html": b"<html>" * 20_000}
    for name, head in (films | skipped).items():
        with (index.folder / name).open("wb") as file:
            file.write(head)
            file.truncate(1 << 32)
    with FileExtractor(limits=Limits()) as extractor:
        index.reader = extractor
        read_all(index)
    assert index.states() == dict.fromkeys(sorted(films), NAMED) | dict.fromkeys(
        sorted(skipped), ("skipped", "too-large")
    )
    with index.database.transaction() as connection:
        facts = file_facts(connection, index.root.id, b"backup.zip")
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
        read_all(index)
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
        read_all(index)
    assert index.rows("SELECT count(DISTINCT content_id) FROM files WHERE state = 'named'") == [(2,)]


def test_what_a_person_could_still_make_readable_is_not_named(index: Index) -> None:
    (index.folder / "scan.pdf").write_bytes(b"scanned")
    (index.folder / "secret.pdf").write_bytes(b"locked")
    reasons = {b"scan.pdf": SkipReason.NEEDS_OCR, b"secret.pdf": SkipReason.ENCRYPTED}
    index.reader.kind = lambda content, name: "application/pdf parse"
    index.reader.extract = lambda content, name, gap: Unreadable(reasons[name])
    read_all(index)
    assert index.states() == {"scan.pdf": ("skipped", "needs-ocr"), "secret.pdf": ("skipped", "encrypted")}


def test_a_file_that_loses_its_text_loses_its_chunks(index: Index) -> None:
    (index.folder / "note.md").write_text("some words")
    read_all(index)
    (index.folder / "note.md").write_text(" \n \n")
    index.end_pauses()
    read_all(index)
    assert index.states() == {"note.md": NAMED}
    assert index.rows("SELECT count(*) FROM content_chunks c JOIN files f USING (content_id)") == [(0,)]
    (index.folder / "note.md").write_text("other words")
    index.end_pauses()
    read_all(index)
    assert index.states() == {"note.md": ("indexed", None)}


class TestPicturesAndOcr:
    @pytest.fixture
    def recogniser(self, index: Index) -> Recogniser:
        index.reader = Recogniser()
        (index.folder / "photo.png").write_bytes(PNG)
        read_all(index)
        assert index.states() == {"photo.png": NAMED}
        return index.reader

    def test_a_copy_is_not_looked_at_again(self, index: Index, recogniser: Recogniser) -> None:
        (index.folder / "copy.png").write_bytes(PNG)
        read_all(index)
        assert index.states() == {"copy.png": NAMED, "photo.png": NAMED}
        assert recogniser.calls == [b"photo.png"]
        assert index.rows("SELECT count(DISTINCT content_id) FROM files") == [(1,)]

    def test_a_retry_reads_it_where_ocr_is_installed_now(self, index: Index, recogniser: Recogniser) -> None:
        recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
        with index.database.transaction() as connection:
            assert retry_failures(connection) == 1
        read_all(index)
        assert index.states() == {"photo.png": ("indexed", None)}

    def test_a_copy_is_read_where_ocr_is_installed_now_and_maintenance_reads_the_first_one(
        self, index: Index, recogniser: Recogniser
    ) -> None:
        recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
        (index.folder / "copy.png").write_bytes(PNG)
        read_all(index)
        assert index.states() == {"copy.png": ("indexed", None), "photo.png": NAMED}
        make_maintenance(index.database).sweep()
        read_all(index)
        assert index.states() == {"copy.png": ("indexed", None), "photo.png": ("indexed", None)}

    def test_a_worker_that_starts_with_ocr_reads_what_waited_for_it(self, index: Index, recogniser: Recogniser) -> None:
        (index.folder / "scan.pdf").write_bytes(b"%PDF")
        recogniser.kind = lambda content, name: "application/pdf parse"
        read_all(index)
        assert index.states() == {"photo.png": NAMED, "scan.pdf": ("skipped", "needs-ocr")}
        del recogniser.kind
        restart(index)
        assert index.states() == {"photo.png": NAMED, "scan.pdf": ("skipped", "needs-ocr")}
        recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
        restart(index, host="elsewhere")
        assert index.states() == {"photo.png": NAMED, "scan.pdf": ("skipped", "needs-ocr")}
        restart(index)
        read_all(index)
        assert index.states() == {"photo.png": ("indexed", None), "scan.pdf": ("indexed", None)}

    def test_an_ocr_that_does_not_start_reads_nothing_again(self, index: Index, recogniser: Recogniser) -> None:
        index.ocr, recogniser.ocr_starts = OcrEngine.RAPIDOCR, False
        read_all(index)
        recogniser.calls.clear()
        for _ in range(3):
            restart(index)
            read_all(index)
        assert (recogniser.calls, index.states()) == ([], {"photo.png": NAMED})
        recogniser.has_ocr = recogniser.ocr_starts = True
        restart(index)
        read_all(index)
        assert index.states() == {"photo.png": ("indexed", None)}

    def test_a_child_that_starts_does_not_wait_for_ocr(self, index: Index, recogniser: Recogniser) -> None:
        index.ocr = OcrEngine.RAPIDOCR
        read_all(index)
        recogniser.recognises = lambda: pytest.fail("a child is killed that takes long to start")
        index.extraction().recover()

    def test_what_was_read_while_ocr_did_not_start_is_read_when_it_does(
        self, index: Index, recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(extract, "FIRST_OCR_PAUSE_SECONDS", 1e6)
        index.ocr, recogniser.ocr_starts = OcrEngine.RAPIDOCR, False
        worker = index.extraction()
        worker.recover()
        index.scan()
        while worker.run_batch():
            pass
        assert index.states() == {"photo.png": NAMED}
        recogniser.has_ocr = recogniser.ocr_starts = True
        assert not worker.ocr_is_due, "it was tried a moment ago"
        monkeypatch.setattr(worker, "_ocr_due_at", 0.0)
        assert worker.ocr_is_due
        while worker.run_batch() or index.states() == {"photo.png": ("pending", None)}:
            pass
        assert index.states() == {"photo.png": ("indexed", None)}
        assert not worker.ocr_is_due

    def test_what_a_lesser_ocr_has_read_is_read_again_when_a_better_one_comes(
        self, index: Index, recogniser: Recogniser
    ) -> None:
        """Once, on this host only, and a search finds the earlier text until then."""
        outcomes = {
            b"letter.pdf": Document("a latter", "application/pdf", recognition=Recognition("rapidocr", (1,))),
            b"sunset.png": Unreadable(SkipReason.NO_TEXT, "rapidocr recognises no text in it", ocr="rapidocr"),
        }
        index.ocr = OcrEngine.RAPIDOCR
        for name in outcomes:
            (index.folder / os.fsdecode(name)).write_bytes(PNG + name)
        (index.folder / "notes.txt").write_text("notes")
        recogniser.extract = lambda content, name, gap: outcomes.get(name) or Document("x", "text/plain")
        restart(index)
        read_all(index)
        before = index.states()
        restart(index)
        assert index.states() == before, "the same OCR reads nothing again"
        del recogniser.extract
        recogniser.calls.clear()
        recogniser.has_ocr, index.ocr = True, OcrEngine.TESSERACT
        restart(index, host="elsewhere")
        assert index.states() == before
        restart(index)
        assert {name for name, (state, _) in index.states().items() if state == "pending"} == {
            "letter.pdf", "sunset.png",
        }  # fmt: skip
        assert ("a latter",) in index.rows(FOUND_TEXT)
        read_all(index)
        assert index.states() == before | {"sunset.png": ("indexed", None)}
        assert sorted(recogniser.calls) == sorted(outcomes)

    def test_pages_that_waited_for_ocr_are_read_when_it_comes(self, index: Index, recogniser: Recogniser) -> None:
        waiting = Document("the first page", "application/pdf", unread=(UnreadPages(SkipReason.NEEDS_OCR, (2, 3)),))
        slow = Document("another page", "application/pdf", unread=(UnreadPages(SkipReason.TIMEOUT, (9,)),))
        (index.folder / "mixed.pdf").write_bytes(PNG + b"mixed")
        (index.folder / "slow.pdf").write_bytes(PNG + b"slow")
        recogniser.extract = lambda content, name, gap: waiting if name == b"mixed.pdf" else slow
        read_all(index)
        with index.database.transaction() as connection:
            facts = file_facts(connection, index.root.id, b"mixed.pdf")
        assert facts is not None
        assert (facts.unread_detail, facts.waits_for_ocr) == ("pages 2-3: needs-ocr", True)
        del recogniser.extract
        recogniser.calls.clear()
        recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
        restart(index)
        read_all(index)
        assert sorted(recogniser.calls) == [b"mixed.pdf", b"photo.png"]

    def test_a_copy_is_read_by_the_better_ocr(self, index: Index, recogniser: Recogniser) -> None:
        index.ocr = OcrEngine.RAPIDOCR
        outcome = Document("a latter", "application/pdf", recognition=Recognition("rapidocr", (1,)))
        (index.folder / "letter.pdf").write_bytes(PNG + b"letter")
        recogniser.extract = lambda content, name, gap: outcome
        read_all(index)
        del recogniser.extract
        recogniser.has_ocr, index.ocr = True, OcrEngine.TESSERACT
        (index.folder / "copy.pdf").write_bytes(PNG + b"letter")
        read_all(index)
        assert recogniser.calls[-1] == b"copy.pdf"

    def test_what_an_older_version_has_recognised_is_known_by_its_detail(
        self, index: Index, recogniser: Recogniser
    ) -> None:
        index.rows("UPDATE contents SET reason = NULL, detail = 'rapidocr, page 1', ocr = NULL RETURNING 1")
        index.rows("UPDATE files SET state = 'indexed' RETURNING 1")
        recogniser.has_ocr, index.ocr = True, OcrEngine.TESSERACT
        restart(index)
        assert index.states() == {"photo.png": ("pending", None)}

    def test_ocr_is_put_away_when_no_file_waits(self, index: Index, recogniser: Recogniser) -> None:
        assert recogniser.rests == 1
        (index.folder / "photo.png").write_bytes(PNG + b"more")
        index.end_pauses()
        index.scan()
        service = index.extraction()
        assert service.run_batch() == 1
        assert recogniser.rests == 1
        assert service.run_batch() == 0
        assert recogniser.rests == 2


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

    def test_a_newer_extractor_reads_them(self, index: Index) -> None:
        (index.folder / "a.mp4").write_text("film")
        index.scan()
        index.rows("UPDATE files SET state = 'skipped', reason = 'binary', extractor = 1 RETURNING 1")
        maintenance = make_maintenance(index.database)
        maintenance.sweep()
        maintenance._outdated_due = 0.0
        maintenance.sweep()
        assert index.states() == {"a.mp4": ("pending", None)}

    def test_names_are_written_a_batch_at_a_time(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("magicfs.pipeline.maintenance.NAMES_BATCH", 2)
        monkeypatch.setattr("magicfs.pipeline.maintenance.NAMES_SECONDS", 0.0)
        for number in range(5):
            (index.folder / f"Übung {number}.TXT").write_text(str(number))
        read_all(index)
        written = index.rows("SELECT display, extension, words::text, folded FROM files ORDER BY 1")
        assert written[0][1] == "txt"
        index.rows("UPDATE files SET words = NULL, folded = NULL, extension = 'TXT' RETURNING 1")
        missing, maintenance = [], make_maintenance(index.database)
        for _ in range(4):
            missing.append(index.rows("SELECT count(*) FROM files WHERE words IS NULL")[0][0])
            maintenance._write_names()
        assert missing[0] == 5
        assert missing[-1] == 0
        assert missing == sorted(missing, reverse=True)
        assert index.rows("SELECT display, extension, words::text, folded FROM files ORDER BY 1") == written

    def test_files_that_somebody_writes_to_wait_for_nobody(self, index: Index) -> None:
        for name in ("a.txt", "b.txt"):
            (index.folder / name).write_text(name)
        read_all(index)
        index.rows("UPDATE files SET words = NULL RETURNING 1")
        with index.database.transaction() as connection:
            connection.execute("SELECT FROM files WHERE display = 'a.txt' FOR UPDATE")
            make_maintenance(index.database)._write_names()
        assert index.rows("SELECT display FROM files WHERE words IS NULL") == [("a.txt",)]
        make_maintenance(index.database)._write_names()
        assert index.rows("SELECT display FROM files WHERE words IS NULL") == []
