"""Files and messages are read inside of what signs them; what is encrypted says so."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import word_document
from tests.plugins.signed import encrypted, signature, signed, stamped

_INVOICE = b'<?xml version="1.0"?><Fattura><Causale>Consulenza tecnica</Causale></Fattura>'


@pytest.mark.parametrize(
    "content",
    [
        signed(_INVOICE),
        signed(_INVOICE * 9),
        signed(_INVOICE * 900),
        signed(_INVOICE * 9, parts=4),
        signed(_INVOICE * 9, parts=4, is_open=True),
        base64.encodebytes(signed(_INVOICE)),
        base64.encodebytes(signed(_INVOICE * 9)),
        base64.encodebytes(signed(_INVOICE * 900)),
        base64.b64encode(signed(_INVOICE, is_open=True)),
        b"-----BEGIN PKCS7-----\n" + base64.encodebytes(signed(_INVOICE)) + b"-----END PKCS7-----\n",
        stamped(_INVOICE),
    ],
)
def test_a_file_is_read_in_what_signs_it(extractor: FileExtractor, content: bytes) -> None:
    document = read(extractor, content, b"invoice.xml.p7m")
    assert document.mime_type == "application/xml"
    assert document.text.startswith('<?xml version="1.0"?><Fattura><Causale>Consulenza tecnica')
    assert document.text.rstrip().endswith("</Fattura>")


def test_a_document_is_read_in_what_signs_it(extractor: FileExtractor) -> None:
    assert read(extractor, signed(word_document("the contract")), b"a.docx.p7m").text.strip() == "the contract"


def test_a_signature_alone_and_an_encrypted_file_say_so(extractor: FileExtractor) -> None:
    reasons = [extractor.extract(content, name=b"a.p7m") for content in (signature(), encrypted())]
    assert [one.reason for one in reasons if isinstance(one, Unreadable)] == [SkipReason.NO_TEXT, SkipReason.ENCRYPTED]


@pytest.mark.parametrize("end", range(12, 90, 3))
def test_a_cut_file_ends_somehow(extractor: FileExtractor, end: int) -> None:
    outcome = extractor.extract(signed(b"heron " * 20, parts=3, is_open=True)[:end], name=b"a.p7m")
    assert not isinstance(outcome, Unreadable) or outcome.reason in {
        SkipReason.CORRUPT,
        SkipReason.NO_TEXT,
        SkipReason.BINARY,
    }


def test_an_element_that_is_endlessly_deep_ends(extractor: FileExtractor) -> None:
    content = signed(b"x").replace(b"\2\1\1", b"\x24\x80" * 300_000, 1)
    assert isinstance(extractor.extract(content, name=b"a.p7m"), Unreadable)


def _mail(part: bytes, kind: str, name: str) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["Date"] = "Signed", "ada@example.org", "Mon, 2 Mar 2020 10:00:00 +0000"
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = f'{kind}; smime-type=signed-data; name="{name}"'
    message["Content-Disposition"] = f'attachment; filename="{name}"'
    message["Content-Transfer-Encoding"] = "base64"
    message.set_payload(base64.encodebytes(part).decode())
    return message.as_bytes()


_TEXT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nthe b\xc3\xa4r contract\r\n"


@pytest.mark.parametrize("kind", ["application/pkcs7-mime", "application/x-pkcs7-mime"])
def test_a_message_that_is_signed_as_a_whole_is_read(extractor: FileExtractor, kind: str) -> None:
    document = read(extractor, _mail(signed(_TEXT, parts=2, is_open=True), kind, "smime.p7m"), b"a.eml")
    assert "the bär contract" in document.text
    assert document.unread_parts is None


def test_its_part_alone_is_read_too(extractor: FileExtractor) -> None:
    assert read(extractor, signed(_TEXT), b"smime.p7m").text.strip() == "the bär contract"


def test_a_signed_file_that_is_attached_is_read(extractor: FileExtractor) -> None:
    content = _mail(signed(word_document("the contract")), "application/pkcs7-mime", "a.docx.p7m")
    assert "the contract" in read(extractor, content, b"a.eml").text


@pytest.mark.parametrize(("part", "reason"), [(encrypted(), "encrypted"), (b"\x30\x80\x06", "corrupt")])
def test_a_message_that_is_encrypted_or_damaged_says_so(extractor: FileExtractor, part: bytes, reason: str) -> None:
    document = read(extractor, _mail(part, "application/pkcs7-mime", "smime.p7m"), b"a.eml")
    assert str(document.unread_parts) == f"1 of 1 part could not be read: smime.p7m ({reason})"
