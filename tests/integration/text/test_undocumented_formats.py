"""Formats of OneNote, Publisher, Works, Visio, Project and WordPerfect, of which the text alone is read."""

from __future__ import annotations

import struct

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import container, word_document
from tests.plugins.ole import compound_file


def onenote(*texts: str | bytes) -> bytes:
    """A section of OneNote: texts behind their lengths, between other data."""
    data = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(1024)
    for text in texts:
        stored = text if isinstance(text, bytes) else text.encode("utf-16-le") + b"\0\0"
        data += bytes.fromhex("8b115cf14b6a453db067345a14cd563b0400000000ff") + struct.pack("<I", len(stored)) + stored
    return data + bytes(64)


def test_the_notes_of_onenote_are_read(extractor: FileExtractor) -> None:
    texts: list[str | bytes] = [
        "Quittenmarmelade für Jörg",
        b"ask Ottoline on Friday",
        "中文标题",
        "заметка о лодке",
        "PageTitle",
        "Calibri",
    ]
    data: list[str | bytes] = [
        bytes.fromhex("abc3f5b7a7cbd58b5a91d8ab4e50"),
        b"\x01\x02\x03\x04",
        "Quittenmarmelade für Jörg",
    ]
    text = read(extractor, onenote(*texts, *data), b"a.one").text
    assert text.split("\n") == ["Quittenmarmelade für Jörg", "ask Ottoline on Friday", "中文标题", "заметка о лодке"]


def attached(content: bytes) -> bytes:
    """A file as a section of OneNote has it."""
    return bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac") + struct.pack("<Q12x", len(content)) + content


def test_documents_that_are_attached_to_a_page_are_read(extractor: FileExtractor) -> None:
    document, picture = word_document("a stairlift for the annexe"), b"\x89PNG\r\n\x1a\n" + bytes(50)
    # Inside of a file, nothing is a text of the section.
    with_text = container({"a.txt": onenote("a text of no page")[-120:]})
    section = onenote("the annexe") + attached(picture) + attached(document) + attached(with_text) + attached(document)
    read_section = read(extractor, section + onenote("after it")[1000:], b"a.one")
    assert read_section.text.split("\n")[:2] == ["the annexe", "after it"]
    assert read_section.text.count("a stairlift for the annexe") == 1
    assert read_section.unread_parts is None
    cut = onenote("the annexe") + attached(document)[:-300]
    assert read(extractor, cut, b"a.one").text == "the annexe"
    assert (
        str(read(extractor, cut, b"a.one").unread_parts) == "1 of 1 part could not be read: application/zip (corrupt)"
    )


@pytest.mark.parametrize("size", [0, 3, 4096, 1 << 32])
def test_a_damaged_size_of_an_attached_file_costs_no_text_behind_it(extractor: FileExtractor, size: int) -> None:
    end = bytes(3) + bytes.fromhex("22a7fb71790f0b4abb13899256426b24")
    first, second = attached(word_document("a stairlift")) + end, attached(word_document("a handrail")) + end
    damaged = first[:16] + struct.pack("<Q", size) + first[24:]
    section = onenote("the annexe") + damaged + onenote("after it", "x" * 5000)[1000:] + second
    document = read(extractor, section + onenote("at last")[1000:], b"a.one")
    assert document.text.split("\n")[:4] == ["the annexe", "after it", "x" * 5000, "at last"]
    assert "a stairlift" in document.text
    assert "a handrail" in document.text
    assert document.unread_parts is None


@pytest.mark.parametrize("cut", range(16, 1400, 37))
def test_a_section_of_onenote_that_is_cut_costs_its_end_alone(extractor: FileExtractor, cut: int) -> None:
    extractor.extract(onenote("a note about quinces")[:cut], name=b"a.one")
    assert "quinces" in read(extractor, onenote("a note about quinces"), b"a.one").text


@pytest.mark.parametrize(
    ("stream", "name", "mime_type"),
    [
        ("Quill/QuillSub/CONTENTS", b"a.pub", "application/x-mspublisher"),
        ("CONTENTS", b"a.wps", "application/vnd.ms-works"),
    ],
)
def test_texts_of_publisher_and_works_are_read(
    extractor: FileExtractor, stream: str, name: bytes, mime_type: str
) -> None:
    text = "Sommerfest im Garten\rmit Blasmusik".encode("utf-16-le")
    styles = struct.pack("<H4s6s4sII", 24, b"STSH", b"", b"STSH", 512 + len(text), 10)
    table = b"CHNKINK ".ljust(32, b"\0") + struct.pack("<H4s6s4sII", 24, b"TEXT", b"", b"TEXT", 512, len(text)) + styles
    other = {"Contents": bytes(64)} if "/" in stream else {}
    streams = {**other, stream: table.ljust(512, b"\0") + text + bytes(16)}
    document = read(extractor, compound_file(streams), name)
    assert (document.text, document.mime_type) == ("Sommerfest im Garten\nmit Blasmusik", mime_type)


def test_a_stream_of_that_name_of_another_program_is_no_letter(extractor: FileExtractor) -> None:
    outcome = extractor.extract(compound_file({"CONTENTS": b"%PDF-1.7".ljust(600)}), name=b"a.wps")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.BINARY


