"""Mail is read as a person sees it: who wrote what about what, with the attached files."""

from __future__ import annotations

import base64
import io
import mailbox
import re
import tarfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
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


@pytest.mark.parametrize("encoding", ["b", "q"])
def test_a_name_that_is_cut_inside_of_letters_is_read(extractor: FileExtractor, encoding: str) -> None:
    name = "設備予約システムのお知らせ".encode()
    cuts = (name[:10], name[10:23], name[23:])
    words = (
        base64.b64encode(cut).decode() if encoding == "b" else "".join(f"={byte:02X}" for byte in cut) for cut in cuts
    )
    lines = "\r\n ".join(f"=?UTF-8?{encoding}?{word}?=" for word in words)
    content = f"Subject: {lines}\r\nFrom: {lines} <a@example.org>\r\n\r\ntext".encode()
    document = read(extractor, content)
    assert document.title == "設備予約システムのお知らせ"
    assert document.author == "設備予約システムのお知らせ <a@example.org>"


def test_a_message_that_was_forwarded_six_times_is_read(extractor: FileExtractor) -> None:
    mail = message("Recipe", "plain")
    mail.add_alternative("<p>Rhubarb compote<img src='cid:a'></p>", subtype="html")
    [_, page] = mail.iter_parts()
    page.add_related(b"GIF89a", "image", "gif", cid="<a>")
    for time in range(6):
        forwarded = message("Fwd: Recipe", f"forward {time}")
        forwarded.add_attachment(mail)
        mail = forwarded
    text = read(extractor, mail.as_bytes()).text
    assert text.index("forward 5") < text.index("forward 0") < text.index("Rhubarb compote")


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_every_transfer_encoding_is_decoded(extractor: FileExtractor, encoding: str) -> None:
    mail = EmailMessage()
    mail["Subject"] = "x"
    text = "The beekeeping workshop" if encoding == "7bit" else "Der Imkerkurs für Anfänger"
    mail.set_content(text, cte=encoding)
    assert text in read(extractor, mail.as_bytes()).text


def test_of_two_forms_of_a_text_one_is_read(extractor: FileExtractor) -> None:
    mail = message(text="the plain harpsichord")
    mail.add_alternative("<p>the <b>plain</b> harpsichord</p>", subtype="html")
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
        b'Subject: x\nContent-Type: text/plain; charset="a\0b"\n\ncrocodile',
        b"Subject: crocodile\nContent-Disposition: attachment; filename*=utf-8''%ff%zz\n\nx",
    ],
)
def test_malformed_messages_are_read_as_far_as_they_go(extractor: FileExtractor, content: bytes) -> None:
    assert "crocodile" in read(extractor, content).text


def test_messages_in_messages_end(extractor: FileExtractor) -> None:
    content = b"Subject: x\nContent-Type: message/rfc822\n\n" * 200 + b"Subject: inner\n\nend"
    assert "Subject: x" in read(extractor, content).text


def test_what_only_one_form_of_a_text_has_is_read(extractor: FileExtractor) -> None:
    mail = message(text="Your program does not show HTML.")
    mail.add_alternative("<p>The orangutan sanctuary opens.</p><p>does not show HTML</p>", subtype="html")
    invitation = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Air\r\n port\r\nLOCATION:Room Zugspitze\r\nEND:VEVENT\r\n"
    mail.add_alternative(invitation, subtype="calendar")
    text = read(extractor, mail.as_bytes()).text
    for words in ("Your program", "orangutan sanctuary", "Airport", "Zugspitze"):
        assert text.count(words) == 1


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "cp1251"])
def test_headers_may_have_letters_in_no_stated_charset(extractor: FileExtractor, charset: str) -> None:
    subject = "Накладная на поставку самоваров" if charset == "cp1251" else "Müllgebühren für Köln"
    content = f"From: a@b\nTo: c@d\nSubject: {subject}\n\nbody\n".encode(charset)
    assert f"Subject: {subject}" in read(extractor, content).text


def test_a_message_of_apple_mail_ends_where_it_says(extractor: FileExtractor) -> None:
    content = message(text="chanterelles").as_bytes()
    text = read(extractor, b"%d      \n" % len(content) + content + b"<?xml version='1.0'?><plist/>", b"1.emlx").text
    assert "chanterelles" in text
    assert "Minutes" in text
    assert "plist" not in text


