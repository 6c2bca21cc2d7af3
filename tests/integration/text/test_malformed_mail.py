"""Mail is read as programs have written it in 30 years, and not only as the standards ask for."""

from __future__ import annotations

import base64
import binascii

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read

_HEAD = b"From: ada@example.org\nTo: bo@example.org\nSubject: herons\nDate: Tue, 14 Feb 2012 09:12:01 +0100\n"
_BOUNDARY = b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n'


def uuencoded(content: bytes, name: str) -> bytes:
    lines = (binascii.b2a_uu(content[place : place + 45]) for place in range(0, len(content), 45))
    return b"begin 644 %s\n%s`\nend\n" % (name.encode(), b"".join(lines))


def test_an_attached_message_may_be_encoded(extractor: FileExtractor) -> None:
    inner = base64.encodebytes(b"Subject: egrets\n\nseventeen of them\n")
    part = b'Content-Type: message/rfc822; name="birds.eml"\nContent-Transfer-Encoding: base64\n\n'
    text = read(extractor, _HEAD + _BOUNDARY + part + inner + b"--b--\n", b"a.eml").text
    assert all(words in text for words in ("birds.eml", "Subject: egrets", "seventeen of them"))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_files_in_the_text_of_old_messages_are_read(extractor: FileExtractor, line_end: bytes) -> None:
    body = (
        b"\nSee below.\n\n"
        + uuencoded(b"the first count of the herons\n" * 5, "first count.txt")
        + uuencoded(b"\0\x01\x02" * 50, "a.bin")
        + b"Yours, Ada\n"
    )
    document = read(extractor, (_HEAD + body).replace(b"\n", line_end), b"a.eml")
    words = ("See below.", "Yours, Ada", "Attachment: first count.txt", "the first count of the herons", "a.bin")
    assert all(word in document.text for word in words)
    assert "begin 644" not in document.text
    assert document.encoded_characters == 0


def yenc(content: bytes, name: str) -> bytes:
    """A file as news servers have it: each byte a sign of its own, some behind a sign for an escape."""
    shifted = ((byte + 42) % 256 for byte in content)
    signs = [bytes([61, (byte + 64) % 256]) if byte in b"\0\n\r=" else bytes([byte]) for byte in shifted]
    lines = b"\r\n".join(b"".join(signs[place : place + 128]) for place in range(0, len(signs), 128))
    size = len(content)
    return b"=ybegin line=128 size=%d name=%s\r\n%s\r\n=yend size=%d\r\n" % (size, name.encode(), lines, size)


def test_files_of_news_are_read(extractor: FileExtractor) -> None:
    noise = bytes(range(256)) * 20
    body = (
        b"\nSee below.\n\n"
        + yenc(b"the second count of the herons\n" * 9, "count.txt")
        + yenc(noise, "a.bin")
        + b"Ada\n"
    )
    text = read(extractor, _HEAD + body, b"a.eml").text
    assert all(
        words in text for words in ("See below.", "Attachment: count.txt", "count of the herons", "a.bin", "Ada")
    )
    assert "ybegin" not in text
    assert text.isascii()


def test_a_text_that_only_looks_like_a_file_stays(extractor: FileExtractor) -> None:
    text = read(extractor, _HEAD + b"\nbegin 644 work\nand then go on until the\nend\n", b"a.eml").text
    assert "begin 644 work\nand then go on" in text


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        (b"filename=Count of May.txt", "Count of May.txt"),
        (b"filename==?utf-8?Q?Gr=C3=B6=C3=9Fe.txt?=", "Größe.txt"),
        (b'filename="Gr\xf6\xdfe.txt"', "Größe.txt"),
        (b"filename*0*=iso-8859-1''Gr%F6; filename*1*=%DFe.txt", "Größe.txt"),
        (b"filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt; filename=\"Groesse.txt\"", "Größe.txt"),
    ],
)
def test_names_of_attached_files_are_read_however_they_are_stated(
    extractor: FileExtractor, stated: bytes, shown: str
) -> None:
    part = b"Content-Type: application/octet-stream\nContent-Disposition: attachment; " + stated + b"\n\nx\n--b--\n"
    assert f"Attachment: {shown}\n" in read(extractor, _HEAD + _BOUNDARY + part, b"a.eml").text


def test_names_behind_addresses_are_read(extractor: FileExtractor) -> None:
    content = b'From: ada@example.org (Ada Heron)\nTo: "Bo" <bo@example.org>, <cyd@example.org>\nSubject: x\n\nx\n'
    document = read(extractor, content, b"a.eml")
    assert document.author == "ada@example.org (Ada Heron)"
    assert "To: Bo <bo@example.org>, cyd@example.org\n" in document.text


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: text/plain" + b"; a=b" * 50_000,
        b"Reply-To: " + b'"\\"' * 50_000 + b" =?",
        b"Reply-To: " + b"a:b," * 50_000 + b" =?",
        b"Cc: " + b"=?utf-8?Q?=C3=84da?= <ada@example.org>,\n " * 50_000,
        b"Content-Disposition: inline" + b"; filename*0*=%C3" * 50_000,
    ],
)
def test_endless_headers_do_not_keep_a_message_from_being_read(extractor: FileExtractor, header: bytes) -> None:
    document = read(extractor, _HEAD + header + b"\n\nseventeen of them\n", b"a.eml")
    assert "seventeen of them" in document.text
    assert document.unread_parts is None


