"""Web archives: their pages are read as those that are files, each with its address."""

from __future__ import annotations

import gzip

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import container, picture, word_document


def record(address: str, block: bytes, *, kind: str = "response", media_type: str = "application/http") -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\nContent-Type: {media_type}\r\n"
    return f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def answer(body: bytes, *fields: str, status: str = "200 OK", media_type: str = "text/html") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {media_type}", *fields])
    return f"{head}\r\n\r\n".encode() + body


def page(words: str) -> bytes:
    return f"<html><body><p>{words}</p></body></html>".encode()


ARCHIVE = (
    record("", b"software: a crawler\r\n", kind="warcinfo", media_type="application/warc-fields")
    + record("http://birds.example/", b"GET / HTTP/1.1\r\nHost: birds.example\r\n\r\n", kind="request")
    + record("http://birds.example/", answer(page("The heron waits")))
    + record("http://birds.example/logo.png", answer(picture(), media_type="image/png"))
    + record("http://birds.example/style.css", answer(b"p { color: red }", media_type="text/css"))
    + record("http://birds.example/gone", answer(page("not found"), status="404 Not Found"))
    + record("http://birds.example/tern.docx", answer(word_document("On terns"), media_type="application/octet-stream"))
)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_pages_of_a_web_archive_are_read(extractor: FileExtractor, pack: type[bytes]) -> None:
    text = read(extractor, pack(ARCHIVE), b"birds.warc").text
    assert text == "http://birds.example/\n\nThe heron waits\n\nhttp://birds.example/tern.docx\n\nOn terns"


def test_each_page_is_a_page(extractor: FileExtractor) -> None:
    document = read(extractor, ARCHIVE, b"birds.warc")
    assert [document.text[start:].partition("\n")[0] for start in document.page_starts] == [
        "http://birds.example/",
        "http://birds.example/tern.docx",
    ]


@pytest.mark.parametrize(
    ("body", "fields", "media_type"),
    [
        (gzip.compress(page("Möwen")), ["Content-Encoding: gzip"], "text/html"),
        (page("Möwen"), ["Content-Encoding: gzip"], "text/html"),
        (b"%x\r\n%b\r\n0\r\n\r\n" % (len(page("Möwen")), page("Möwen")), ["Transfer-Encoding: chunked"], "text/html"),
        (page("Möwen").decode().encode("latin-1"), [], "text/html; charset=ISO-8859-1"),
        ("Möwen".encode("utf-16-le"), [], "text/plain; charset=utf-16le"),
    ],
    ids=["compressed", "unpacked by the crawler", "in chunks", "in latin-1", "in utf-16"],
)
def test_a_page_is_read_however_it_was_sent(
    extractor: FileExtractor, body: bytes, fields: list[str], media_type: str
) -> None:
    content = record("http://a.example/", answer(body, *fields, media_type=media_type))
    assert read(extractor, content, b"a.warc").text == "http://a.example/\n\nMöwen"


def test_the_pages_of_a_packed_web_archive_are_read(extractor: FileExtractor) -> None:
    content = container({"archive/data.warc.gz": gzip.compress(ARCHIVE), "pages/pages.jsonl": '{"title": "Birds"}'})
    assert "The heron waits" in read(extractor, content, b"birds.wacz").text


@pytest.mark.parametrize("charset", ["idna", "undefined", "hex", "no-charset"])
def test_a_page_in_an_unknown_charset_is_read(extractor: FileExtractor, charset: str) -> None:
    content = record("http://a.example/", answer(page("a heron"), media_type=f"text/html; charset={charset}"))
    assert "a heron" in read(extractor, content, b"a.warc").text


def test_a_page_of_a_western_charset_has_the_signs_of_windows(extractor: FileExtractor) -> None:
    sent = answer("“a heron”".encode("cp1252"), media_type="text/plain; charset=iso-8859-1")
    assert "“a heron”" in read(extractor, record("http://a.example/", sent), b"a.warc").text


def test_an_address_that_is_none_costs_no_other_page(extractor: FileExtractor) -> None:
    content = record("http://[bad/x", answer(b"a tern", media_type="")) + record("", answer(page("a heron")))
    assert "a heron" in read(extractor, content, b"a.warc").text


def test_a_page_ends_with_its_empty_chunk(extractor: FileExtractor) -> None:
    sent = answer(b"5\r\nheron\r\n0\r\n\r\n4\r\ntern\r\n", "Transfer-Encoding: chunked", media_type="text/plain")
    assert read(extractor, record("http://a.example/", sent), b"a.warc").text.endswith("\n\nheron")
    empty = record("http://b.example/", answer(b"0\r\n\r\n", "Transfer-Encoding: chunked", media_type="text/plain"))
    assert isinstance(extractor.extract(empty, name=b"b.warc"), Unreadable)


@pytest.mark.parametrize("length", ["999999999999", "-1", "x", "9" * 5000])
def test_a_damaged_archive_ends_there(extractor: FileExtractor, length: str) -> None:
    damaged = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: " + length.encode() + b"\r\n\r\nbody"
    document = read(extractor, record("http://a.example/", answer(page("a heron"))) + damaged, b"a.warc")
    assert document.text == "http://a.example/\n\na heron"
    assert document.unread_parts is not None
    assert document.unread_parts.some[-1].name == "what follows http://a.example/"
    outcome = extractor.extract(damaged, name=b"a.warc")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


def test_a_cut_archive_says_so(extractor: FileExtractor) -> None:
    content = record("http://a.example/", answer(page("a heron")))
    whole, cut = read(extractor, content, b"a.warc"), read(extractor, content[:-10], b"a.warc")
    assert whole.text == cut.text
    assert (whole.unread_parts is None, cut.unread_parts is None) == (True, False)
