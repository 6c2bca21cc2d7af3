"""Malicious and broken files end with text or with a skip reason, within the limits."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import MIB, Limits
from tests.plugins.office_files import BODY, docx, laughs, opendocument, paragraphs, with_declared_size, zipped
from tests.plugins.pdf import pdf_of_objects, pdf_whose_page_never_ends

MEMORY = 512 * MIB


@pytest.fixture(scope="module")
def extractor() -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=60, memory_bytes=MEMORY, text_bytes=4 * MIB)) as opened:
        yield opened
        page = opened.extract(b"<p>still here</p>", name=b"a.html")
        assert isinstance(page, Document)


@pytest.fixture
def patient_extractor() -> Iterator[FileExtractor]:
    """For files that take a processor for seconds, which a busy machine may not have in a minute."""
    with FileExtractor(limits=Limits(seconds=300, memory_bytes=MEMORY, text_bytes=4 * MIB)) as opened:
        yield opened


def test_a_page_whose_text_layer_never_ends_costs_that_page_only() -> None:
    pages = ("The tide turns at noon", "lost", "The boats come home", "The harbour is full")
    with FileExtractor(limits=Limits(seconds=16, memory_bytes=MEMORY)) as opened:
        outcome = opened.extract(pdf_whose_page_never_ends(*pages), name=b"a.pdf")
    assert isinstance(outcome, Document), outcome
    # The page ends with its time and is unread, or sooner with the memory: then a beginning of it is kept.
    assert [line for line in outcome.text.split("\n") if line not in {"", "never"}] == [pages[0], pages[2], pages[3]]
    assert [unread.pages for unread in outcome.unread] == ([] if "never" in outcome.text else [(2,)])


def reason(outcome: Document | Unreadable) -> SkipReason:
    assert isinstance(outcome, Unreadable), outcome.text[:100]
    return outcome.reason


def test_an_honest_document_is_read(extractor: FileExtractor) -> None:
    outcome = extractor.extract(docx(paragraphs(30_000)), name=b"a.docx")
    assert isinstance(outcome, Document)
    assert "Paragraph 29999 of many." in outcome.text


def test_a_document_that_unpacks_to_hundreds_of_times_its_size(patient_extractor: FileExtractor) -> None:
    content = docx(BODY.format("<w:p><w:r><w:t>" + "A" * (200 << 20) + "</w:t></w:r></w:p>"))
    assert len(content) < 1 * MIB
    assert reason(patient_extractor.extract(content, name=b"a.docx")) is SkipReason.BOMB


@pytest.mark.parametrize("tags", ["<div><b>heron{}\n", "<a href=x><div>heron{}\n"])
def test_a_page_whose_elements_are_never_closed(extractor: FileExtractor, tags: str) -> None:
    outcome = extractor.extract("".join(map(tags.format, range(100_000))).encode(), name=b"a.html")
    assert isinstance(outcome, Document), outcome
    assert "heron0" in outcome.text
    assert "heron99999" in outcome.text


def test_a_form_whose_fields_have_no_end(extractor: FileExtractor) -> None:
    depth = 40
    fields = [b"<</Kids[%d 0 R %d 0 R]>>" % (number + 1, number + 1) for number in range(4, 4 + depth)]
    outcome = extractor.extract(
        pdf_of_objects(
            [
                b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>",
                b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
                *fields,
                b"<</FT/Tx/T(heron)>>",
            ]
        ),
        name=b"a.pdf",
    )
    assert reason(outcome) in {SkipReason.NO_TEXT, SkipReason.NEEDS_OCR}


def test_a_directory_that_claims_more_than_its_member_is_damaged(extractor: FileExtractor) -> None:
    content = with_declared_size(docx(paragraphs(10)), 0xFFFFFFF0)
    assert reason(extractor.extract(content, name=b"a.docx")) is SkipReason.CORRUPT


def test_a_header_that_claims_too_little_hides_no_bomb(patient_extractor: FileExtractor) -> None:
    content = docx(BODY.format("<w:p><w:r><w:t>" + "A" * (200 << 20) + "</w:t></w:r></w:p>"))
    outcome = patient_extractor.extract(with_declared_size(content, 100), name=b"a.docx")
    if isinstance(outcome, Document):
        assert len(outcome.text) <= 4 * MIB
    else:
        assert outcome.reason in {SkipReason.BOMB, SkipReason.CORRUPT, SkipReason.NO_TEXT}


def test_archives_in_archives_have_an_end(extractor: FileExtractor) -> None:
    inner = zipped({"zeros": bytes(8 << 20)})
    for _ in range(4):
        inner = zipped({f"{at}.zip": inner for at in range(10)})
    outcome = extractor.extract(inner, name=b"42.zip")
    assert isinstance(outcome, Document)
    names = outcome.text.split()
    assert {f"{at}.zip" for at in range(10)} < set(names)
    assert (len(names), max(name.count("/") for name in names)) == (10 + 100 + 1000, 2)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.svg", laughs('<svg xmlns="http://www.w3.org/2000/svg"><text>{}</text></svg>').encode()),
        (b"a.xml", laughs("<a>{}</a>").encode()),
        (b"a.html", laughs("<html><body><p>{}</p></body></html>").encode()),
        (b"a.fb2", laughs("<FictionBook><body><section><p>{}</p></section></body></FictionBook>").encode()),
        (b"a.docx", docx(laughs(BODY.format("<w:p><w:r><w:t>{}</w:t></w:r></w:p>")))),
        (b"a.odp", opendocument("presentation", laughs("<a>{}</a>"))),
        (b"a.odt", opendocument("text", laughs("<a>{}</a>"))),
    ],
)
def test_entities_that_expand_without_end(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    outcome = extractor.extract(content, name=name)
    if isinstance(outcome, Document):
        assert len(outcome.text) < 10_000


@pytest.mark.parametrize("head", [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf1 "])
@pytest.mark.parametrize("name", [b"a.pdf", b"a.docx"])
def test_random_bytes_under_a_documents_name(extractor: FileExtractor, head: bytes, name: bytes) -> None:
    content = head + random.Random(1).randbytes(200_000)
    outcome = extractor.extract(content, name=name)
    if head == b"{\\rtf1 " and isinstance(outcome, Document):
        return  # RTF takes anything between braces for text
    assert reason(outcome) in {SkipReason.CORRUPT, SkipReason.BINARY, SkipReason.NO_TEXT}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.json", b"[" * 500_000 + b"]" * 500_000),
        (b"a.ipynb", b"[" * 500_000),
        (b"a.html", b"<div>" * 200_000 + b"deep"),
        (b"a.svg", b"<svg>" + b"<g>" * 200_000),
        (b"a.eml", b"Content-Type: message/rfc822\n\n" * 50_000),
        (b"a.rtf", b"{\\rtf1" + b"{" * 500_000),
        (b"a.xhtml", b"<html>" + b"<b><i>" * 100_000),
    ],
)
def test_deep_nesting(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document) or outcome.reason is not SkipReason.TIMEOUT


@pytest.mark.parametrize("name", [b"a.txt", b"a.json", b"a"])
def test_a_single_line_of_50_megabytes(extractor: FileExtractor, name: bytes) -> None:
    outcome = extractor.extract(b"word and another one. " * (50_000_000 // 22), name=name)
    assert isinstance(outcome, Document)
    assert len(outcome.text) == 4 * MIB + len("\n")  # between its beginning and its end


def test_a_page_of_50_megabytes(patient_extractor: FileExtractor) -> None:
    outcome = patient_extractor.extract(b"<p>" + b"word and another one. " * (50_000_000 // 22), name=b"a.html")
    if isinstance(outcome, Document):
        assert len(outcome.text) <= 4 * MIB
    else:
        assert outcome.reason is SkipReason.BOMB


def test_nuls_and_half_pairs_never_reach_the_text(extractor: FileExtractor) -> None:
    for name, content in (
        (b"a.txt", b"plain words of text\n" * 20 + b"a\0b"),
        (b"a.html", b"<p>a&#0;b &#xd800; words</p>"),
        (b"a.txt", "\ufeffa\ud83d b \udc00".encode("utf-16-le", errors="surrogatepass")),
    ):
        outcome = extractor.extract(content, name=name)
        assert isinstance(outcome, Document)
        assert "\0" not in outcome.text
        outcome.text.encode("utf-8")


def damaged(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 20)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed[: rng.randint(1, len(changed))] if rng.random() < 0.3 else changed)


def test_damaged_documents_never_raise(extractor: FileExtractor) -> None:
    rng = random.Random(7)
    sound = [
        (b"a.docx", docx(paragraphs(20))),
        (b"a.rtf", b"{\\rtf1\\ansi Some {\\b bold} text\\par and \\'e9 more.}" * 20),
        (b"a.eml", b"Subject: x\nFrom: a@b\nContent-Type: text/plain\n\nbody\n" * 10),
        (b"a.html", b"<html><body><table><tr><td>x</td></tr></table><p>text</p></body></html>" * 10),
    ]
    for _ in range(40):
        for name, content in sound:
            outcome = extractor.extract(damaged(rng, content), name=name)
            assert isinstance(outcome, Document) or outcome.reason is not SkipReason.TIMEOUT
