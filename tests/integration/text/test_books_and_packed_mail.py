"""Books of Mobipocket, and the messages that Outlook packs into `winmail.dat`."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from email.message import EmailMessage

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.mobipocket import decompress
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.mail.tnef import decompress_rtf
from tests.integration.text.reading import read
from tests.plugins.mobipocket import book, database
from tests.plugins.packed_mail import (
    CODE_PAGE,
    FILE_DATA,
    FILE_NAME,
    FILE_PROPERTIES,
    NEXT_FILE,
    PROPERTIES,
    SUBJECT,
    tnef,
)

_MAPI_BODY, _MAPI_HTML, _MAPI_RTF, _MAPI_FILE_NAME = 0x1000, 0x1013, 0x1009, 0x3707


def properties(values: Mapping[int, tuple[int, bytes]]) -> bytes:
    """A row of properties of MAPI by number, with one that has a name and one that is a number before them."""
    data = struct.pack("<I", len(values) + 2)
    data += struct.pack("<HH16sIIII", 0x3, 0x8001, b"guid" * 4, 1, 6, 0x00620061, 0x00000000) + struct.pack("<I", 7)
    data += struct.pack("<HHI", 0xB, 0x0E1B, 1)
    for number, (kind, value) in values.items():
        data += struct.pack("<HHII", kind, number, 1, len(value)) + value + b"\0" * (-len(value) % 4)
    return data


def uncompressed_rtf(rtf: bytes) -> bytes:
    return struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf


@pytest.mark.parametrize(
    "body",
    [
        {_MAPI_BODY: (0x1E, "Grüße vom Leuchtturm\0".encode("cp1252"))},
        {_MAPI_BODY: (0x1F, "Grüße vom Leuchtturm\0".encode("utf-16-le"))},
        {_MAPI_HTML: (0x102, "<html><body><p>Grüße vom <b>Leucht</b>turm</p></body></html>".encode())},
        {_MAPI_RTF: (0x102, uncompressed_rtf(rb"{\rtf1\ansi\ansicpg1252 Gr\'fc\'dfe vom {\b Leucht}turm\par}"))},
    ],
)
def test_a_packed_message_has_its_text_and_its_files(
    extractor: FileExtractor, body: Mapping[int, tuple[int, bytes]]
) -> None:
    content = tnef(
        (CODE_PAGE, struct.pack("<II", 1252, 0)),
        (SUBJECT, "Öltank\0".encode("cp1252")),
        (PROPERTIES, properties(body)),
        (NEXT_FILE, b"\1\0" + b"\xff" * 12),
        (FILE_NAME, b"BERICH~1.TXT\0"),
        (FILE_DATA, b"a rutabaga pie"),
        (FILE_PROPERTIES, properties({_MAPI_FILE_NAME: (0x1F, "Bericht März.txt\0".encode("utf-16-le"))})),
    )
    document = read(extractor, content, b"winmail.dat")
    assert document.title == "Öltank"
    for words in ("Grüße vom Leuchtturm", "Attachment: Bericht März.txt", "a rutabaga pie"):
        assert words in document.text

    mail = EmailMessage()
    mail.set_content("see the file")
    mail.add_attachment(content, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    assert "a rutabaga pie" in read(extractor, mail.as_bytes(), b"a.eml").text


def test_a_cut_packed_message_is_read_as_far_as_it_goes(extractor: FileExtractor) -> None:
    content = tnef((SUBJECT, b"An oil tank\0"), (NEXT_FILE, b"\1\0"), (FILE_NAME, b"a\0"), (FILE_DATA, b"x" * 99))
    document = read(extractor, content[:-50], b"winmail.dat")
    assert "An oil tank" in document.text
    assert document.unread_parts is not None


@pytest.mark.parametrize("rest", [b"\n", b"\r\n\r\n", bytes(40), b"-- \nsent by a gateway\n"])
def test_what_programs_put_behind_a_packed_message_is_no_damage(extractor: FileExtractor, rest: bytes) -> None:
    document = read(extractor, tnef((SUBJECT, b"An oil tank\0")) + rest, b"winmail.dat")
    assert document.text.strip() == "Subject: An oil tank"
    assert document.unread_parts is None


def test_what_is_attached_is_read_beside_damaged_rtf(extractor: FileExtractor) -> None:
    cut = struct.pack("<IIII", 14, 99, 0x75465A4C, 0) + b"\1\0"
    content = tnef(
        (SUBJECT, b"An oil tank\0"),
        (PROPERTIES, properties({_MAPI_RTF: (0x102, cut)})),
        *((NEXT_FILE, b"\1\0"), (FILE_NAME, b"a.txt\0"), (FILE_DATA, b"a rutabaga pie")),
    )
    document = read(extractor, content, b"winmail.dat")
    assert "a rutabaga pie" in document.text
    assert document.unread_parts is not None


def test_a_packed_message_of_too_many_files_says_so(extractor: FileExtractor) -> None:
    document = read(extractor, tnef((SUBJECT, b"An oil tank\0"), *[(NEXT_FILE, b"\1\0")] * 20_000), b"winmail.dat")
    assert document.text.strip() == "Subject: An oil tank"
    assert document.unread_parts is not None


def test_compressed_rtf_is_unpacked() -> None:
    literals = b"{\\rtf1 wwww}"
    packed = b"".join(b"\0" + literals[start : start + 8] for start in range(0, len(literals), 8))
    head = struct.pack("<IIII", len(packed) + 12, len(literals), 0x75465A4C, 0)
    assert decompress_rtf(head + packed) == literals
    # A reference to the 6 bytes `{\rtf1` at the beginning of the window, a blank, and one to what it just wrote.
    packed = bytes([0b101]) + struct.pack(">H", 0 << 4 | 4) + b"w" + struct.pack(">H", 213 << 4 | 2) + b"}"
    head = struct.pack("<IIII", len(packed) + 12, 12, 0x75465A4C, 0)
    assert decompress_rtf(head + packed) == b"{\\rtf1wwwww}"


def test_a_book_of_mobipocket_is_read(extractor: FileExtractor) -> None:
    page = "<html><body><h1>Erstes Kapitel</h1><p>Über dem Moor <b>kreis</b>te ein Bussard</p></body></html>".encode()
    document = read(extractor, book([page[:50], page[50:]]), b"a.mobi")
    assert "Über dem Moor kreiste ein Bussard" in document.text
    assert (document.title, document.author, document.keywords) == ("Der Krähenturm", "Ada", "tower")


def test_what_follows_the_text_of_a_record_is_left_out(extractor: FileExtractor) -> None:
    records = [b"<p>a bus\0\1\1\x83", b"tard</p>\0\x81"]
    document = read(extractor, book(records, flags=0b11), b"a.azw3")
    assert document.text.strip() == "a bustard"


def test_a_compressed_book_is_read(extractor: FileExtractor) -> None:
    record = b"<p>abc" + struct.pack(">H", 0x8000 | 3 << 3 | 3) + b"\xf8\2\xc3\xbc</p>"
    assert decompress(record) == "<p>abcabcabc xü</p>".encode()
    assert read(extractor, book([record], compression=2), b"a.mobi").text.strip() == "abcabcabc xü"


def test_a_text_of_the_palm_is_read(extractor: FileExtractor) -> None:
    content = database([struct.pack(">HHIHHHH", 1, 0, 9, 1, 4096, 0, 0), b"a bustard"], b"TEXtREAd")
    assert read(extractor, content, b"a.pdb").text == "a bustard"


def test_the_place_of_the_reader_in_a_text_of_the_palm_is_no_protection(extractor: FileExtractor) -> None:
    content = database([struct.pack(">HHIHHHH", 1, 0, 9, 1, 4096, 1, 4464), b"a bustard"], b"TEXtREAd")
    assert read(extractor, content, b"a.pdb").text == "a bustard"


def test_a_text_of_the_palm_may_be_in_utf_8(extractor: FileExtractor) -> None:
    words = "Grüße vom Leuchtturm, плавучий маяк".encode()
    content = database([struct.pack(">HHIHHHH", 1, 0, len(words), 1, 4096, 0, 0), words], b"TEXtREAd")
    assert read(extractor, content, b"a.pdb").text == words.decode()


def test_a_book_whose_records_overlap_is_damaged(extractor: FileExtractor) -> None:
    content = bytearray(book([b"x" * 50, b"y" * 50, b"z" * 50]))
    content[78 + 8 * 2 : 78 + 8 * 2 + 4] = content[78 : 78 + 4]
    outcome = extractor.extract(bytes(content), name=b"a.mobi")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (book([b"x"], protection=2), SkipReason.ENCRYPTED),
        (book([b"x"], compression=17480), SkipReason.BINARY),
        (book([b"x"])[:90], SkipReason.CORRUPT),
        (database([], b"BOOKMOBI"), SkipReason.NO_TEXT),
    ],
)
def test_why_a_book_is_not_read(extractor: FileExtractor, content: bytes, reason: SkipReason) -> None:
    outcome = extractor.extract(content, name=b"a.mobi")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is reason


@pytest.mark.parametrize("cut", range(0, 400, 23))
def test_damaged_books_and_messages_end(extractor: FileExtractor, cut: int) -> None:
    packed = tnef((PROPERTIES, properties({_MAPI_BODY: (0x1E, b"text\0")})), (NEXT_FILE, b"\1\0"))
    for content, name in ((book([b"<p>text</p>"], flags=0xFFFF), b"a.mobi"), (packed, b"winmail.dat")):
        damaged = content[:70] + bytes(byte ^ 0x55 if n == cut else byte for n, byte in enumerate(content[70:]))
        assert isinstance(extractor.extract(damaged, name=name), Document | Unreadable)
