"""An OCR that is installed while workers run, or did not start at first: they read what waited, without a restart."""

from __future__ import annotations

from pathlib import Path

from tests.plugins.pdf import Scan, pdf_file
from tests.plugins.stack import Stack

SABOTAGE = "tests.faults.sabotage.late_ocr"
NO_START = "tests.faults.sabotage.ocr_that_does_not_start"


def read_late(stack: Stack, tmp_path: Path, *, sabotage: str, while_there_is: str, workers: int) -> Path:
    """A root whose only file waits for OCR while there is a file in the home, and is read when that is gone."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "scan.pdf").write_bytes(pdf_file(Scan("A letter about marmalade\nand about oranges")))
    (stack.home / while_there_is).touch()
    # No program is on it.
    stack.environment["PATH"] = str(tmp_path)
    stack.add_root(docs)
    stack.start_agent()
    for number in range(1, workers + 1):
        stack.start_worker("extract", number, sabotage=sabotage)
    found = "SELECT state, reason FROM files WHERE display = 'scan.pdf'"
    stack.wait(lambda: stack.rows(found) == [("skipped", "needs-ocr")], what="a file that waits for OCR")
    (stack.home / while_there_is).unlink()
    stack.wait(lambda: stack.rows(found) == [("indexed", None)], seconds=300, what="its text")
    assert "marmalade" in stack.rows("SELECT text FROM chunks")[0][0]
    return docs


def test_files_that_wait_for_ocr_are_read_when_it_comes(stack: Stack, tmp_path: Path) -> None:
    docs = read_late(stack, tmp_path, sabotage=SABOTAGE, while_there_is="hidden", workers=2)

    (docs / "second.pdf").write_bytes(pdf_file(Scan("Another letter is about plums\nand about pears")))
    second = "SELECT state, reason FROM files WHERE display = 'second.pdf'"
    stack.wait(lambda: stack.rows(second) == [("indexed", None)], seconds=300, what="a scan that came later")


def test_files_are_read_when_an_ocr_starts_that_did_not(stack: Stack, tmp_path: Path) -> None:
    read_late(stack, tmp_path, sabotage=NO_START, while_there_is="busy", workers=1)
