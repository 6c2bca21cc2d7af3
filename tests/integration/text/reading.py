"""Reading a file with the real extractor, for tests of what is in it."""

from __future__ import annotations

from magicfs.domain.contents import Document
from magicfs.text.extract import FileExtractor


def read(extractor: FileExtractor, content: bytes, name: bytes) -> Document:
    """The document of a file that can be read."""
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document), outcome
    return outcome
