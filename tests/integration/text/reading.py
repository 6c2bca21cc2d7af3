"""Reading a file with the real extractor, for tests of what is in it."""

from __future__ import annotations

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits, Ocr


def read(extractor: FileExtractor, content: bytes, name: bytes) -> Document:
    """The document of a file that can be read."""
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document), outcome
    return outcome


def read_in_part(content: bytes, ocr: Ocr | None, scanned: str, *, seconds: float) -> Document:
    """What is read of a PDF in less time than its scanned pages take, which say `scanned`.

    On a busy machine not even one of them is read so soon: then there is more time.
    """
    for limit in (seconds, 4 * seconds, 16 * seconds):
        with FileExtractor(limits=Limits(seconds=limit), ocr=ocr) as extractor:
            outcome = extractor.extract(content, name=b"a.pdf")
        if isinstance(outcome, Document) and scanned in outcome.text:
            break
    assert isinstance(outcome, Document), outcome
    return outcome
