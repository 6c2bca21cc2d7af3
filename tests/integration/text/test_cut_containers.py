"""Containers whose end is missing, as after a download that was cut off: what is whole of them is read."""

from __future__ import annotations

import io
import zipfile

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import container, presentation, word_document


class Unseekable(io.RawIOBase):
    """What a container is written to as it is sent, so that sizes come after the data."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.written += data
        return len(data)


def sent(members: dict[str, str], *, compression: int) -> bytes:
    target = Unseekable()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return bytes(target.written)


def before(content: bytes, member: bytes) -> bytes:
    """A container without the second half of the data of a member, and what follows."""
    return content[: content.index(member) + len(member) + 4]


def test_a_document_without_its_end_is_read(extractor: FileExtractor) -> None:
    found = read(extractor, word_document("a report on okapis")[:-60], b"a.docx")
    assert "a report on okapis" in found.text
    assert "could not be read: what follows " in str(found.unread_parts)


def test_slides_before_the_cut_are_read(extractor: FileExtractor) -> None:
    content = presentation("the okapi", "the ocelot", notes="the bittern")
    found = read(extractor, content[: content.rindex(b"PK\x01\x02") - 1], b"a.pptx")
    assert "the okapi" in found.text


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED], ids=["deflated", "stored"])
def test_sizes_may_come_after_the_data(extractor: FileExtractor, compression: int) -> None:
    with zipfile.ZipFile(io.BytesIO(word_document("a report on okapis"))) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    whole = sent({**members, "word/last.xml": "<x/>" * 1000}, compression=compression)
    found = read(extractor, before(whole, b"word/last.xml"), b"a.docx")
    assert "a report on okapis" in found.text
    assert "what follows " in str(found.unread_parts)


def test_members_of_an_archive_before_the_cut_are_named(extractor: FileExtractor) -> None:
    content = container({"heron.txt": "one", "bittern.txt": "two", "egret.txt": "three"})
    found = read(extractor, before(content, b"egret.txt"), b"a.zip")
    assert "heron.txt" in found.text
    assert "bittern.txt" in found.text
    assert "egret" not in found.text


def test_the_end_may_be_that_of_a_container_inside(extractor: FileExtractor) -> None:
    inner = container({"inner.txt": "inside"})
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("heron.txt", "one")
        archive.writestr("inner.zip", inner)
        archive.writestr("egret.txt", "three")
    content = target.getvalue()
    found = read(extractor, content[: content.index(b"egret.txt") - 30], b"a.zip")
    assert "heron.txt" in found.text
    assert "inner.zip" in found.text


def test_a_container_without_a_whole_member_is_corrupt(extractor: FileExtractor) -> None:
    outcome = extractor.extract(before(container({"heron.txt": "words " * 100}), b"heron.txt"), name=b"a.zip")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT
