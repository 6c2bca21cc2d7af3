"""The files in archives that libarchive reads are read as those in zip archives are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from magicfs.cli.checks import run_checks
from magicfs.config import Settings
from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.archives import library_members
from magicfs.text.extract.archives.archive_members import members_of
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.integration.text.reading import read
from tests.plugins.archives import (
    binary_cpio_of,
    cabinet_of,
    compressed_by_compress,
    cpio_of,
    disc_of,
    lha_of,
    seven_zip_of,
)
from tests.plugins.documents import container, mail, tar_archive, word_document
from tests.plugins.rar import rar_of

pytestmark = pytest.mark.skipif(
    not library_members.has_library() and "CI" not in os.environ, reason="libarchive is not installed"
)

FILES: Final = {
    "letters/Angebot Müller.docx": word_document("a stairlift for the annexe"),
    "letters/notes.txt": "die Wäscherei im Hof\n".encode("latin-1"),
    "old.zip": container({"memo.txt": "inside of an archive inside"}),
}
Pack = Callable[[Mapping[str, bytes]], bytes]
PACKS: Final[dict[str, Pack]] = {
    "a.7z": seven_zip_of,
    "a.rar": rar_of,
    "a.iso": disc_of,
    "a.cpio": cpio_of,
    "binary.cpio": binary_cpio_of,
}


@pytest.mark.parametrize("name", PACKS)
def test_the_files_in_an_archive_are_read_after_the_names(extractor: FileExtractor, name: str) -> None:
    document = read(extractor, PACKS[name](FILES), name.encode())
    names, *pages = [document.text[start:end].rstrip() for start, end in pairwise([0, *document.page_starts, None])]
    assert {*FILES} <= set(names.split("\n"))
    assert set(pages) == {
        "letters/Angebot Müller.docx\n\na stairlift for the annexe",
        "letters/notes.txt\n\ndie Wäscherei im Hof",
        "old.zip/memo.txt\n\ninside of an archive inside",
    }
    assert document.unread_parts is None


def test_the_files_in_a_cabinet_are_read(extractor: FileExtractor) -> None:
    text = read(extractor, cabinet_of({"a.docx": word_document("a stairlift"), "b.txt": b"a heron"}), b"a.cab").text
    assert text.startswith("a.docx\nb.txt\n\na.docx\n\na stairlift")
    assert text.endswith("b.txt\n\na heron")


def test_the_files_in_an_archive_of_lha_are_read(extractor: FileExtractor) -> None:
    text = read(extractor, lha_of({"手紙.docx": word_document("a stairlift"), "b.txt": b"a heron"}), b"a.lzh").text
    assert text.startswith("手紙.docx\nb.txt\n\n手紙.docx\n\na stairlift")
    assert text.endswith("b.txt\n\na heron")


def test_what_lha_and_compress_have_made_is_read_in_another_archive(extractor: FileExtractor) -> None:
    packed = {
        "old.lzh": lha_of({"a.txt": b"a heron"}),
        "b.tar.Z": compressed_by_compress(tar_archive(["b.txt"])),
    }
    text = read(extractor, container(packed), b"a.zip").text
    assert "old.lzh/a.txt\n\na heron" in text
    assert "b.tar.Z/b.txt\n\nhello" in text


def test_what_compress_has_made_is_read(extractor: FileExtractor) -> None:
    log = "the herons came back\n" * 10_000
    document = read(extractor, compressed_by_compress(log.encode()), b"kern.log.Z")
    assert (document.text, document.mime_type) == (log, "text/plain")
    assert "letters/bird.txt" in read(extractor, compressed_by_compress(tar_archive(["letters/bird.txt"])), b"a.Z").text
    assert extractor.extract(b"\x1f\x9d\x90" + os.urandom(3000), name=b"a.Z")  # fails only where it raises


def test_a_text_that_begins_like_lha_is_a_text(extractor: FileExtractor) -> None:
    assert "-lh5-" in read(extractor, b"//-lh5- is how a member is compressed\n", b"a.txt").text


def test_a_text_that_begins_like_cpio_is_a_text(extractor: FileExtractor) -> None:
    assert "070701" in read(extractor, b"070701 is a number\n", b"a.txt").text


def test_an_archive_inside_of_another_file_is_read(extractor: FileExtractor) -> None:
    message = mail("see the files", subject="for you", attachments={"a.7z": seven_zip_of(FILES)})
    assert "a stairlift for the annexe" in read(extractor, message, b"a.eml").text
    assert "a stairlift for the annexe" in read(extractor, container({"a.rar": rar_of(FILES)}), b"a.zip").text


@pytest.mark.parametrize("name", PACKS)
def test_names_are_read_in_any_locale(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    content = PACKS[name](FILES)
    monkeypatch.setenv("LC_ALL", "C")
    with FileExtractor(limits=Limits()) as extractor:
        assert "letters/Angebot Müller.docx\n\na stairlift" in read(extractor, content, name.encode()).text


def test_names_in_the_charset_of_a_system_are_read(extractor: FileExtractor) -> None:
    in_utf8 = cabinet_of({"Bericht Fruhjahr.txt": b"a heron"})
    content = in_utf8.replace(b"\xa0\0Bericht Fruhjahr", b"\x20\0Bericht Fr\xfchj\xe4hr")
    assert "Bericht Frühjähr" in read(extractor, content, b"a.cab").text


@pytest.mark.parametrize("name", ["a.rar", "a.iso"])
def test_a_cut_archive_keeps_what_was_read(extractor: FileExtractor, name: str) -> None:
    many = {f"page{number}.txt": os.urandom(3000) for number in range(50)}
    content = PACKS[name](many)
    cut = content[: content.index(many["page25.txt"]) + 100]
    document = read(extractor, cut, name.encode())
    assert document.text.startswith("page0.txt\npage1.txt\n")
    assert document.unread_parts is not None


def test_a_zip_archive_without_its_end_keeps_what_was_read(extractor: FileExtractor) -> None:
    """As an unfinished download is. A document is damaged."""
    content = container({"a.docx": word_document("a stairlift"), "b.txt": b"a heron", "c.txt": os.urandom(100_000)})
    document = read(extractor, content[:-2000], b"a.zip")
    assert document.mime_type == "application/zip"
    assert "a stairlift" in document.text
    assert "b.txt\n\na heron" in document.text
    assert str(document.unread_parts) == "2 of 5 parts could not be read: c.txt (corrupt), what follows c.txt (corrupt)"
    workbook = container({"docProps/app.xml": "<Properties/>", "xl/sharedStrings.xml": "<sst/>" * 50})
    for cut in (word_document("a stairlift " * 500)[:-100], workbook[:-200]):
        outcome = extractor.extract(cut, name=b"a.docx")
        assert isinstance(outcome, Unreadable)
        assert outcome.reason is SkipReason.CORRUPT


def test_a_zip_archive_that_is_cut_in_a_zip_file_keeps_what_was_read(extractor: FileExtractor) -> None:
    """The end of a document that is packed without compression looks like one of the archive."""
    members = {"a.txt": b"a heron", "b.docx": word_document("a stairlift"), "c.txt": b"an egret"}
    content = container(members)
    cut = content[: content.index(b"an egret") + 3]
    assert b"PK\5\6" in cut
    document = read(extractor, cut, b"a.zip")
    assert "a.txt\n\na heron" in document.text
    assert "b.docx\n\na stairlift" in document.text
    # What a program puts before an archive is no member of it.
    assert "a stairlift" in read(extractor, b"PK\3\4 no member" + word_document("a stairlift"), b"a.docx").text


@pytest.mark.parametrize(
    "named", ["content.xml", "index.apxl.gz", "Index/Document.iwa", "FixedDocSeq.fdseq", "Documents/1/Pages/1.fpage"]
)
def test_a_cut_document_that_begins_with_pictures_is_damaged(extractor: FileExtractor, named: str) -> None:
    members = {"thumbs/1.png": os.urandom(500), named: b"<text>a heron</text>" * 50, "last": os.urandom(5000)}
    outcome = extractor.extract(container(members)[:-2000], name=b"a")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


def test_an_archive_without_its_end_is_not_read(extractor: FileExtractor) -> None:
    """That of 7z has the names."""
    outcome = extractor.extract(seven_zip_of(FILES)[:-40], name=b"a.7z")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


def test_so_many_bytes_of_members_are_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_members, "MAX_UNPACKED_BYTES", 100)
    content = seven_zip_of({"a.txt": bytes(90), "b.txt": bytes(90), "c.txt": bytes(90)})
    names: list[str] = []
    with pytest.raises(library_members.TooManyBytesError):
        names.extend(member.name for member in members_of(content, "application/x-7z-compressed"))
    assert names == ["a.txt", "b.txt"]


def test_so_many_bytes_of_a_member_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it states."""
    monkeypatch.setattr(library_members, "MAX_MEMBER_BYTES", 100)
    members = members_of(seven_zip_of({"a.txt": bytes(101)}), "application/x-7z-compressed")
    with pytest.raises(library_members.TooManyBytesError):
        next(members).read()


@pytest.mark.parametrize(("is_installed", "said"), [(True, "libarchive reads 7z"), (False, "install libarchive")])
def test_doctor_says_what_reads_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_installed: bool, said: str
) -> None:
    monkeypatch.setattr(library_members, "has_library", lambda: is_installed)
    [check] = [result for result in run_checks(Settings(home=tmp_path)) if result.name == "archives"]
    assert (check.ok, said in check.text) == (True, True)
