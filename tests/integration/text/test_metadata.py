"""What the metadata of a document says that it is about reaches the index."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
from tests.plugins.documents import fiction_book
from tests.plugins.pdf import pdf_file

HTML = """<html><head><title>Marsupials</title><meta name="author" content="Ada Lovelace">
<meta name="keywords" content="quokka, wombat"><meta name="description" content="All about numbats">
</head><body><p>They live in Australia.</p></body></html>"""


STATED = b"/Title(Marsupials)/Author(Ada Lovelace)/Subject(All about numbats)/Keywords(quokka, wombat)"


def pdf(information: bytes = STATED) -> bytes:
    return pdf_file("They live in Australia.").replace(
        b"trailer<<", b"99 0 obj<<" + information + b">> endobj\ntrailer<</Info 99 0 R"
    )


@pytest.mark.parametrize(("name", "content"), [(b"a.html", HTML.encode()), (b"a.pdf", pdf())])
def test_keywords_and_subjects_are_read(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    document = extractor.extract(content, name=name)
    assert isinstance(document, Document)
    assert (document.title, document.author) == ("Marsupials", "Ada Lovelace")
    assert document.keywords is not None
    for word in ("quokka", "wombat", "numbats"):
        assert word in document.keywords
    assert "Marsupials" not in document.keywords


@pytest.mark.parametrize("brackets", [b"", b"\\(%s\\)"])
def test_what_a_program_states_where_nobody_has_is_not_read(extractor: FileExtractor, brackets: bytes) -> None:
    title, author, subject = (
        brackets % word if brackets else word for word in (b"untitled", b"anonymous", b"unspecified")
    )
    document = extractor.extract(pdf(b"/Title(%s)/Author(%s)/Subject(%s)" % (title, author, subject)), name=b"a.pdf")
    assert isinstance(document, Document)
    assert (document.title, document.author, document.keywords) == (None, None, None)


RTF = rb"""{\rtf1\ansi\ansicpg1252\uc1{\info{\title Animals}{\author Ada}
{\keywords quokka, caf\'e9 \u1078?\u1091?\u1082?}{\category Zoology}{\doccomm seen \{twice\}}}hello world\par}"""


def test_keywords_of_rtf_are_read(extractor: FileExtractor) -> None:
    document = extractor.extract(RTF, name=b"a.rtf")
    assert isinstance(document, Document)
    assert document.keywords == "quokka, café жук, Zoology, seen {twice}"


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251"])
def test_keywords_and_genres_of_books_are_read(extractor: FileExtractor, charset: str) -> None:
    book = fiction_book("text of the book", keywords="кот & пёс").decode()
    content = book.replace("utf-8", charset).replace("<keywords>", "<genre>sf_space</genre><keywords>").encode(charset)
    document = extractor.extract(content, name=b"a.fb2")
    assert isinstance(document, Document)
    assert document.keywords == "sf_space, кот & пёс"


def test_series_publishers_and_translators_of_books_are_read(extractor: FileExtractor) -> None:
    names = "<translator><first-name>Ida</first-name><last-name>Marsh</last-name></translator>"
    series = '<sequence name="Tales &amp; tides" number="2"/>'
    edition = "<publish-info><publisher>Quay Press</publisher><isbn>978-3</isbn></publish-info>"
    book = fiction_book("text of the book", keywords="tides").decode()
    book = book.replace("</title-info>", f"{names}{series}</title-info>{edition}")
    document = extractor.extract(book.encode(), name=b"a.fb2")
    assert isinstance(document, Document)
    assert document.keywords == "tides, Tales & tides, Quay Press, 978-3, Ida Marsh"


def test_a_document_without_keywords_has_none(extractor: FileExtractor) -> None:
    document = extractor.extract(b"<html><title>T</title><body><p>Only a text.</p></body></html>", name=b"a.html")
    assert isinstance(document, Document)
    assert document.keywords is None


@pytest.mark.parametrize("kind", ["html", "pdf", "fb2"])
def test_a_description_that_is_longer_than_a_line_is_found_to_its_end(extractor: FileExtractor, kind: str) -> None:
    about = "a tale of tides, " * 30 + "and of the lugger"
    content = {
        "html": HTML.replace("All about numbats", about).encode(),
        "pdf": pdf(STATED.replace(b"All about numbats", about.encode())),
        "fb2": fiction_book("They live in Australia.", keywords=about),
    }[kind]
    document = extractor.extract(content, name=f"a.{kind}".encode())
    assert isinstance(document, Document)
    assert document.text.startswith("They live in Australia.")
    assert "and of the lugger" in document.text


def test_a_document_with_nothing_but_a_title_and_keywords_has_these(extractor: FileExtractor) -> None:
    document = extractor.extract(fiction_book("", keywords="quokka"), name=b"a.fb2")
    assert isinstance(document, Document)
    assert (document.text, document.title, document.keywords) == ("A book\nquokka", "A book", "quokka")
