"""A page at which the parser misbehaves costs that page at most."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from magicfs.domain.contents import Document, PageText, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.text.extract.options import Limits, Ocr, OcrEngine
from magicfs.text.extract.process.parser_process import ParserProcess
from magicfs.text.extract.process.sandbox import Sandbox
from tests.faults.text.sandboxes import LIMITS, command_of, pid_of, unreadable

OCR = Ocr(OcrEngine.TESSERACT, data_dir="/usr")

LATE_SECONDS = 30.0
"""Longer than a file may take."""


def parse_pages(limits: Limits, *pages: str) -> tuple[dict[int, int], int]:
    """The process that recognised each page, and the number of unread pages; by their process, page 0 is the text."""
    outcome = parse_in_child(limits, *pages, content=b"", mime_type="pages")
    return processes_of_pages(outcome), outcome.unread_pages


def parse_in_child(limits: Limits, *pages: str, content: bytes, mime_type: str) -> Document:
    command = command_of(limits, *pages)
    with contextlib.closing(Sandbox(limits=limits, command=command, ocr=OCR)) as sandbox:
        outcome = sandbox.parse(content, mime_type=mime_type)
        assert isinstance(outcome, Document), outcome
        pid_of(sandbox.parse(b"text", mime_type="good"))
    return outcome


def processes_of_pages(outcome: Document) -> dict[int, int]:
    """The process that read each page."""
    ends = [*outcome.page_starts[1:], len(outcome.text)]
    texts = [outcome.text[start:end].split() for start, end in zip(outcome.page_starts, ends, strict=True)]
    assert all(words[:2] in (["page", str(page)], ["read", "by"]) for page, words in enumerate(texts) if words)
    return {page: int(words[-1]) for page, words in enumerate(texts) if words}


@pytest.mark.parametrize("action", ["crash", "kill", "abort", "native-allocation", "exit", "nonsense"])
def test_a_page_that_ends_the_process_costs_that_page_only(action: str) -> None:
    pages, unread = parse_pages(LIMITS, f"2={action}", f"4={action}")
    assert pages.keys() == {0, 1, 3, 5}
    assert unread == 2
    assert pages[0] == pages[1], "the text and the pages before are kept, not read again"


def test_a_page_of_a_file_that_is_not_in_memory_costs_that_page_only(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"crash")
    command = command_of(LIMITS, "2=crash")
    with path.open("rb") as file, contextlib.closing(Sandbox(limits=LIMITS, command=command, ocr=OCR)) as sandbox:
        for mime_type in ("pages", "application/pdf"):
            outcome = sandbox.parse_open(file.fileno(), mime_type=mime_type)
            assert isinstance(outcome, Document), outcome
            assert processes_of_pages(outcome).keys() == {0, 1, 3, 4, 5}
        pid_of(sandbox.parse(b"text", mime_type="good"))


def test_what_a_process_waits_for_a_processor_while_it_starts_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    start = ParserProcess.__init__
    with contextlib.closing(
        Sandbox(limits=LIMITS, command=command_of(LIMITS, "2=crash", "4=crash"), ocr=OCR)
    ) as sandbox:

        def start_late(child: ParserProcess, *arguments: Any) -> None:
            start(child, *arguments)
            *_, limit = arguments
            limit.end -= LATE_SECONDS
            limit.put_off(LATE_SECONDS)

        monkeypatch.setattr(ParserProcess, "__init__", start_late)
        outcome = sandbox.parse(b"", mime_type="pages")
    assert isinstance(outcome, Document), outcome
    assert processes_of_pages(outcome).keys() == {0, 1, 3, 5}


def test_a_page_that_cannot_be_recognised_needs_no_other_process() -> None:
    pages, unread = parse_pages(LIMITS, "2=raise", "5=raise")
    assert pages.keys() == {0, 1, 3, 4}
    assert unread == 2
    assert len(set(pages.values())) == 1


def test_a_page_that_hangs_leaves_time_for_the_others() -> None:
    pages, unread = parse_pages(dataclasses.replace(LIMITS, seconds=20), "2=hang")
    assert pages.keys() == {0, 1, 3, 4, 5}
    assert unread == 1


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("crash", SkipReason.CRASHED),
        ("abort", SkipReason.CRASHED),
        ("allocate", SkipReason.BOMB),
        ("native-allocation", SkipReason.BOMB),
        ("hang", SkipReason.TIMEOUT),
    ],
)
def test_a_page_whose_text_layer_fails_costs_that_page_only(action: str, reason: SkipReason) -> None:
    limits = dataclasses.replace(LIMITS, seconds=20 if action == "hang" else 60)
    outcome = parse_in_child(limits, f"2={action}", content=action.encode(), mime_type="application/pdf")
    assert processes_of_pages(outcome).keys() == {0, 1, 3, 4, 5}
    assert outcome.unread == (UnreadPages(reason, (3,)),)


def test_a_pdf_file_of_which_no_page_is_read_has_the_reason_of_the_whole_file() -> None:
    command = command_of(LIMITS, *(f"{page}=crash" for page in range(6)))
    with contextlib.closing(Sandbox(limits=LIMITS, command=command)) as sandbox:
        assert unreadable(sandbox.parse(b"crash", mime_type="application/pdf")).reason is SkipReason.CRASHED


def test_the_text_is_kept_when_every_page_hangs() -> None:
    pages, unread = parse_pages(
        dataclasses.replace(LIMITS, seconds=6), "1=hang", "2=hang", "3=hang", "4=hang", "5=hang"
    )
    assert pages.keys() == {0}
    assert unread == 5


def go_on_to_the_end(limits: Limits, *pages: str, known: dict[int, PageText], mime_type: str = "pages") -> Document:
    """What a file is whose pages are read some at a time, until none waits. Each time fewer wait."""
    waits = 6
    with contextlib.closing(Sandbox(limits=limits, command=command_of(limits, *pages), ocr=OCR)) as sandbox:
        while True:
            content = b"crash" if mime_type == "application/pdf" else b""
            outcome = sandbox.go_on(content, mime_type=mime_type, page_texts=known)
            assert isinstance(outcome, Document), outcome
            if not outcome.pending_pages:
                return outcome
            assert len(outcome.pending_pages) < waits
            assert outcome.page_texts.items() >= known.items()
            waits, known = len(outcome.pending_pages), dict(outcome.page_texts)


def test_a_file_that_goes_on_is_not_read_twice_in_a_turn(caplog: pytest.LogCaptureFixture) -> None:
    """With the longest `extract_seconds`, a turn would take longer than its task may."""
    caplog.set_level("INFO")
    with contextlib.closing(Sandbox(limits=LIMITS, command=command_of(LIMITS), ocr=OCR)) as sandbox:
        reads: list[Callable[..., Document | Unreadable]] = [partial(sandbox.go_on, page_texts={}), sandbox.parse]
        for read_again, read in enumerate(reads):
            pid_of(sandbox.parse(b"text", mime_type="good"))
            caplog.clear()
            assert unreadable(read(b"", mime_type="crash")).reason is SkipReason.CRASHED
            assert caplog.text.count("the parser failed") == 1 + read_again


@pytest.mark.parametrize("mime_type", ["pages", "application/pdf"])
def test_a_page_that_was_read_before_is_not_read_again(mime_type: str) -> None:
    """Those of a file whose parser fails, so that it is read page by page, neither."""
    known = {2: PageText("read before", is_recognised=True), 4: PageText("", failure=SkipReason.BOMB)}
    outcome = go_on_to_the_end(LIMITS, "1=crash", "3=crash", known=known, mime_type=mime_type)
    texts = outcome.text.split("\n\n")
    assert texts[1] == "read before"
    assert [page for page in range(6) if f"page {page} by" in outcome.text] == (
        [2, 4, 5] if mime_type == "pages" else [0, 2, 4, 5]
    )
    assert outcome.unread == (UnreadPages(SkipReason.BOMB, (4,)),)
    assert outcome.recognition is not None
    assert 2 in outcome.recognition.pages


def test_the_text_of_a_document_is_read_without_its_pictures() -> None:
    document = parse_in_child(LIMITS, *(f"{picture}=crash" for picture in range(6)), content=b"", mime_type="pictures")
    assert (document.pending_pages, document.page_texts) == (tuple(range(1, 7)), {})


def test_pictures_that_hang_or_crash_cost_their_own_texts() -> None:
    limits = dataclasses.replace(LIMITS, seconds=6)
    known = {6: PageText("read before", is_recognised=True)}
    outcome = go_on_to_the_end(limits, "0=crash", "1=hang", "3=abort", known=known, mime_type="pictures")
    assert outcome.text.startswith("read by")
    failed = {page: read.failure for page, read in outcome.page_texts.items() if read.failure}
    assert failed == {1: SkipReason.CRASHED, 2: SkipReason.TIMEOUT, 4: SkipReason.CRASHED}
    assert outcome.page_texts[3].text.startswith("page 2 by")
    assert outcome.page_texts[6] == known[6]
    assert outcome.unread_detail == "pictures 1, 4: crashed; picture 2: timeout"


def test_pages_that_hang_or_crash_do_not_keep_a_file_waiting_for_ever() -> None:
    limits = dataclasses.replace(LIMITS, seconds=6)
    outcome = go_on_to_the_end(limits, "1=hang", "2=crash", "3=hang", "4=crash", "5=hang", known={})
    assert outcome.unread_pages == 5
