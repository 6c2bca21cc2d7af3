"""Formats of OneNote, Publisher and WordPerfect, of which the text alone is read."""

from __future__ import annotations

import struct

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.ole import compound_file


def onenote(*texts: str | bytes) -> bytes:
    """A section of OneNote: texts behind their lengths, between other data."""
    data = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(1024)
    for text in texts:
        stored = text if isinstance(text, bytes) else text.encode("utf-16-le") + b"\0\0"
        data += bytes.fromhex("8b115cf14b6a453db067345a14cd563b0400000000ff") + struct.pack("<I", len(stored)) + stored
    return data + bytes(64)


def test_the_notes_of_onenote_are_read(extractor: FileExtractor) -> None:
    texts = [
        "Quittenmarmelade für Jörg",
        b"ask Ottoline on Friday",
        "中文标题",
        "заметка о лодке",
        "PageTitle",
        "Calibri",
    ]
    data = [bytes.fromhex("abc3f5b7a7cbd58b5a91d8ab4e50"), b"\x01\x02\x03\x04", "Quittenmarmelade für Jörg"]
    text = read(extractor, onenote(*texts, *data), b"a.one").text
    assert text.split("\n") == ["Quittenmarmelade für Jörg", "ask Ottoline on Friday", "中文标题", "заметка о лодке"]


@pytest.mark.parametrize("cut", range(16, 1400, 37))
def test_a_section_of_onenote_that_is_cut_costs_its_end_alone(extractor: FileExtractor, cut: int) -> None:
    extractor.extract(onenote("a note about quinces")[:cut], name=b"a.one")
    assert "quinces" in read(extractor, onenote("a note about quinces"), b"a.one").text


def test_a_publication_of_publisher_is_read(extractor: FileExtractor) -> None:
    text = "Sommerfest im Garten\rmit Blasmusik".encode("utf-16-le")
    styles = struct.pack("<H4s6s4sII", 24, b"STSH", b"", b"STSH", 512 + len(text), 10)
    table = b"CHNKINK ".ljust(32, b"\0") + struct.pack("<H4s6s4sII", 24, b"TEXT", b"", b"TEXT", 512, len(text)) + styles
    streams = {"Contents": bytes(64), "Quill/QuillSub/CONTENTS": table.ljust(512, b"\0") + text + bytes(16)}
    assert read(extractor, compound_file(streams), b"a.pub").text == "Sommerfest im Garten\nmit Blasmusik"


def wordperfect(body: bytes, *, version: int, password: int = 0) -> bytes:
    head = b"\xffWPC" + struct.pack("<IBBBBHH", 20, 1, 0x0A, version, 1, password, 0) + bytes(4)
    return head + body


def test_documents_of_wordperfect_are_read(extractor: FileExtractor) -> None:
    sixth = b"Gr\x1c\x20e\x80an\x80\xf0\x1a\x01\xf0rp\xd4\x00\x08\x00zz\xd4\x00\xcfthe\xcclease\x84hold"
    codes = b"\xd1\x00\x06\x00zz\x06\x00\x00\xd1 \xc3\x0c\xc3"
    fifth = b"M\xc0\x47\x01\xc0ller\x0dand" + codes + b"sons\xc4\x0c\xc4\x0alease\xa9hold\x0d"
    assert read(extractor, wordperfect(sixth, version=2), b"a.wpd").text == "Grüße an Árp the\nlease-hold"
    assert read(extractor, wordperfect(fifth, version=0), b"a.wp").text.strip() == "Müller and sons\nlease-hold"


def test_a_document_of_wordperfect_may_have_a_password_or_be_none(extractor: FileExtractor) -> None:
    locked = extractor.extract(wordperfect(b"abc", version=2, password=7), name=b"a.wpd")
    assert isinstance(locked, Unreadable)
    assert locked.reason is SkipReason.ENCRYPTED
    macro = b"\xffWPC" + bytes(100)
    assert isinstance(extractor.extract(macro, name=b"a.wcm"), Unreadable)


@pytest.mark.parametrize("code", [*range(0x80, 0x100)])
def test_a_code_of_wordperfect_that_is_cut_harms_nobody(extractor: FileExtractor, code: int) -> None:
    for version in (0, 2):
        assert read(extractor, wordperfect(b"quinces" + bytes([code]), version=version), b"a").text.startswith(
            "quinces"
        )
