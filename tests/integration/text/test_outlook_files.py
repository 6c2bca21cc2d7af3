"""Messages of Outlook are read with what is attached to them."""

from __future__ import annotations

import struct

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


def test_a_message_whose_container_is_damaged_is_read_as_far_as_it_goes(extractor: FileExtractor) -> None:
    content = bytearray(message({}))
    struct.pack_into("<I", content, 56, 0x2000)
    text = read(extractor, bytes(content), b"a.msg").text
    assert "Subject: the herons" in text
    assert "They are attached." in text