def visio(version: int, chunks: bytes, *, packed: bool = False) -> bytes:
    """A drawing of one page, whose stream has these chunks."""

    def pointer(kind: int, offset: int, length: int, form: int) -> bytes:
        if version > 5:
            return struct.pack("<IIIIH", kind, 0, offset, length, form)
        return struct.pack("<HHIII", kind, form, 0, offset, length)

    page = pointer(21, 512, len(chunks), 0xD7 if packed else 0xD4)
    # One that leads back to the root.
    pointers = page + pointer(20, 128, 200, 0x54)
    of_root = struct.pack("<IIxxxx", 4, 2) + pointers if version > 5 else struct.pack("<130xH", 2) + pointers
    head = b"Visio (TM) Drawing\r\n".ljust(26, b"\0") + struct.pack("<HII", version, 0, 0)
    data = (head + pointer(20, 128, len(of_root), 0x54)).ljust(128, b"\0") + of_root
    return compound_file({"VisioDocument": data.ljust(512, b"\0") + chunks})


def texts_of_project(*texts: str | bytes) -> bytes:
    """Texts behind their sizes, between numbers and what is left of former texts."""
    stored = (text if isinstance(text, bytes) else f"{text}\0".encode("utf-16-le") for text in texts)
    gap = "former".encode("utf-16-le") + bytes(3) + b"\x41"
    return b"".join(struct.pack("<Id", 8, 7.5) + struct.pack("<I", len(text)) + text + gap for text in stored)


@pytest.mark.parametrize("version", [9, 12, 14])
def test_a_plan_of_project_is_read(extractor: FileExtractor, version: int) -> None:
    note = b"{\\rtf1\\ansi the glazier comes \\b on Monday}\0"
    streams = {
        f"Props{version}": bytes(64),
        f"   1{version}/TBkndTask/Var2Data": texts_of_project("Fenster einbauen", note, "拆除", "Fenster einbauen"),
        f"   1{version}/TBkndRsc/Var2Data": texts_of_project("Glaserei Ünver", "G"),
        f"   1{version}/TBkndCal/Var2Data": texts_of_project("Standard"),
    }
    document = read(extractor, compound_file(streams), b"a.mpp")
    expected = ["Fenster einbauen", "the glazier comes on Monday", "拆除", "Glaserei Ünver"]
    assert document.text.splitlines() == expected
    assert document.mime_type == "application/vnd.ms-project"
    empty = extractor.extract(compound_file({f"Props{version}": bytes(64)}), name=b"a.mpp")
    assert empty == Unreadable(SkipReason.NO_TEXT)


def chunk(kind: int, content: bytes, *, flags: int = 0, level: int = 2, group: int = 0x54) -> bytes:
    return struct.pack("<IIIIHB", kind, 1, flags, len(content), level, group) + content


def text_of_shape(text: str, charset: str = "utf-16-le") -> bytes:
    return bytes(8) + (text + "\0").encode(charset)


@pytest.mark.parametrize(
    ("version", "chunks"),
    [
        (
            11,
            chunk(0x2C, b"ab") + bytes(12)
            + chunk(0x0E, text_of_shape("Wärme\ufffcpumpe"), level=3, group=0x55) + bytes(4)
            + chunk(0xB4, b"x", level=2, group=0x54) + bytes(4) + chunk(0x0E, text_of_shape("Kessel")),
        ),
        (
            6,
            chunk(0x15, b"abc", flags=1) + bytes(8) + chunk(0x0E, text_of_shape("Wärmepumpe", "cp1252"))
            + chunk(0x0E, text_of_shape("Kessel", "cp1252")),
        ),
        (
            5,
            b"".join(
                struct.pack("<HHBBHI", kind, 1, 0, 0, 0, len(content)) + content
                for kind, content in (
                    (0x15, b"a"),
                    (0x0E, text_of_shape("Wärmepumpe", "cp1252")),
                    (0x0E, text_of_shape("Kessel", "cp1252")),
                )
            ),
        ),
    ],
)  # fmt: skip
def test_the_shapes_of_a_drawing_of_visio_are_read(extractor: FileExtractor, version: int, chunks: bytes) -> None:
    assert read(extractor, visio(version, chunks), b"a.vsd").text == "Wärmepumpe\nKessel"
    cut = extractor.extract(visio(version, chunks)[:-700], name=b"a.vsd")
    assert isinstance(cut, Document) or cut.reason in {SkipReason.NO_TEXT, SkipReason.CORRUPT, SkipReason.BINARY}


def test_a_packed_drawing_of_visio_is_read(extractor: FileExtractor) -> None:
    shape = chunk(0x0E, text_of_shape("Rohr") + bytes(3))
    letters = b"".join(b"\xff" + shape[start : start + 8] for start in range(0, len(shape), 8))
    # Places in a window of 4096 bytes, at the end of which the first ones are, and lengths less three.
    copies = b"\0" + b"".join(
        bytes([at & 0xFF, at >> 4 & 0xF0 | size - 3]) for at, size in ((4078, 18), (0, 18), (18, 4))
    )
    assert read(extractor, visio(11, letters + copies, packed=True), b"a.vsd").text == "Rohr\nRohr"


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
