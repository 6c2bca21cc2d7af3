"""What tracked changes have deleted, and what is hidden, is no text of a document; what they inserted is."""

from __future__ import annotations

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import CONTENT_TYPES, WORD, container, word_document

_CHANGED = (
    "<w:p><w:r><w:t xml:space='preserve'>kept </w:t></w:r><w:ins w:id='1' w:author='Ann'><w:r><w:t>inserted</w:t></w:r>"
    "</w:ins><w:del w:id='2' w:author='Bob'><w:r><w:delText>removed</w:delText></w:r>"
    "<w:r><w:delInstrText> HYPERLINK &quot;https://gone.example.org/&quot; </w:delInstrText></w:r></w:del></w:p>"
    "<w:p><w:moveFrom w:id='3'><w:r><w:t>wandering</w:t></w:r></w:moveFrom></w:p><w:p><w:moveTo w:id='3'><w:r>"
    "<w:t>arrived</w:t></w:r></w:moveTo></w:p><w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>concealed</w:t></w:r>"
    "<w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>shown</w:t></w:r></w:p>"
    "<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:rPr><w:b/><w:rPrChange w:id='4'><w:rPr><w:vanish/></w:rPr>"
    "</w:rPrChange></w:rPr><w:t>revealed</w:t></w:r></w:p>"
)


def _word(body: str) -> bytes:
    document = f"<w:document {WORD}><w:body>{body}</w:body></w:document>".replace("'", '"')
    return container({"[Content_Types].xml": CONTENT_TYPES, "word/document.xml": document})


def test_of_a_document_only_what_is_shown_is_read(extractor: FileExtractor) -> None:
    words = read(extractor, _word(_CHANGED), b"a.docx").text.split()
    assert words == ["kept", "inserted", "arrived", "shown", "revealed"]


def test_of_its_notes_too(extractor: FileExtractor) -> None:
    content = word_document(footnotes="x</w:t></w:r></w:p>" + _CHANGED.replace("'", '"') + "<w:p><w:r><w:t>y")
    words = read(extractor, content, b"a.docx").text.split()
    assert words == ["running", "text", "x", "kept", "inserted", "arrived", "shown", "revealed", "y"]


def test_of_a_document_that_the_library_refuses_too(extractor: FileExtractor) -> None:
    words = read(extractor, _word(_CHANGED + "<w:p><w:r>" * 2000 + "</w:r></w:p>" * 2000), b"a.docx").text.split()
    assert words == ["kept", "inserted", "arrived", "shown", "revealed"]


_STYLES = (
    "<w:style w:styleId='Aside'><w:rPr><w:vanish/></w:rPr></w:style>"
    "<w:style w:styleId='Aside2'><w:basedOn w:val='Aside'/></w:style>"
    "<w:style w:styleId='Loud'><w:basedOn w:val='Aside'/><w:rPr><w:vanish w:val='false'/></w:rPr></w:style>"
)
_STYLED = (
    "<w:p><w:r><w:rPr><w:rStyle w:val='Aside'/></w:rPr><w:t>concealed</w:t></w:r>"
    "<w:r><w:rPr><w:rStyle w:val='Aside'/><w:vanish w:val='0'/></w:rPr><w:t>shown</w:t></w:r></w:p>"
    "<w:p><w:pPr><w:pStyle w:val='Aside2'/></w:pPr><w:r><w:t>stage direction</w:t></w:r></w:p>"
    "<w:p><w:pPr><w:pStyle w:val='Loud'/><w:pPrChange w:id='5'><w:pPr><w:pStyle w:val='Aside'/></w:pPr></w:pPrChange>"
    "</w:pPr><w:r><w:t>revealed</w:t></w:r></w:p>"
)


@pytest.mark.parametrize("place", ["document", "header1"])
def test_of_a_document_no_text_is_read_that_its_style_hides(extractor: FileExtractor, place: str) -> None:
    part = f"<w:document {WORD}><w:body>{{}}</w:body></w:document>"
    members = {"document": part.format("<w:p><w:r><w:t/></w:r></w:p>")} | {place: part.format(_STYLED)}
    members["styles"] = f"<w:styles {WORD}>{_STYLES}</w:styles>"
    files = {f"word/{name}.xml": text.replace("'", '"') for name, text in members.items()}
    content = container({"[Content_Types].xml": CONTENT_TYPES, **files})
    assert read(extractor, content, b"a.docx").text.split() == ["shown", "revealed"]


def test_a_word_stays_whole_at_a_hyphen_that_does_not_break(extractor: FileExtractor) -> None:
    content = _word("<w:p><w:r><w:t>price</w:t><w:noBreakHyphen/><w:t>list</w:t></w:r></w:p>")
    assert read(extractor, content, b"a.docx").text.strip() == "price-list"


_PACKAGE = (
    '<?xml version="1.0"?><?mso-application progid="Word.Document"?><pkg:package xmlns:pkg="http://schemas.microsoft.com'
    '/office/2006/xmlPackage"><pkg:part pkg:name="/word/document.xml"><pkg:xmlData>{}</pkg:xmlData></pkg:part>'
    "</pkg:package>"
)


def test_of_a_package_in_one_piece_too(extractor: FileExtractor) -> None:
    document = f"<w:document {WORD}><w:body>{_CHANGED}</w:body></w:document>".replace("'", '"')
    words = read(extractor, _PACKAGE.format(document).encode(), b"a.xml").text.split()
    assert words == ["kept", "inserted", "arrived", "shown", "revealed"]


_OPEN = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)
_TEXT = (
    "<office:body><office:text><text:tracked-changes><text:changed-region><text:deletion><office:change-info>"
    '<dc:creator xmlns:dc="dc">Ann</dc:creator></office:change-info><text:p>removed</text:p></text:deletion>'
    "</text:changed-region></text:tracked-changes><text:p>kept <text:change-start/>inserted<text:change-end/></text:p>"
    "</office:text></office:body>"
)


@pytest.mark.parametrize("is_flat", [False, True])
def test_of_opendocument_what_was_deleted_is_not_read(extractor: FileExtractor, is_flat: bool) -> None:
    mime_type = "application/vnd.oasis.opendocument.text"
    flat = f'<?xml version="1.0"?><office:document {_OPEN} office:mimetype="{mime_type}">{_TEXT}</office:document>'
    content = f"<office:document-content {_OPEN}>{_TEXT}</office:document-content>"
    members = {"mimetype": mime_type, "content.xml": content, "META-INF/manifest.xml": "<manifest/>"}
    file = flat.encode() if is_flat else container(members)
    assert read(extractor, file, b"a.fodt" if is_flat else b"a.odt").text.split() == ["kept", "inserted"]