@pytest.mark.parametrize(
    ("charset", "text"), [("koi8-r", "Кот"), ("windows-1252", "Größe;Äpfel"), ("iso-8859-1", "Größe"), ("utf-16", "Öl")]
)
def test_attached_texts_are_in_their_charset(extractor: FileExtractor, charset: str, text: str) -> None:
    mail = message()
    mail.add_attachment(
        text.encode(charset), maintype="text", subtype="csv", filename="a.csv", params={"charset": charset}
    )
    assert text in read(extractor, mail.as_bytes()).text


def test_utf_8_that_is_declared_as_something_else_is_read(extractor: FileExtractor) -> None:
    mail = message()
    mail.add_attachment(
        "Größe".encode(), maintype="text", subtype="csv", filename="a", params={"charset": "iso-8859-1"}
    )
    assert "Größe" in read(extractor, mail.as_bytes()).text


def test_names_in_attached_archives_and_of_inline_texts_are_read(extractor: FileExtractor) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("src/pelican.c"))
    mail = message()
    mail.add_attachment(archive.getvalue(), maintype="application", subtype="gzip", filename="code.tar.gz")
    mail.add_attachment("windlass", filename="manifest.txt", disposition="inline")
    text = read(extractor, mail.as_bytes()).text
    for words in ("code.tar.gz", "src/pelican.c", "manifest.txt", "windlass"):
        assert words in text


@pytest.mark.parametrize(
    ("charset", "codec", "words"),
    [
        ("gb2312", "gbk", "关于朱镕基讲话的通知"),
        ("ks_c_5601-1987", "cp949", "똠방각하 견적서"),
        ("iso-8859-8-i", "iso-8859-8", "הצעת מחיר לשיפוץ"),
        ("iso-8859-1", "cp1252", "Œuvre à 45 €"),
        ("shift_jis", "cp932", "①株式会社髙島屋"),
    ],
)
def test_a_charset_means_what_programs_write_under_its_name(
    extractor: FileExtractor, charset: str, codec: str, words: str
) -> None:
    encoded = base64.b64encode(words.encode(codec)).decode()
    content = (
        f"From: =?{charset}?B?{encoded}?= <a@example.org>\nSubject: =?{charset}?B?{encoded}?=\nMIME-Version: 1.0\n"
        f"Content-Type: text/html; charset={charset}\nContent-Transfer-Encoding: base64\n\n"
        f"{base64.b64encode(f'<p>{words}</p>'.encode(codec)).decode()}\n"
    )
    assert read(extractor, content.encode()).text.count(words) == 3
    plain = content.replace("text/html", "text/plain")
    assert read(extractor, plain.encode()).text.count(words) == 3


def test_the_labels_of_a_message_are_read(extractor: FileExtractor) -> None:
    labels = {"X-Gmail-Labels": "=?UTF-8?Q?Wohnungssuche,Ge=C3=B6ffnet?=", "X-Mozilla-Keys": "receipts"}
    text = read(extractor, message(**labels).as_bytes()).text
    assert "Wohnungssuche,Geöffnet" in text
    assert "receipts" in text


FLOWED = (
    b"Subject: x\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=%b\n\n"
    b"A sea \nhorse and a star \n fish.\n> quoted \n> words\n>> deeper\n-- \nAda\n"
)


def test_what_a_server_says_of_an_undelivered_message_is_read(extractor: FileExtractor) -> None:
    report = (
        b"Subject: Undelivered\nFrom: daemon@example.org\nDate: Mon, 05 Feb 2024 10:00:00 +0000\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=R\n\n--R\n\nSorry.\n--R\n"
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\n"
        b"Final-Recipient: rfc822; gull@kelp.example\nDiagnostic-Code: smtp; 550 mailbox full of marbles\n\n--R--\n"
    )
    text = read(extractor, report).text
    assert "gull@kelp.example" in text
    assert "mailbox full of marbles" in text


@pytest.mark.parametrize(
    ("kind", "report"),
    [
        ("message/delivery-status", b"\n<gull@kelp.example> takes no pictures\n\nWrite to the postmaster.\n"),
        ("message/global-delivery-status", b"Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; gull@kelp.example\n"),
        ("message/disposition-notification", b"Final-Recipient: rfc822; gull@kelp.example\nDisposition: x; read\n"),
        ("message/feedback-report", b"Feedback-Type: abuse\nRemoval-Recipient: gull@kelp.example\n"),
        ("message/global", b"From: gull@kelp.example\nSubject: on kelp\n\nWrite to the postmaster.\n"),
    ],
)
def test_what_programs_say_of_a_message_is_read(extractor: FileExtractor, kind: str, report: bytes) -> None:
    content = b"Subject: Report\nMIME-Version: 1.0\nContent-Type: multipart/report; boundary=R\n\n--R\n\nSorry.\n--R\n"
    text = read(extractor, content + b"Content-Type: " + kind.encode() + b"\n\n" + report + b"\n--R--\n").text
    assert "gull@kelp.example" in text
    assert "postmaster" in text or b"postmaster" not in report


