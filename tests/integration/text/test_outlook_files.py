"""Messages of Outlook are read with what is attached to them."""

from __future__ import annotations

import struct

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import word_document
from tests.plugins.ole import compound_file

_FIRST, _SECOND = "__attach_version1.0_#00000000/", "__attach_version1.0_#00000001/"


def message(more: dict[str, bytes]) -> bytes:
    """A message with these further streams."""
    return compound_file(
        {
            "__properties_version1.0": bytes(32),
            "__substg1.0_0037001F": "the herons".encode("utf-16-le"),
            "__substg1.0_1000001F": "They are attached.".encode("utf-16-le"),
            **more,
        }
    )


def listed(head_bytes: int, properties: dict[int, bytes]) -> bytes:
    """The list of the properties of a storage, by their numbers and kinds."""
    entries = (struct.pack("<II", tag, 6) + value for tag, value in properties.items())
    return bytes(head_bytes) + b"".join(entries)


def test_attached_files_of_outlook_are_read(extractor: FileExtractor) -> None:
    content = message(
        {
            _FIRST + "__substg1.0_3704001F": "COUNT~1.DOC".encode("utf-16-le"),
            _FIRST + "__substg1.0_3707001F": "counted herons.docx".encode("utf-16-le"),
            _FIRST + "__substg1.0_37010102": word_document("seventeen of them"),
            _SECOND + "__substg1.0_3707001E": "Größe.txt".encode("cp1252"),
            _SECOND + "__substg1.0_37010102": b"a metre",
        }
    )
    document = read(extractor, content, b"a.msg")
    words = ("They are attached.", "Attachment: counted herons.docx", "seventeen of them", "Größe.txt", "a metre")
    places = [document.text.index(word) for word in words]
    assert places == sorted(places)
    assert document.unread_parts is None


def test_a_message_in_a_message_of_outlook_is_read(extractor: FileExtractor) -> None:
    inner = _FIRST + "__substg1.0_3701000D/"
    content = message(
        {
            inner + "__substg1.0_0037001F": "the egrets".encode("utf-16-le"),
            inner + "__substg1.0_0C1A001F": "Ada".encode("utf-16-le"),
            inner + "__substg1.0_10130102": b"<html><body><p>flew <b>away</b></p></body></html>",
            inner + _FIRST + "__substg1.0_3707001F": "where.txt".encode("utf-16-le"),
            inner + _FIRST + "__substg1.0_37010102": b"to the marsh",
        }
    )
    text = read(extractor, content, b"a.msg").text
    assert all(words in text for words in ("Subject: the egrets", "From: Ada", "flew away", "to the marsh"))


def test_a_damaged_attachment_of_outlook_costs_its_own_text(extractor: FileExtractor) -> None:
    content = message(
        {
            _FIRST + "__substg1.0_3707001F": "a.docx".encode("utf-16-le"),
            _FIRST + "__substg1.0_37010102": word_document("seventeen")[:-60],
        }
    )
    document = read(extractor, content, b"a.msg")
    assert "They are attached." in document.text
    assert str(document.unread_parts) == "1 of 1 part could not be read: a.docx (corrupt)"


def test_names_that_only_a_server_knows_are_left_out(extractor: FileExtractor) -> None:
    content = message(
        {
            "__substg1.0_0C1A001F": "Ada".encode("utf-16-le"),
            "__substg1.0_0C1F001F": "/o=Marsh/ou=First/cn=Recipients/cn=ada77".encode("utf-16-le"),
        }
    )
    text = read(extractor, content, b"a.msg").text
    assert "Ada" in text
    assert "ada77" not in text


def test_texts_are_in_the_charset_of_the_system_of_who_wrote_them(extractor: FileExtractor) -> None:
    language, sent = struct.pack("<Q", 1041), struct.pack("<Q", 50220)
    streams = {
        "__properties_version1.0": listed(32, {0x3FF10003: language, 0x3FDE0003: sent}),
        "__substg1.0_0037001E": "青鷺の数".encode("cp932"),
        "__substg1.0_10130102": "<html><p>十七羽</p></html>".encode("iso2022_jp"),
        _FIRST + "__substg1.0_3707001E": "湿地.txt".encode("cp932"),
        _FIRST + "__substg1.0_37010102": b"marsh",
    }
    document = read(extractor, compound_file(streams), b"a.msg")
    assert document.title == "青鷺の数"
    assert "十七羽" in document.text
    assert "Attachment: 湿地.txt" in document.text


