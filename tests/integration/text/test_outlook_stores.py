"""The files in which Outlook keeps mail are read item by item, in memory and from a descriptor."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.integration.text.reading import read
from tests.plugins.documents import word_document
from tests.plugins.outlook_stores import CATEGORIES, Folder, Item, outlook_store, wide

SUBJECT, BODY, SENDER, SENT, CLASS = 0x0037001F, 0x1000001F, 0x0C1A001F, 0x00390040, 0x001A001F
NARROW_SUBJECT, NARROW_BODY, CODE_PAGE = 0x0037001E, 0x1000001E, 0x3FFD0003
PAGE, COMPANY = 0x10130102, 0x3A16001F
NAME, ADDRESS, ROLE, CONTENT, PASSWORD = 0x3001001F, 0x39FE001F, 0x0C150003, 0x37010102, 0x67FF0003
LONG_NAME = 0x3707001F
MAY_3: Final = int((datetime(2024, 5, 3, 9, 30, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7


def message(subject: str, body: str) -> Item:
    return Item({SUBJECT: wide(subject), BODY: wide(body)})


def pages(document: Document) -> list[str]:
    return [document.text[start:end].strip() for start, end in pairwise([*document.page_starts, None])]


def test_each_message_is_a_page_with_its_people_its_day_and_its_folder(extractor: FileExtractor) -> None:
    letter = Item(
        # Outlook writes how many letters of a subject are its prefix.
        {
            SUBJECT: b"\1\0\5\0" + wide("RE: the herons"),
            BODY: wide("seventeen of them"),
            SENDER: wide("Ada"),
            SENT: MAY_3,
        },
        receivers=[
            {NAME: wide("Bo"), ADDRESS: wide("bo@example.org"), ROLE: 1},
            {NAME: wide("Cyd"), ADDRESS: wide("cyd@example.org"), ROLE: 2},
        ],
    )
    folders = Folder("Inbox", [letter], [Folder("Birds", [message("the egrets", "flew away")])])
    document = read(extractor, outlook_store(folders, Folder("Sent")), b"a.pst")
    first, second = pages(document)
    assert first.splitlines() == [
        "Folder: Inbox",
        "Subject: RE: the herons",
        "From: Ada",
        "To: Bo <bo@example.org>",
        "Cc: Cyd <cyd@example.org>",
        "Date: Fri, 03 May 2024 09:30:00 +0000 (2024-05-03)",
        "",
        "seventeen of them",
    ]
    assert second == "Folder: Inbox/Birds\nSubject: the egrets\n\nflew away"
    assert document.unread_parts is None


def test_attached_files_and_the_page_of_a_message_are_read(extractor: FileExtractor) -> None:
    letter = Item(
        {SUBJECT: wide("the count"), PAGE: b"<html><body><p>It is <b>attached</b>.</p></body></html>"},
        attached=[
            {LONG_NAME: wide("herons.docx"), CONTENT: word_document("seventeen of them")},
            {LONG_NAME: wide("long.txt"), CONTENT: b"a metre and a half\n" * 1000 + b"the last heron"},
        ],
    )
    text = read(extractor, outlook_store(Folder("Inbox", [letter])), b"a.pst").text
    words = (
        "It is attached.",
        "Attachment: herons.docx",
        "seventeen of them",
        "Attachment: long.txt",
        "the last heron",
    )
    places = [text.index(word) for word in words]
    assert places == sorted(places)


def test_texts_of_old_files_contacts_and_categories_are_read(extractor: FileExtractor) -> None:
    old = Item({NARROW_SUBJECT: "Счёт".encode("cp1251"), NARROW_BODY: "оплачен".encode("cp1251"), CODE_PAGE: 1251})
    contact = Item({CLASS: wide("IPM.Contact"), SUBJECT: wide("Ada"), COMPANY: wide("Skarholm Boats")})
    values = (wide("birds"), wide("marsh"))
    listed = struct.pack("<III", 2, 12, 12 + len(values[0])) + b"".join(values)
    marked = Item({SUBJECT: wide("marked"), CATEGORIES: listed})
    text = read(extractor, outlook_store(Folder("All", [old, contact, marked])), b"a.pst").text
    assert "Subject: Счёт\n\nоплачен" in text
    assert "Company: Skarholm Boats" in text
    assert "Keywords: birds, marsh" in text


def test_the_newest_items_are_found_when_there_are_too_many() -> None:
    letters = [message(f"letter {number}", "heron " * 300) for number in range(40)]
    content = outlook_store(Folder("Inbox", letters[:20]), Folder("Sent", letters[20:]))
    with FileExtractor(limits=Limits(text_bytes=20_000)) as extractor:
        document = read(extractor, content, b"a.pst")
    subjects = [page.splitlines()[1] for page in pages(document)]
    assert subjects == [f"Subject: letter {number}" for number in range(40 - len(subjects), 40)]
    assert 5 < len(subjects) < 20
    assert document.first_page == 41 - len(subjects)
    assert document.cut_bytes > 0


def test_one_that_is_not_in_memory_has_the_same_text(tmp_path: Path) -> None:
    content = outlook_store(Folder("Inbox", [message("the herons", "seventeen of them")]))
    path = tmp_path / "a.ost"
    path.write_bytes(content)
    with FileExtractor(limits=Limits()) as extractor, path.open("rb") as file:
        kind = extractor.kind(content, name=b"a.ost")
        assert extractor.reads_open(kind)
        assert extractor.extract_open(file.fileno(), kind=kind) == extractor.extract(content, name=b"a.ost")


def test_one_with_a_password_is_encrypted_and_a_cut_one_is_damaged(extractor: FileExtractor) -> None:
    folder = Folder("Inbox", [message("the herons", "seventeen of them")])
    locked = extractor.extract(outlook_store(folder, more={PASSWORD: 4711}), name=b"a.pst")
    assert locked == Unreadable(SkipReason.ENCRYPTED, "a password protects it")
    cut = extractor.extract(outlook_store(folder)[:2000], name=b"a.pst")
    assert isinstance(cut, Unreadable)
    assert cut.reason is SkipReason.CORRUPT


def test_what_is_attached_and_is_no_file_is_named(extractor: FileExtractor) -> None:
    letter = Item({SUBJECT: wide("see below")}, attached=[{LONG_NAME: wide("an older letter"), 0x37050003: 5}])
    document = read(extractor, outlook_store(Folder("Inbox", [letter])), b"a.pst")
    assert "Attachment: an older letter" in document.text
    assert str(document.unread_parts) == "1 of 2 parts could not be read: an older letter (binary)"


@pytest.mark.parametrize(
    ("damaged", "lost"),
    [
        pytest.param("first letter", "heron 0", id="a message"),
        pytest.param("Inbox", None, id="the name of a folder"),
        pytest.param("items of Inbox", "heron 0 heron 1", id="the items of a folder"),
        pytest.param("store", None, id="what the file says of itself"),
    ],
)
def test_what_is_damaged_costs_itself_alone(extractor: FileExtractor, damaged: str, lost: str | None) -> None:
    birds = [message(f"letter {number}", f"heron {number}") for number in range(4)]
    folders = (Folder("Inbox", birds[:2], [Folder("Birds", birds[2:3])]), Folder("Sent", birds[3:]))
    document = read(extractor, outlook_store(*folders, damaged=damaged), b"a.pst")
    assert {f"heron {number}" for number in range(4) if f"heron {number}" in document.text} == {
        f"heron {number}" for number in range(4) if f"heron {number}" not in (lost or "")
    }
    assert (document.unread_parts is not None) == (lost is not None)
