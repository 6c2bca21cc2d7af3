"""Reading a file with the real extractor, for tests of what is in it."""

from __future__ import annotations

from collections.abc import Mapping

from magicfs.domain.contents import Document, PageText
from magicfs.text.extract.documents.picture_texts import with_picture_texts
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


def turns(reader: FileExtractor, content: bytes, name: bytes, known: Mapping[int, PageText] | None = None) -> Document:
    """What is read when no turn is left."""
    texts = dict(known or {})
    while True:
        outcome = reader.go_on(content, kind=reader.kind(content, name=name), page_texts=texts)
        assert isinstance(outcome, Document), outcome
        texts = dict(outcome.page_texts)
        if not outcome.pending_pages:
            return outcome


def whole(reader: FileExtractor, content: bytes, name: bytes) -> Document:
    """The document with the texts of its pictures."""
    document = turns(reader, content, name)
    return with_picture_texts(document, {number: text.text for number, text in document.page_texts.items()})


def lines(text: str) -> list[str]:
    """The lines of a text that have words, without the blanks around them."""
    return [line for line in map(str.strip, text.split("\n")) if line]