@pytest.mark.parametrize(("written", "charset"), [("Счёт за май оплачен", "cp1251"), ("Größe für März", "cp1252")])
def test_what_texts_look_like_decides_between_stated_charsets(
    extractor: FileExtractor, written: str, charset: str
) -> None:
    english, sent = struct.pack("<Q", 1033), struct.pack("<Q", 1251)
    streams = {
        "__properties_version1.0": listed(32, {0x3FF10003: english, 0x3FDE0003: sent}),
        "__substg1.0_0037001E": written.encode(charset),
    }
    assert read(extractor, compound_file(streams), b"a.msg").title == written


def test_the_people_and_the_day_of_a_message_of_outlook_are_read(extractor: FileExtractor) -> None:
    def person(name: str, address: str, role: int) -> dict[str, bytes]:
        folder = f"__recip_version1.0_#0000000{role}/"
        return {
            folder + "__properties_version1.0": listed(8, {0x0C150003: struct.pack("<Q", role)}),
            folder + "__substg1.0_3001001F": name.encode("utf-16-le"),
            folder + "__substg1.0_39FE001F": address.encode("utf-16-le"),
        }

    sent = struct.pack("<Q", 129_736_843_210_000_000)
    content = message(
        {
            "__properties_version1.0": listed(32, {0x00390040: sent}),
            "__substg1.0_0042001F": "Ada".encode("utf-16-le"),
            "__substg1.0_5D02001F": "ada@example.org".encode("utf-16-le"),
            "__substg1.0_0C1A001F": "her office".encode("utf-16-le"),
            **person("Bo", "bo@example.org", 1),
            **person("Cyd", "cyd@example.org", 2),
        }
    )
    document = read(extractor, content, b"a.msg")
    lines = document.text.splitlines()
    assert lines[:6] == [
        "Subject: the herons",
        "From: Ada <ada@example.org>",
        "Sender: her office",
        "To: Bo <bo@example.org>",
        "Cc: Cyd <cyd@example.org>",
        "Date: Tue, 14 Feb 2012 09:12:01 +0000 (2012-02-14)",
    ]
    assert document.author == "Ada <ada@example.org>"


def test_appointments_and_contacts_of_outlook_are_read(extractor: FileExtractor) -> None:
    appointments = bytes.fromhex("0220060000000000c000000000000046")
    public = struct.pack("<I", 16) + "Keywords".encode("utf-16-le")
    names = [(0x8208, 3 << 1, 0), (0x820D, 3 << 1, 1), (0x8215, 3 << 1, 2), (0, 2 << 1 | 1, 3)]
    # Midnight of the twelfth of June in Berlin.
    start = struct.pack("<Q", 133_626_168_000_000_000)
    content = message(
        {
            "__properties_version1.0": listed(32, {0x80010040: start, 0x8002000B: struct.pack("<Q", 1)}),
            "__nameid_version1.0/__substg1.0_00020102": appointments,
            "__nameid_version1.0/__substg1.0_00030102": b"".join(struct.pack("<IHH", *name) for name in names),
            "__nameid_version1.0/__substg1.0_00040102": public,
            "__substg1.0_8000001F": "at the marsh".encode("utf-16-le"),
            "__substg1.0_8003101F-00000000": "birds".encode("utf-16-le"),
            "__substg1.0_001A001F": "IPM.Contact".encode("utf-16-le"),
            "__substg1.0_3A1C001F": "+49 170 555".encode("utf-16-le"),
        }
    )
    text = read(extractor, content, b"a.msg").text
    fields = ("Start: 2024-06-12\n", "Location: at the marsh", "Keywords: birds", "Phone: +49 170 555")
    assert all(field in text for field in fields)


def test_a_signed_message_of_outlook_is_read_as_a_message(extractor: FileExtractor) -> None:
    signed = (
        b'Content-Type: multipart/signed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nThey are attached.\n--b\n'
        b"Content-Type: text/plain; name=count.txt\n"
        b"Content-Transfer-Encoding: base64\n\nc2V2ZW50ZWVuIG9mIHRoZW0=\n--b\n"
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\n\nAAAA\n--b--\n"
    )
    content = message(
        {
            _FIRST + "__substg1.0_3707001F": "smime.p7m".encode("utf-16-le"),
            _FIRST + "__substg1.0_370E001F": "multipart/signed".encode("utf-16-le"),
            _FIRST + "__substg1.0_37010102": signed,
        }
    )
    text = read(extractor, content, b"a.msg").text
    assert "seventeen of them" in text
    assert "Content-Type" not in text
    assert text.count("They are attached.") == 1


def test_a_message_whose_container_is_damaged_is_read_as_far_as_it_goes(extractor: FileExtractor) -> None:
    content = bytearray(message({}))
    struct.pack_into("<I", content, 56, 0x2000)
    text = read(extractor, bytes(content), b"a.msg").text
    assert "Subject: the herons" in text
    assert "They are attached." in text
