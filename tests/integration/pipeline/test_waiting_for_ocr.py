"""Pictures that wait for an OCR: what reads them when there is one, and what is read again by a better one."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from magicfs.db.corpus import file_claims
from magicfs.db.corpus.failures import retry_failures
from magicfs.db.pool import Connection
from magicfs.db.search.file_facts import read_file_facts
from magicfs.domain.contents import Document, Gap, Recognition, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.pipeline import extract
from magicfs.text.extract.options import OcrEngine
from tests.integration.pipeline.lock_order.row_locks import locked
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


def restart(index: Index, *, host: str = HOST) -> None:
    """A worker starts, and has nothing to do but to queue what waited for its OCR."""
    worker = index.extraction(host=host)
    worker.recover()
    worker.run_batch()


@pytest.fixture
def recogniser(index: Index) -> Recogniser:
    index.reader = Recogniser()
    (index.folder / "photo.png").write_bytes(PNG)
    index.read_all()
    assert index.states() == {"photo.png": NAMED}
    return index.reader


def test_a_copy_is_not_looked_at_again(index: Index, recogniser: Recogniser) -> None:
    (index.folder / "copy.png").write_bytes(PNG)
    index.read_all()
    assert index.states() == {"copy.png": NAMED, "photo.png": NAMED}
    assert recogniser.calls == [b"photo.png"]
    assert index.rows("SELECT count(DISTINCT content_id) FROM files") == [(1,)]


def test_a_retry_reads_it_where_ocr_is_installed_now(index: Index, recogniser: Recogniser) -> None:
    recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
    with index.database.transaction() as connection:
        assert retry_failures(connection) == 1
    index.read_all()
    assert index.states() == {"photo.png": ("indexed", None)}


def test_a_copy_is_read_where_ocr_is_installed_now_and_maintenance_reads_the_first_one(
    index: Index, recogniser: Recogniser
) -> None:
    recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
    (index.folder / "copy.png").write_bytes(PNG)
    index.read_all()
    assert index.states() == {"copy.png": ("indexed", None), "photo.png": NAMED}
    make_maintenance(index.database).sweep()
    index.read_all()
    assert index.states() == {"copy.png": ("indexed", None), "photo.png": ("indexed", None)}


def test_a_worker_that_starts_with_ocr_reads_what_waited_for_it(index: Index, recogniser: Recogniser) -> None:
    (index.folder / "scan.pdf").write_bytes(b"%PDF")
    index.reader.kind = lambda content, name: "application/pdf parse"
    index.read_all()
    assert index.states() == {"photo.png": NAMED, "scan.pdf": ("skipped", "needs-ocr")}
    del recogniser.kind
    restart(index)
    assert index.states() == {"photo.png": NAMED, "scan.pdf": ("skipped", "needs-ocr")}
    recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
    restart(index, host="elsewhere")
    assert index.states() == {"photo.png": NAMED, "scan.pdf": ("skipped", "needs-ocr")}
    restart(index)
    index.read_all()
    assert index.states() == {"photo.png": ("indexed", None), "scan.pdf": ("indexed", None)}


def test_what_waited_for_ocr_is_read_at_once_although_it_was_read_a_moment_ago(
    index: Index, recogniser: Recogniser
) -> None:
    index.rows("UPDATE files SET leased_until = now() + interval '5 minutes' RETURNING 1")
    recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
    restart(index)
    while index.extraction().run_batch():
        pass
    assert index.states() == {"photo.png": ("indexed", None)}


@pytest.mark.usefixtures("recogniser")
def test_a_file_that_another_worker_queues_and_claims_meanwhile_is_left_to_it(index: Index) -> None:
    def queue(connection: Connection) -> int:
        return file_claims.queue_files_for_ocr(connection, host=HOST, lesser=())

    queued: list[int] = []

    def queue_too() -> None:
        with index.database.transaction() as connection:
            queued.append(queue(connection))

    with locked(index, "SELECT FROM files FOR UPDATE") as blocked:
        assert queue(blocked.holder) == 1
        claims = file_claims.claim_files(
            blocked.holder, host=HOST, boot="", owner="a", limit=1, max_bytes=1 << 20, seconds=60
        )
        assert len(claims) == 1
        blocked.begin(queue_too)
    assert queued == [0]
    assert index.rows("SELECT state, attempts FROM files") == [("pending", 1)]


def test_an_ocr_that_does_not_start_reads_nothing_again(index: Index, recogniser: Recogniser) -> None:
    index.ocr, recogniser.ocr_starts = OcrEngine.RAPIDOCR, False
    index.read_all()
    recogniser.calls.clear()
    for _ in range(3):
        restart(index)
        index.read_all()
    assert (recogniser.calls, index.states()) == ([], {"photo.png": NAMED})
    recogniser.has_ocr = recogniser.ocr_starts = True
    restart(index)
    index.read_all()
    assert index.states() == {"photo.png": ("indexed", None)}


def test_a_child_that_starts_does_not_wait_for_ocr(index: Index, recogniser: Recogniser) -> None:
    index.ocr = OcrEngine.RAPIDOCR
    index.read_all()
    recogniser.recognises = lambda: pytest.fail("a child is killed that takes long to start")
    index.extraction().recover()


def test_what_was_read_while_ocr_did_not_start_is_read_when_it_does(
    index: Index, recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch
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


def test_what_a_lesser_ocr_has_read_is_read_again_when_a_better_one_comes(index: Index, recogniser: Recogniser) -> None:
    """Once, on this host only, and a search finds the earlier text until then."""
    outcomes = {
        b"letter.pdf": Document("a latter", "application/pdf", recognition=Recognition("rapidocr", (1,))),
        b"sunset.png": Unreadable(SkipReason.NO_TEXT, "rapidocr recognises no text in it", ocr="rapidocr"),
    }
    index.ocr = OcrEngine.RAPIDOCR
    for name in outcomes:
        (index.folder / os.fsdecode(name)).write_bytes(PNG + name)
    (index.folder / "notes.txt").write_text("notes")
    index.reader.extract = lambda content, name, gap: outcomes.get(name) or Document("x", "text/plain")
    restart(index)
    index.read_all()
    before = index.states()
    restart(index)
    assert index.states() == before, "the same OCR reads nothing again"
    del index.reader.extract
    recogniser.calls.clear()
    recogniser.has_ocr, index.ocr = True, OcrEngine.TESSERACT
    restart(index, host="elsewhere")
    assert index.states() == before
    restart(index)
    assert {name for name, (state, _) in index.states().items() if state == "pending"} == {
        "letter.pdf", "sunset.png",
    }  # fmt: skip
    assert ("a latter",) in index.rows(FOUND_TEXT)
    index.read_all()
    assert index.states() == before | {"sunset.png": ("indexed", None)}
    assert sorted(recogniser.calls) == sorted(outcomes)


def test_pages_that_waited_for_ocr_are_read_when_it_comes(index: Index, recogniser: Recogniser) -> None:
    waiting = Document("the first page", "application/pdf", unread=(UnreadPages(SkipReason.NEEDS_OCR, (2, 3)),))
    slow = Document("another page", "application/pdf", unread=(UnreadPages(SkipReason.TIMEOUT, (9,)),))
    (index.folder / "mixed.pdf").write_bytes(PNG + b"mixed")
    (index.folder / "slow.pdf").write_bytes(PNG + b"slow")
    index.reader.extract = lambda content, name, gap: waiting if name == b"mixed.pdf" else slow
    index.read_all()
    with index.database.transaction() as connection:
        facts = read_file_facts(connection, index.root.id, b"mixed.pdf")
    assert facts is not None
    assert (facts.unread_detail, facts.waits_for_ocr) == ("pages 2-3: needs-ocr", True)
    del index.reader.extract
    recogniser.calls.clear()
    recogniser.has_ocr, index.ocr = True, OcrEngine.RAPIDOCR
    restart(index)
    index.read_all()
    assert sorted(recogniser.calls) == [b"mixed.pdf", b"photo.png"]


def test_a_copy_is_read_by_the_better_ocr(index: Index, recogniser: Recogniser) -> None:
    index.ocr = OcrEngine.RAPIDOCR
    outcome = Document("a latter", "application/pdf", recognition=Recognition("rapidocr", (1,)))
    (index.folder / "letter.pdf").write_bytes(PNG + b"letter")
    index.reader.extract = lambda content, name, gap: outcome
    index.read_all()
    del index.reader.extract
    recogniser.has_ocr, index.ocr = True, OcrEngine.TESSERACT
    (index.folder / "copy.pdf").write_bytes(PNG + b"letter")
    index.read_all()
    assert recogniser.calls[-1] == b"copy.pdf"


def test_what_an_older_version_has_recognised_is_known_by_its_detail(index: Index, recogniser: Recogniser) -> None:
    index.rows("UPDATE contents SET reason = NULL, detail = 'rapidocr, page 1', ocr = NULL RETURNING 1")
    index.rows("UPDATE files SET state = 'indexed' RETURNING 1")
    recogniser.has_ocr, index.ocr = True, OcrEngine.TESSERACT
    restart(index)
    assert index.states() == {"photo.png": ("pending", None)}


def test_ocr_is_put_away_when_no_file_waits(index: Index, recogniser: Recogniser) -> None:
    assert recogniser.freed == 1
    (index.folder / "photo.png").write_bytes(PNG + b"more")
    index.end_pauses()
    index.scan()
    service = index.extraction()
    assert service.run_batch() == 1
    assert recogniser.freed == 1
    assert service.run_batch() == 0
    assert recogniser.freed == 2