def test_lines_that_look_like_a_file_without_an_end_keep_no_message_from_being_read(extractor: FileExtractor) -> None:
    body = b"\nbegin 644 a\n" + b"M    \n" * 5000 + b"\nend of the herons\n"
    assert "end of the herons" in read(extractor, _HEAD + body, b"a.eml").text


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\n", b">From ada@example.org Tue Feb 14 09:12:01 2012\n"])
def test_what_stands_before_a_message_is_no_part_of_it(extractor: FileExtractor, before: bytes) -> None:
    document = read(extractor, before + _HEAD + b"\nseventeen of them\n", b"a.eml")
    assert document.title == "herons"
    assert document.text.startswith("Subject: herons\nFrom: ada@example.org")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        (b"Sat, 1 Jan 100 09:12:01 +0100", "(2000-01-01)"),
        (b"Fri, 31 Dec 99 09:12:01 PST", "(1999-12-31)"),
        (b"Tue Feb 14 09:12:01 2012", "(2012-02-14)"),
    ],
)
def test_the_day_of_a_message_is_read_as_old_programs_wrote_it(
    extractor: FileExtractor, written: bytes, day: str
) -> None:
    assert day in read(extractor, b"Subject: x\nDate: " + written + b"\n\nx\n", b"a.eml").text


def test_what_a_list_writes_below_a_text_in_base64_keeps_it_from_nothing(extractor: FileExtractor) -> None:
    head = _HEAD + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    encoded = base64.b64encode(b"die Pfingstrosenallee").rstrip(b"=")
    text = read(extractor, head + encoded + "\n\n-- \nListe der Schützen\n".encode(), b"a.eml").text
    assert "die Pfingstrosenallee" in text
    assert "Liste der Schützen" in text


@pytest.mark.parametrize("name", [b"a.eml", b"a.txt"])
@pytest.mark.parametrize(
    "header",
    [
        b'Content-Type: multipart/alternative; boundary="b"\n',
        b'Content-Type: multipart/mixed; boundary="b"\nContent-Transfer-Encoding: base64\n',
        b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n",
        b"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n",
    ],
    ids=["parts", "encoded parts", "encoded", "charset"],
)
def test_a_text_that_was_copied_with_its_headers_is_read_whatever_these_say(
    extractor: FileExtractor, header: bytes, name: bytes
) -> None:
    body = "Thirty bitterns\nand Kraniche über Zürich this week\n"
    content = _HEAD + b"Message-ID: <1@example.org>\nMIME-Version: 1.0\n" + header + b"\n" + body.encode()
    text = read(extractor, content, name).text
    assert "Subject: herons" in text
    assert body.strip() in text


@pytest.mark.parametrize("name", [b"a.txt", b"a.mbox"])
def test_mail_behind_a_byte_order_mark_is_mail(extractor: FileExtractor, name: bytes) -> None:
    separator = b"From ann@example.org Mon Jan  1 10:00:00 2024\n" if name == b"a.mbox" else b""
    encoded = b"MIME-Version: 1.0\nContent-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n\n"
    content = b"\xef\xbb\xbf" + separator + _HEAD + encoded + base64.b64encode("über Zürich".encode()) + b"\n"
    assert "über Zürich" in read(extractor, content, name).text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"=?x-unknown?Q?Gr=FC=DFe?= aus =?UTF-8?B?V2llbg==?=", "Grüße aus Wien"),
        (b"=?us-ascii?Q?Sch=F6ne_Gr=FC=DFe?=", "Schöne Grüße"),
        (b"=?utf-8?Q?Gr=FC=DFe_aus_Wien?=", "Grüße aus Wien"),
        (b"=?unknown-8bit?B?8NLJ18XUINfTxc0=?=", "Привет всем"),
        (b"=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=", "Grüße"),
        (b"=?us-ascii?Q?Caf=E9?=", "Café"),
        (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3?= =?utf-8?Q?_und_=C3=96rebro?=", "Grüße aus K\ufffd und Örebro"),
    ],
)
def test_a_subject_in_another_charset_than_it_states_is_read(
    extractor: FileExtractor, written: bytes, shown: str
) -> None:
    name = b'Content-Type: image/png; name="' + written + b'.png"'
    document = read(extractor, b"Subject: " + written + b"\n" + _BOUNDARY + name + b"\n\n?\n--b--\n", b"a.eml")
    assert (document.title, f"Attachment: {shown}" in document.text) == (shown, True)


def test_a_subject_that_is_cut_in_a_character_keeps_its_charset(extractor: FileExtractor) -> None:
    content = b"From: ann@example.org\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3?=\n\nsee below\n"
    assert str(read(extractor, content, b"a.eml").title).startswith("Grüße aus K")
