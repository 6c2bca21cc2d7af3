"""A file's type comes from its first bytes, and from its name where they do not decide."""

from __future__ import annotations

import pytest

from magicfs.text.extract.detect import detect
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.file_types import FileType, Route
from magicfs.text.extract.options import Limits

_PGP = (Route.ENCRYPTED, "application/pgp-encrypted")
_TEXT = (Route.DECODE, "text/plain")
_WEB_PAGE = (
    b'MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\nContent-Type: multipart/related; boundary="B"\r\n\r\n--B\r\n'
)
"""How programs begin a web page in one file that they name as a document."""
_CPIO = b"\xc7\x71" + bytes(4)
"""How a binary archive of cpio begins, before the mode of its first member."""


@pytest.mark.parametrize(
    ("content", "name", "route", "mime_type"),
    [
        (b"hello", b"notes.txt", Route.DECODE, "text/plain"),
        (b"hello", b"notes", Route.DECODE, "text/plain"),
        (b"# Title", b"README.md", Route.DECODE, "text/markdown"),
        (b"class A {}", b"A.JAVA", Route.DECODE, "text/x-java"),
        (b"all:\n\tcc", b"Makefile", Route.DECODE, "text/x-makefile"),
        (b"#!/usr/bin/env python3\nprint()", b"tool", Route.DECODE, "text/x-python"),
        (b"x = 1", b".bashrc", Route.DECODE, "text/plain"),
        (b"key: 1", b"a.yaml", Route.DECODE, "application/yaml"),
        (b"<?xml version='1.0'?><a/>", b"pom.xml", Route.DECODE, "application/xml"),
        (b"<?xml version='1.0'?><html xmlns='x'>", b"page", Route.MARKUP, "text/html"),
        (b"<?xml version='1.0'?><!DOCTYPE TS><TS>", b"app_de.ts", Route.DECODE, "application/xml"),
        (b'<!DOCTYPE TS>\n<TS version="2.1">', b"app_de.ts", Route.DECODE, "application/xml"),
        (b"<T>(x: T) => x", b"a.ts", Route.DECODE, "text/x-typescript"),
        (b'<map version="1.0.1">\n<node TEXT="a"/>', b"plan.mm", Route.DECODE, "application/xml"),
        (b'<graph id="a" pages="2"><node>', b"plan.graph", Route.DECODE, "application/xml"),
        (b"<mxGraphModel><root>", b"plan.drawio", Route.PARSE, "application/vnd.jgraph.mxfile"),
        (b'<a b="c"> begins a note', b"a.txt", Route.DECODE, "text/plain"),
        (b"<!DOCTYPE HTML>\n<p>", b"page", Route.MARKUP, "text/html"),
        (b"<p>", b"page.HTM", Route.MARKUP, "text/html"),
        (b"<!-- made --><svg xmlns='x'>", b"logo", Route.MARKUP, "image/svg+xml"),
        (b"{}", b"a.ipynb", Route.MARKUP, "application/x-ipynb+json"),
        (b"age-encryption.org/v1\n-> X25519 a", b"will.txt.age", Route.ENCRYPTED, "application/age-encryption"),
        (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x01\0\4\0", b"mine.kdbx", Route.ENCRYPTED, "application/x-keepass2"),
        (bytes.fromhex("8c0d04090302bc29d81c3f11e89affd24a01"), b"a.gpg", *_PGP),
        (bytes.fromhex("845e03d373bbfe24117610120107408c48d3"), b"a.gpg", *_PGP),
        (bytes.fromhex("85010c03d373bbfe241176100107ff4e48d3"), b"a", *_PGP),
        (b"-----BEGIN PGP MESSAGE-----\nVersion: 2\n\njA0ECQMCvCnYHD8R6Jr/0koBWnrUx6Zad3eJBgnOSnQ=\n", b"a.asc", *_PGP),
        (b"-----BEGIN PGP MESSAGE-----\n\nowEBYgGd/pANAwAKAR267JSBIvSnAawbYgV0LnR4dGtLS0s=", b"a.asc", *_TEXT),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nthe plan\n", b"a.asc", *_TEXT),
        ("„To whom it may concern“, said the letter".encode("cp1252"), b"a.txt", *_TEXT),
        # A member in a binary archive of cpio, then what has no kind of a file, or no end of a name.
        (_CPIO + b"\xa4\x81" + bytes(12) + b"\2\0" + bytes(4) + b"a\0", b"a", Route.ARCHIVE, "application/x-cpio"),
        (_CPIO + bytes(14) + b"\2\0" + bytes(4) + b"a\0", b"a", *_TEXT),
        (_CPIO + b"\xa4\x81" + bytes(12) + b"\3\0" + bytes(4) + b"a\0", b"a", *_TEXT),
        (("燇" + "字" * 20).encode("utf-16-le"), b"a", *_TEXT),
        (b"%PDF-1.7 ...", b"report.txt", Route.PARSE, "application/pdf"),
        (b"\n\n%PDF-1.7\n1 0 obj\n", b"report", Route.PARSE, "application/pdf"),
        (b"A PDF begins with `%PDF-1.7`.", b"formats.txt", *_TEXT),
        (
            b'HEADER = b"%PDF-"\nis_pdf = HEADER in head and b" obj" in content\n',
            b"detect.py",
            Route.DECODE,
            "text/x-python",
        ),
        (b"PK\x03\x04....", b"slides.ppt", Route.PARSE, "application/zip"),
        (b"{\\rtf1 x}", b"old.doc", Route.PARSE, "application/rtf"),
        (b"Subject: x\n", b"a.eml", Route.PARSE, "message/rfc822"),
        (b"Received: x\nFrom: a\nDate: b\nSubject: c\n\nbody", b"17.M1:2,S", Route.PARSE, "message/rfc822"),
        (
            b"ARC-Seal: i=1;\n\ta=" + b"x" * 9000 + b"\nFrom: a\nDate: b\nSubject: c\n\nd",
            b"1",
            Route.PARSE,
            "message/rfc822",
        ),
        (b"Reply-To: x\nFrom: a\nDate: b\nSubject: c\n\nbody", b"17.M1:2,S", Route.PARSE, "message/rfc822"),
        (b"DKIM-Signature: v=1\nFrom: a\nDate: b\nSubject: c\n\nbody", b"msg", Route.PARSE, "message/rfc822"),
        (b"41\nSubject: x\n", b"12.emlx", Route.PARSE, "message/rfc822"),
        (_WEB_PAGE, b"report.xls", Route.PARSE, "message/rfc822"),
        (_WEB_PAGE, b"report.doc", Route.PARSE, "message/rfc822"),
        (_WEB_PAGE, b"notes.txt", Route.DECODE, "text/plain"),
        (b"two lines\vof a slide", b"slide", Route.DECODE, "text/plain"),
        (b"Title: x\nFrom: a\nDate: b\nSubject: c\n\nbody", b"essay", Route.DECODE, "text/plain"),
        (b'{\n  "name": "x"\n}', b"settings", Route.DECODE, "application/json"),
        (b'[{"name": "x"}]', b"export.dat", Route.DECODE, "application/json"),
        (b'{"log":"\\u001b[31mx"}\n{"log":"y"}\n', b"container-json.log", Route.DECODE, "application/json"),
        (b'<?xml version="1.0"?>\n<mxfile host="app">', b"plan.xml", Route.PARSE, "application/vnd.jgraph.mxfile"),
        (b"{ braces } open a log", b"a.log", Route.DECODE, "text/plain"),
        (b'{"in quotes"} is no JSON', b"note", Route.DECODE, "text/plain"),
        (b"BEGIN:VCALENDAR\r\nVERSION:1.0", b"event", Route.DECODE, "text/calendar"),
        (b"BEGIN:VCARD\r\nVERSION:2.1", b"contacts", Route.DECODE, "text/vcard"),
        (b"a\\\n b", b"app.properties", Route.DECODE, "text/x-java-properties"),
        (b"From: the beginning\nthere was a word", b"poem", Route.DECODE, "text/plain"),
        (b"\x89PNG\r\n\x1a\n", b"a.txt", Route.IMAGE, "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", b"a", Route.IMAGE, "image/webp"),
        (b"\0\0\0\x18ftypheic", b"a", Route.IMAGE, "image/heic"),
        (b"\0\0\0\x18ftypisom", b"a", Route.MEDIA, "video/mp4"),
        (b"\0\0\0\x18ftypM4A ", b"a", Route.MEDIA, "audio/mp4"),
        ((b"G" + b"\xff" * 187) * 12, b"00012.mts", Route.MEDIA, "video/mp2t"),
        ((b"\0\0\0\0G" + b"\xff" * 187) * 12, b"00012.m2ts", Route.MEDIA, "video/mp2t"),
        (b"export const G = 1\n" * 200, b"a.mts", Route.DECODE, "text/x-typescript"),
        (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9", b"a.wmv", Route.MEDIA, "video/x-ms-asf"),
        (b"FORM\0\0\0\0AIFFCOMM", b"a.aif", Route.MEDIA, "audio/aiff"),
        (b"RIFF\0\0\0\0WAVEfmt ", b"a", Route.MEDIA, "audio/x-wav"),
        (b"From a@b Mon Feb  5\nSubject: x\n\ny", b"Inbox", Route.PARSE, "application/mbox"),
        (b"BM\x10\0\0\0\0\0\0\0", b"a", Route.IMAGE, "image/bmp"),
        (b"BMW is a car maker", b"a", Route.DECODE, "text/plain"),
        (b"ID3 is a way to grow trees", b"a", Route.DECODE, "text/plain"),
        (b"\x7fELF\x02", b"prog.py", Route.BINARY, "application/x-executable"),
        (b"\x1f\x8b\x08", b"a.txt.gz", Route.ARCHIVE, "application/gzip"),
        (b"\0" * 257 + b"ustar", b"a.tar", Route.ARCHIVE, "application/x-tar"),
        (b"\x93\x12\0\0random", b"a.pdf", Route.DAMAGED, "application/pdf"),
        ("schöne Grüße".encode() * 500, b"a.doc", Route.DECODE, "text/plain"),
        ("Name\tBetrag\nFingerhut Öl\t12 €\n".encode("cp1252"), b"export.xls", Route.DECODE, "text/plain"),
        ("Накладная на товар".encode("cp1251"), b"a.doc", Route.DECODE, "text/plain"),
        (b"\x93\xe4" * 400 + bytes(range(1, 32)), b"a.xls", Route.DAMAGED, "application/vnd.ms-excel"),
        (b"text", b"bad-\xff-name.\xfe", Route.DECODE, "text/plain"),
        ("Nr\tName\r\n7\tDrehleier\r\n".encode("utf-16"), b"export.xls", Route.DECODE, "text/plain"),
        (b"%PDF-1.4 is how such files begin.\n", b"notes.txt", Route.DECODE, "text/plain"),
        (b"GIF89a is how such pictures begin.\n", b"notes.txt", Route.DECODE, "text/plain"),
        (b"MMORPG are games of many\n", b"notes.txt", Route.DECODE, "text/plain"),
        (b"What is AIFF? A kind of sound.\n", b"notes.txt", Route.DECODE, "text/plain"),
        ("ясно, что лодка у причала\n".encode("cp1251"), b"notes.txt", Route.DECODE, "text/plain"),
        ("яуза течет\n".encode("cp1251"), b"notes.txt", Route.DECODE, "text/plain"),
        (b"\xff\xf1\x50\x80\0\x1f\xfc", b"a.aac", Route.MEDIA, "audio/aac"),
        (b"MAC addresses of the house\n", b"notes.txt", Route.DECODE, "text/plain"),
        (b"%PDF-1.4\n\xe2\xe3\0\0", b"cut.pdf", Route.PARSE, "application/pdf"),
        (b"<?xml version='1.0'?><en-export/>", b"notes.enex", Route.DECODE, "application/x-enex"),
        (b"Manifest-Version: 1.0\r\n", b"MANIFEST.MF", Route.DECODE, "text/x-java-manifest"),
        (b"\xef\xbb\xbfSignature-Version: 1.0\n", b"a.mf", Route.DECODE, "text/x-java-manifest"),
        (b"def a =\n if x:\n  y\n fi;", b"logo.mf", Route.DECODE, "text/plain"),
        (b"\0\0\0\x08wide\0\0\0\x10mdat", b"MVI_1.MOV", Route.MEDIA, "video/mp4"),
        (b"\x05\0\0\x10mdat", b"MVI_1.MOV", Route.MEDIA, "video/mp4"),
        (b"\0\0\0\x80moov\0\0\0\x6cmvhd", b"MVI_1.MOV", Route.MEDIA, "video/mp4"),
        (b"The mdat atom, the free atom", b"a.txt", *_TEXT),
        (b"\n\n- mdat has the pictures\n- moov says what they are\n", b"a.txt", *_TEXT),
        (
            b"Delivered-To: a\nReceived: x\nFrom: a\nDate: b\nSubject: c\n\nbody",
            b"original_msg.txt",
            Route.PARSE,
            "message/rfc822",
        ),
        (b"Received: x\nFrom: a\nDate: b\nSubject: c\n", b"headers.txt", *_TEXT),
        (b"From: a\nTo: b\nDate: c\nSubject: d\n\nMessage-ID: of a text", b"copied.txt", *_TEXT),
        (
            b"From a at example.org  Tue Mar  1 09:30:00 2005\nFrom: a at example.org (A)\nSubject: x\n\ny",
            b"2005-March.txt",
            Route.PARSE,
            "application/mbox",
        ),
        *(
            (
                b"From a@b.c Tue Mar  1 09:30:00 2005\n" + field + b": x\n\ny",
                b"old.txt",
                Route.PARSE,
                "application/mbox",
            )
            for field in (b"Received", b"MIME-Version", b"X-Mozilla-Status", b"DKIM-Signature")
        ),
        (b"From the desk of Ada\nSubject: 1843\n", b"letter.txt", *_TEXT),
        (b"From Rome, at 10:30 , 5 May 1843\nTo: the council\n", b"letter.txt", *_TEXT),
        (b"ITSF\3\0\0\0" + bytes(90), b"a.chm", Route.PARSE, "application/vnd.ms-htmlhelp"),
        (b"AT&TFORM" + bytes(90), b"a.djvu", Route.PARSE, "application/x-djvu"),
        (b"\0\1\0\0Standard ACE DB\0" + bytes(90), b"a.accdb", Route.PARSE, "application/vnd.ms-access"),
    ],
)
def test_detection(content: bytes, name: bytes, route: Route, mime_type: str) -> None:
    assert detect(content, name=name) == FileType(route, mime_type)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 18, 40])