def test_the_lines_of_a_flowed_text_are_put_together(extractor: FileExtractor) -> None:
    text = read(extractor, FLOWED % b"no").text
    assert "A sea horse and a star fish.\n> quoted words\n>> deeper\n-- \nAda" in text
    text = read(extractor, FLOWED % b"yes").text
    assert "A seahorse and a starfish.\n> quotedwords\n>> deeper\n-- \nAda" in text


def test_a_blank_line_ends_a_paragraph_of_a_flowed_text(extractor: FileExtractor) -> None:
    content = b"Subject: x\nContent-Type: text/plain; format=flowed\n\nPara \none \n \nPara two \n\nPara three\n"
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", read(extractor, content).text)]
    assert paragraphs[-3:] == ["Para one", "Para two", "Para three"]


def test_blank_lines_before_a_message_are_left_out(extractor: FileExtractor) -> None:
    assert read(extractor, b"\r\n\n" + message("Rückfrage").as_bytes()).title == "Rückfrage"


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1251"])
def test_a_page_in_a_message_that_does_not_state_its_charset(extractor: FileExtractor, charset: str) -> None:
    words = (
        "Немного о погоде на завтра" if charset == "windows-1251" else "Più soleggiato nel settore, già lunedì mattina"
    )
    head = b"From: ada@example.org\nSubject: news\nDate: Mon, 05 Feb 2024 10:00:00 +0000\nMIME-Version: 1.0\n"
    head += b"Content-Type: text/html\nContent-Transfer-Encoding: 8bit\n\n"
    content = head + f"<html><body><p>{words}</p></body></html>".encode(charset)
    assert words in read(extractor, content, b"a.eml").text


def test_a_saved_page_is_read_without_its_styles_and_scripts(extractor: FileExtractor) -> None:
    parts = [
        ("text/html", "<link href='cid:1'><p>seventeen herons</p>"),
        ("text/css", ".heading { color: red }"),
        ("application/javascript", "var counter = 1;"),
        ('text/css; name="attached.css"', ".footer { color: blue }"),
    ]
    body = "".join(f"--b\nContent-Type: {kind}\nContent-Location: x\n\n{text}\n" for kind, text in parts)
    head = "From: <Saved by Blink>\nSubject: Birds\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n"
    text = read(extractor, f"{head}{body}--b--\n".encode(), b"a.mht").text
    assert "seventeen herons" in text
    assert ".footer" in text
    assert ".heading" not in text
    assert "counter" not in text


def test_what_a_message_has_twice_is_read_once(extractor: FileExtractor) -> None:
    invitation = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Airport\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    mail = message(text="You are invited.")
    mail.add_alternative(invitation, subtype="calendar")
    mail.add_attachment(invitation.encode(), maintype="application", subtype="ics", filename="invite.ics")
    mail.add_attachment(b"seventeen herons", maintype="text", subtype="plain", filename="one.txt")
    mail.add_attachment(b"seventeen herons", maintype="text", subtype="plain", filename="two.txt")
    document = read(extractor, mail.as_bytes())
    assert document.text.count("Airport") == document.text.count("seventeen herons") == 1
    assert all(name in document.text for name in ("invite.ics", "one.txt", "two.txt"))
    assert document.unread_parts is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("enriched", "<bold>Now</bold> is\nthe time <<sic>\n\n<color><param>red</param>The heron</color> waits\n"),
        ("richtext", "<bold>Now</bold> is\nthe time <lt>sic><nl>\nThe <italic>heron</italic> waits\n"),
    ],
)
def test_enriched_text_is_read_as_a_person_sees_it(extractor: FileExtractor, kind: str, body: str) -> None:
    message = f"From: a@b.example\nSubject: birds\nMIME-Version: 1.0\nContent-Type: text/{kind}\n\n{body}".encode()
    lines = read(extractor, message, b"a.eml").text.splitlines()
    assert [line.strip() for line in lines[-2:]] == ["Now is the time <sic>", "The heron waits"]
