"""Documents of Microsoft Office in one piece of XML: of 2003, and packages of later versions."""

from __future__ import annotations

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read

WORD = (
    '<?xml version="1.0" encoding="{}" standalone="yes"?>\n<?mso-application progid="Word.Document"?>\n'
    '<w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"'
    ' xmlns:o="urn:schemas-microsoft-com:office:office"><o:DocumentProperties><o:Title>Quails</o:Title>'
    "<o:Keywords>poultry</o:Keywords></o:DocumentProperties>"
    '<w:styles><w:style><w:name w:val="Normal"/></w:style></w:styles>'
    "<w:body><w:p><w:r><w:t>Die Wäch</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>ter</w:t><w:tab/><w:t>x</w:t></w:r>"
    "</w:p>"
    "<w:sectPr><w:hdr><w:p><w:r><w:t>Header</w:t></w:r></w:p></w:hdr></w:sectPr></w:body></w:wordDocument>"
)
WORKBOOK = (
    '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
    ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Styles><Style ss:ID="Default"/></Styles>'
    '<Worksheet ss:Name="Cash"><Table><Row><Cell><Data ss:Type="String">Rent</Data></Cell>'
    '<Cell><Data ss:Type="Number">12.5</Data></Cell></Row><Row><Cell>'
    '<ss:Data xmlns="http://www.w3.org/TR/REC-html40"><B>Mar</B>mot</ss:Data></Cell>'
    '<Cell><Data ss:Type="DateTime">2019-08-07T00:00:00.000</Data></Cell></Row></Table></Worksheet></Workbook>'
)
PACKAGE = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><?mso-application progid="Word.Document"?>'
    '<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"><pkg:part'
    ' pkg:name="/word/document.xml"><pkg:xmlData><w:document'
    ' xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Flat</w:t></w:r>'
    "<w:r><w:t>water</w:t></w:r></w:p></w:body></w:document></pkg:xmlData></pkg:part></pkg:package>"
)


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1"])
def test_a_text_of_word_2003_is_read_with_its_headers(extractor: FileExtractor, charset: str) -> None:
    document = read(extractor, WORD.format(charset).encode(charset), b"letter.xml")
    assert document.text == "Die Wächter\tx\n\nHeader"
    assert (document.title, document.keywords) == ("Quails", "poultry")


@pytest.mark.parametrize("content", [WORD, PACKAGE])
def test_words_that_are_drawn_as_shapes_are_read(extractor: FileExtractor, content: str) -> None:
    drawn = '<w:r><w:pict><v:shape xmlns:v="v"><v:textpath string="DRAFT"/></v:shape></w:pict></w:r></w:p>'
    text = read(extractor, content.format("utf-8").replace("</w:p>", drawn, 1).encode(), b"letter.xml").text
    assert "DRAFT" in text.split("\n")


def test_a_workbook_of_2003_is_read_row_by_row(extractor: FileExtractor) -> None:
    assert read(extractor, WORKBOOK.encode(), b"cash.xml").text == "Cash\nRent\t12.5\nMarmot\t2019-08-07"
    assert read(extractor, WORKBOOK.encode(), b"cash.xls").text.startswith("Cash\n")


def test_a_package_in_one_piece_is_read(extractor: FileExtractor) -> None:
    assert read(extractor, PACKAGE.encode(), b"flat.xml").text == "Flatwater"


def test_a_damaged_one_is_read_around_the_damage(extractor: FileExtractor) -> None:
    """Behind it, words are in their paragraphs too, and what is no text is not shown."""
    document = read(extractor, WORKBOOK[:-80].encode(), b"cash.xml")
    assert "Rent" in document.text
    assert "<" not in document.text
    package = PACKAGE.replace("water", "water &wrong; lake</w:t></w:r></w:p><w:p><w:r><w:t>la</w:t><w:t>goon &amp; sea")
    document = read(extractor, package.encode(), b"flat.xml")
    assert document.text.split("\n") == ["Flat", "", "water &wrong; lake", "lagoon & sea"]
    assert str(document.unread_parts) == "1 of 1 part could not be read: the markup behind the damage (corrupt)"
    assert "Rent" in read(extractor, WORKBOOK[WORKBOOK.index("<Row") :].encode(), b"cash.xml").text
