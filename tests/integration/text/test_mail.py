"""Mail is read as a person sees it: who wrote what about what, with the attached files."""

from __future__ import annotations

import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract import FileExtractor
from tests.plugins.pdf import pdf_file


def read(extractor: FileExtractor, content: bytes, name: bytes = b"a.eml") -> Document:
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document), outcome
    return outcome


def message(subject: str = "Minutes", text: str = "We met.", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["From"] = "Jürgen Groß <juergen@example.org>"
    mail["To"] = "anna@example.org"
    mail["Date"] = "Mon, 05 Feb 2024 10:00:00 +0000"
    for name, value in headers.items():
        mail[name] = value
    mail.set_content(text)
    return mail


def test_a_message_has_its_people_its_date_and_its_text(extractor: FileExtractor) -> None:
    document = read(extractor, message("Rückfrage zur Terrasse", "Viele Grüße\n").as_bytes())
    assert document.title == "Rückfrage zur Terrasse"
    assert "Groß" in (document.author or "")
    for words in (
        "Subject: Rückfrage zur Terrasse",
        "juergen@example.org",
        "anna@example.org",
        "2024-02-05",
        "Viele Grüße",
    ):
        assert words in document.text


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_every_transfer_encoding_is_decoded(extractor: FileExtractor, encoding: str) -> None:
    mail = EmailMessage()
    mail["Subject"] = "x"
    text = "The beekeeping workshop" if encoding == "7bit" else "Der Imkerkurs für Anfänger"
    mail.set_content(text, cte=encoding)
    assert text in read(extractor, mail.as_bytes()).text


def test_of_two_forms_of_a_text_one_is_read(extractor: FileExtractor) -> None:
    mail = message(text="the plain harpsichord")
    mail.add_alternative("<p>the <b>formatted</b> harpsichord</p>", subtype="html")
    assert read(extractor, mail.as_bytes()).text.count("harpsichord") == 1
    only_html = EmailMessage()
    only_html["Subject"] = "x"
    only_html.set_content("<p>caf\u00e9 <b>cre</b>ma</p>", subtype="html", charset="iso-8859-1")
    assert "café crema" in read(extractor, only_html.as_bytes()).text


def test_attached_files_are_read_and_named(extractor: FileExtractor) -> None:
    mail = message()
    mail.add_attachment(
        "The trampoline arrives.".encode("utf-16"), maintype="text", subtype="plain", filename="note.txt"
    )
    mail.add_attachment(pdf_file("quarterly figures"), maintype="application", subtype="pdf", filename="Q1.pdf")
    mail.add_attachment(b"\xff\xd8\xff\xe0 no picture", maintype="image", subtype="jpeg", filename="holiday.jpg")
    mail.add_attachment(b"PK\x03\x04 damaged", maintype="application", subtype="zip", filename="broken.docx")
    inner = message("Inner subject", "the inner bassoon")
    inner.add_attachment("deep clavichord", filename="deep.md", subtype="markdown")
    mail.add_attachment(inner)
    document = read(extractor, mail.as_bytes())
    for words in (
        "note.txt",
        "trampoline",
        "Q1.pdf",
        "quarterly figures",
        "holiday.jpg",
        "broken.docx",
        "Inner subject",
        "bassoon",
        "deep.md",
        "clavichord",
    ):
        assert words in document.text


def test_a_mailbox_has_its_messages_as_pages(extractor: FileExtractor, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "archive.mbox")
    for number in range(3):
        box.add(message(f"Subject {number}", f"From here on {number}\nFrom there.\n"))
    box.close()
    content = (tmp_path / "archive.mbox").read_bytes()
    for name in (b"archive.mbox", b"Inbox"):
        document = read(extractor, content, name)
        pages = [
            document.text[start:end]
            for start, end in zip(document.page_starts, [*document.page_starts[1:], None], strict=True)
        ]
        assert len(pages) == 3
        for number, page in enumerate(pages):
            assert f"Subject {number}" in page
            assert f"From here on {number}" in page


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: =?utf-8?b?////?= x\nFrom: <<>>\nDate: none\nContent-Type: text/plain; charset=nonsense\n\ncrocodile",
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\ncrocodile\n",
        b"Subject: x\nContent-Type: multipart/mixed\n\ncrocodile",
        b"Subject: x\nContent-Transfer-Encoding: base64\n\nY3JvY29kaWxl!!",
        b'Subject: x\nContent-Type: text/plain; charset="\xff"\n\ncrocodile',
        b"Subject: crocodile\nContent-Disposition: attachment; filename*=utf-8''%ff%zz\n\nx",
    ],
)
def test_malformed_messages_are_read_as_far_as_they_go(extractor: FileExtractor, content: bytes) -> None:
    assert "crocodile" in read(extractor, content).text


def test_messages_in_messages_end(extractor: FileExtractor) -> None:
    content = b"Subject: x\nContent-Type: message/rfc822\n\n" * 200 + b"Subject: inner\n\nend"
    assert "Subject: x" in read(extractor, content).text