def test_a_short_file_with_any_first_byte_has_a_type(length: int) -> None:
    for first in range(256):
        for version in (3, 4, 5, 6):
            for place in range(1, min(length, 12)):
                head = bytes([first, *bytes(place - 1), version]).ljust(length, b"\x01")
                assert isinstance(detect(head, name=b"a"), FileType)


def test_a_packet_without_a_length_is_read_from_its_first_byte() -> None:
    packet = bytes.fromhex("8703d373bbfe241176100107408c48d300")
    assert detect(packet, name=b"a") == FileType(*_PGP)


def test_the_stored_values_of_routes_do_not_change() -> None:
    """`contents.kind` of existing indexes ends with them."""
    assert [str(route) for route in Route] == [
        "decode",
        "markup",
        "parse",
        "image",
        "media",
        "archive",
        "binary",
        "damaged",
        "encrypted",
    ]


@pytest.mark.parametrize(
    ("content", "name", "kind", "needs_no_parser"),
    [
        (b"hello", b"a.md", "text/markdown decode", True),
        (b"<p>", b"a.html", "text/html markup", False),
        (b"%PDF-1.7", b"a", "application/pdf parse", False),
        (b"\x89PNG\r\n\x1a\n", b"a", "image/png image", False),
        (b"fLaC\0", b"a", "audio/flac media", False),
        (b"\x1f\x8b", b"a.gz", "application/gzip archive", False),
        (b"\x7fELF", b"a", "application/x-executable binary", True),
        (b"\x93\x12\0\0", b"a.pdf", "application/pdf damaged", True),
    ],
)
def test_the_stored_kind_of_a_content(content: bytes, name: bytes, kind: str, needs_no_parser: bool) -> None:
    with FileExtractor(limits=Limits()) as extractor:
        assert extractor.kind(content, name=name) == kind
        assert extractor.needs_no_parser(kind) is needs_no_parser


@pytest.mark.parametrize(
    ("name", "expected"),
    [(b"a.PDF", True), (b"a.html", True), (b"a.jpg", True), (b"a.md", False), (b"pdf", False), (b".pdf", False)],
)
def test_a_name_tells_whether_a_parser_may_be_needed(name: bytes, expected: bool) -> None:
    with FileExtractor(limits=Limits()) as extractor:
        assert extractor.may_need_parser(name) is expected
