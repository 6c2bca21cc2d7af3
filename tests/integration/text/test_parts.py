"""What documents hold beside their text is read."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Final

import pytest

from magicfs.text.analysis import analyze
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import (
    CONTENT_TYPES,
    DRAWING,
    SHEET,
    WORD,
    container,
    presentation,
    text_document,
    word_document,
    workbook,
)
from tests.plugins.excel import number, workbook_97
from tests.plugins.ole import compound_file, record, word_97
from tests.plugins.pdf import pdf_file, pdf_of_objects


def test_parts_of_a_text_document_follow_its_text(extractor: FileExtractor) -> None:
    content = word_document(
        header1="Halberdier",
        footer2="Marchmont",
        footnotes="a footnote",
        endnotes="an endnote",
        comments="quartermaster",
    )
    text = read(extractor, content, b"a.docx").text
    assert text.startswith("running text")
    assert all(word in text for word in ("Halberdier", "Marchmont", "a footnote", "an endnote", "quartermaster"))


@pytest.mark.parametrize("folder", ["word", "content"])
def test_a_document_may_have_any_name_in_its_package(extractor: FileExtractor, folder: str) -> None:
    with zipfile.ZipFile(io.BytesIO(word_document(header1="Halberdier"))) as usual:
        members = {name: usual.read(name).decode() for name in usual.namelist()}
    document, header = members.pop("word/document.xml"), members.pop("word/header1.xml")
    relation = 'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    members |= {
        "_rels/.rels": f'<Relationships><Relationship Id="r1" {relation}thumbnail" Target="docProps/thumbnail.emf"/>'
        f'<Relationship Id="r2" {relation}officeDocument" Target="/{folder}/document2.xml"/></Relationships>',
        f"{folder}/document2.xml": document,
        f"{folder}/_rels/document2.xml.rels": f'<Relationships><Relationship Id="r1" {relation}hyperlink"'
        ' Target="https://example.org/plots" TargetMode="External"/></Relationships>',
        f"{folder}/header1.xml": header,
        "word/styles.xml" if folder != "word" else "word/settings.xml": f"<w:root {WORD}/>",
    }
    document_read = read(extractor, container(members), b"a.docx")
    assert document_read.text.startswith("running text")
    assert "Halberdier" in document_read.text
    assert "https://example.org/plots" in document_read.text
    assert document_read.unread_parts is None


def test_formats_and_links_in_tables_are_no_marks(extractor: FileExtractor) -> None:
    def run(text: str, properties: str = "") -> str:
        return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'

    word = run("Bit", "<w:b/>") + run("tern") + run(" in the ", "<w:i/>") + run("reeds", '<w:u w:val="single"/>')
    link = f'<w:hyperlink w:anchor="x">{run("a link", "<w:strike/>")}</w:hyperlink>'
    table = f"<w:tbl><w:tr><w:tc><w:p>{word}</w:p></w:tc><w:tc><w:p>{link}</w:p></w:tc></w:tr></w:tbl>"
    text = read(extractor, word_document(f"x</w:t></w:r></w:p>{table}<w:p><w:r><w:t>end"), b"a.docx").text
    assert text.split() == ["x", "Bittern", "in", "the", "reeds", "a", "link", "end"]


def test_choices_and_links_of_fields_are_read(extractor: FileExtractor) -> None:
    body = (
        f"<w:document {WORD}><w:body><w:p><w:r><w:t>plan</w:t></w:r><w:r><w:fldChar><w:ffData><w:ddList>"
        '<w:listEntry w:val="half shade"/></w:ddList></w:ffData></w:fldChar></w:r><w:sdt><w:sdtPr><w:dropDownList>'
        '<w:listItem w:displayText="full sun" w:value="2"/></w:dropDownList></w:sdtPr></w:sdt>'
        '<w:r><w:instrText> HYPERLINK "https://plots.example.org/7" </w:instrText></w:r></w:p></w:body></w:document>'
    )
    content = container({"[Content_Types].xml": CONTENT_TYPES, "word/document.xml": body})
    text = read(extractor, content, b"a.docx").text
    for words in ("half shade", "full sun", "https://plots.example.org/7"):
        assert words in text
    assert "HYPERLINK" not in text


def test_a_header_that_is_the_same_on_all_pages_is_read_once(extractor: FileExtractor) -> None:
    content = word_document(header1="Halberdier", header2="Halberdier", header3="Halberdier")
    assert read(extractor, content, b"a.docx").text.count("Halberdier") == 1


def test_a_damaged_part_costs_that_part_alone(extractor: FileExtractor) -> None:
    text = read(extractor, word_document(header1="</w:t>broken", comments="quartermaster"), b"a.docx").text
    assert "running text" in text
    assert "quartermaster" in text


_O = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:svg="svg" xmlns:dc="dc" xmlns:meta="meta"'
)


def test_what_the_running_text_of_a_text_document_lacks_follows_it(extractor: FileExtractor) -> None:
    body = (
        f"<w:document {WORD}><w:body><w:p><w:r><w:t>running text</w:t></w:r></w:p><w:p><w:r><w:drawing>"
        '<docPr name="1" descr="a heron in the reeds"/><txbx><w:p><w:r><w:t>boxed pangolin</w:t></w:r></w:p></txbx>'
        "</w:drawing><w:t>outer okapi</w:t></w:r></w:p></w:body></w:document>"
    )
    content = container(
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "word/document.xml": body,
            "word/comments.xml": f'<w:comments {WORD}><w:comment w:author="Rosalind"><w:p><w:r><w:t>why</w:t></w:r>'
            "</w:p></w:comment></w:comments>",
            "word/charts/chart1.xml": f'<c:c xmlns:c="c" {DRAWING}><a:p><a:r><a:t>chart of tides</a:t></a:r></a:p>'
            "<c:pt><c:v>Fossa</c:v></c:pt></c:c>",
            "word/diagrams/data1.xml": f"<d {DRAWING}><a:p><a:r><a:t>smart binturong</a:t></a:r></a:p></d>",
            "docProps/custom.xml": '<P xmlns:vt="v"><p><vt:lpwstr>client serval</vt:lpwstr></p>'
            "<p><vt:lpwstr>0x010100F35A021CA6B158</vt:lpwstr></p>"
            "<p><vt:lpwstr>{2D98ED56-14E4-4a1c-9f00-0123456789ab}</vt:lpwstr></p></P>",
        }
    )
    text = read(extractor, content, b"a.docx").text
    for words in ("heron", "pangolin", "okapi", "Rosalind", "tides", "Fossa", "binturong", "serval"):
        assert words in text
    assert text.count("running text") == 1
    assert "0x01" not in text
    assert "14E4" not in text


@pytest.mark.parametrize("name", ["comments1", "comments/comment1", "threadedComments/threadedComment1"])
def test_comments_of_a_sheet_are_read_wherever_a_program_puts_them(extractor: FileExtractor, name: str) -> None:
    comments = (
        f"<comments {SHEET}><authors><author>Ignatius</author></authors><commentList><comment><text><r><t>on </t></r>"
    )
    comments += "<r><t>salsify</t></r></text></comment></commentList></comments>"
    text = read(extractor, workbook({f"xl/{name}.xml": comments}), b"a.xlsx").text
    assert "on salsify" in text
    assert "Ignatius" in text


def test_what_a_sheet_has_beside_its_cells_is_read(extractor: FileExtractor) -> None:
    sheet = (
        f'<worksheet {SHEET}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>artichoke</t></is></c></row>'
        '</sheetData><dataValidations><dataValidation prompt="pick a &quot;leek&quot;"/></dataValidations>'
        '<headerFooter><oddHeader>&amp;L&amp;"Arial,Bold"Rutabaga&amp;RPage &amp;P</oddHeader></headerFooter>'
        "</worksheet>"
    )
    drawing = f'<wsDr {DRAWING}><pic><cNvPr id="1" name="p" descr="a field of sorghum"/></pic></wsDr>'
    members = {"xl/worksheets/sheet1.xml": sheet, "xl/drawings/drawing1.xml": drawing}
    text = read(extractor, workbook(members, names=["VAT_radicchio"]), b"a.xlsx").text
    for words in ("artichoke", 'pick a "leek"', "Rutabaga", "sorghum", "VAT_radicchio"):
        assert words in text
    assert "Arial" not in text


@pytest.mark.parametrize("kind", ["text", "spreadsheet"])
def test_annotations_and_headers_of_opendocument_are_read(extractor: FileExtractor, kind: str) -> None:
    paragraph = (
        "<text:p>running <text:span>te</text:span>xt<office:annotation><dc:creator>Rosalind</dc:creator>"
        "<text:p>about gneiss</text:p></office:annotation><svg:desc>picture of olivine</svg:desc></text:p>"
    )
    table = f'<table:table xmlns:table="{_T}"><table:table-row><table:table-cell>{paragraph}</table:table-cell>'
    table += "</table:table-row></table:table>"
    body = paragraph if kind == "text" else table
    content = container(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {_O}><office:body><office:{kind}>{body}</office:{kind}>"
            "</office:body></office:document-content>",
            "META-INF/manifest.xml": "<manifest/>",
            "styles.xml": f"<office:document-styles {_O}><office:styles><text:p>Default</text:p>"
            "</office:styles><office:master-styles><text:p>the obsidian header</text:p>"
            "</office:master-styles></office:document-styles>",
            "meta.xml": f"<office:document-meta {_O}><office:meta><meta:initial-creator>Kunigunde"
            "</meta:initial-creator></office:meta></office:document-meta>",
        }
    )
    text = read(extractor, content, b"a.od" + kind[:1].encode()).text
    for words in ("gneiss", "Rosalind", "olivine", "obsidian", "Kunigunde"):
        assert words in text
    assert "Default" not in text


_T = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<html><head><title>only a Zirkuszelt</title></head><body></body></html>", "Zirkuszelt"),
        ("<title>Merry-go-round</title><p>text</p>", "Merry-go-round"),
        ("<p>text</p><img src=x alt='two g&ouml;ulls'>", "göulls"),
        ("<p>text</p><details><summary>more</summary>about eels</details><button>Order mackerel</button>", "mackerel"),
    ],
)
def test_what_a_page_shows_beside_its_running_text_is_read(extractor: FileExtractor, page: str, words: str) -> None:
    document = read(extractor, page.encode(), b"a.html")
    assert words in document.text + (document.title or "")


def test_values_and_notes_of_a_pdf_file_stand_on_their_page(extractor: FileExtractor) -> None:
    document = read(extractor, _pdf_with_form(), b"form.pdf")
    first, second = document.text[: document.page_starts[1]], document.text[document.page_starts[1] :]
    assert "surname: Featherstone" in first
    assert "colour: Yes" in first
    assert "Vermeidung" in second
    assert "page one" in first
    assert "page two" in second


def test_what_belongs_to_no_page_of_a_pdf_file_is_read(extractor: FileExtractor) -> None:
    document = read(extractor, pdf_of_objects(_PDF_PARTS), b"a.pdf")
    for words in (
        "Rosalind: about gneiss",
        "rich kaleidoscope",
        "Pruning wisteria",
        "ledger-pomegranate.xlsx",
        "surname: Featherstone",
        "country: Switzerland (ch)",
    ):
        assert document.text.count(words) == 1


_PDF_PARTS: Final = [
    b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[8 0 R]>>/Outlines<</First 9 0 R>>/Names<</EmbeddedFiles 10 0 R>>>>",
    b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
    b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    b"<</Type/Page/Parent 2 0 R/Resources<</Font<</F 3 0 R>>>>/Contents 11 0 R/Annots[5 0 R 6 0 R 7 0 R]>>",
    b"<</Type/Annot/Subtype/Highlight/T(Rosalind)/Contents(about gneiss)/Rect[0 0 9 9]>>",
    b"<</Type/Annot/Subtype/FreeText/RC(<body><p>rich <b>kaleidoscope</b></p></body>)/Rect[0 0 9 9]>>",
    b"<</Type/Annot/Subtype/Widget/FT/Ch/T(country)/V(ch)/Opt[[(de)(Germany)][(ch)(Switzerland)]]/Rect[0 0 9 9]>>",
    b"<</FT/Tx/T(surname)/V(Featherstone)>>",
    b"<</Title(Pruning wisteria)/Next 9 0 R/First 9 0 R>>",
    b"<</Kids[<</Names[(a)<</Type/Filespec/F(ledger-pomegranate.xlsx)>>]>>]>>",
    b"<</Length 45>>stream\nBT /F 20 Tf 50 700 Td (text of the page) Tj ET   \nendstream",
]


def _pdf_with_form() -> bytes:
    def stream(text: bytes) -> bytes:
        drawing = b"BT /F 20 Tf 50 700 Td (%s) Tj ET" % text
        return b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing)

    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R/Annots[%s]>>"
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[8 0 R 9 0 R]>>>>",
        b"<</Type/Pages/Kids[4 0 R 5 0 R]/Count 2>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        page % (6, b"8 0 R 9 0 R"),
        page % (7, b"10 0 R"),
        stream(b"this is page one of it"),
        stream(b"this is page two of it"),
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(surname)/V(Featherstone)/Rect[0 0 9 9]>>",
        b"<</Type/Annot/Subtype/Widget/FT/Btn/T(colour)/V/Yes/Rect[0 0 9 9]>>",
        b"<</Type/Annot/Subtype/Text/Contents<FEFF005600650072006D0065006900640075006E0067>/Rect[0 0 9 9]>>",
    ]
    return pdf_of_objects(objects)


def test_what_the_fields_of_a_form_say_is_read(extractor: FileExtractor) -> None:
    fields = [
        b"/FT/Btn/Ff 65536/T(b1)/MK<</CA(Request a kayak)>>",
        b"/FT/Btn/T(b2)/MK<</CA(4)>>",
        b"/FT/Ch/T(berth)/Opt[(Jetty)[(q)(Quay wall)]]",
        b"/FT/Ch/T(country)/Opt[" + b"".join(b"(Country %d)" % number for number in range(200)) + b"]",
        b"/FT/Sig/T(sig)/V<</Type/Sig/Name(Ada Featherstone)/Reason(I approve of kelp)/M(D:20240612183000Z)>>",
    ]
    widgets = b"".join(b"<</Type/Annot/Subtype/Widget%s/Rect[0 0 9 9]>>" % field for field in fields)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Annots[%s]>>" % widgets,
    ]
    lines = read(extractor, pdf_of_objects(objects), b"a.pdf").text.split()
    assert " ".join(lines) == ("Request a kayak Jetty Quay wall sig: Ada Featherstone, I approve of kelp, 2024-06-12")


def test_a_word_that_is_divided_in_a_pdf_file_is_whole_in_the_index(extractor: FileExtractor) -> None:
    page = "The council heard the electri-\ncian and the archae-\nologist before the vote was taken"
    text = read(extractor, pdf_file(page), b"a.pdf").text
    words = analyze(text)
    assert "'electrician'" in words
    assert "'archaeologist'" in words
    assert text.count("council") == 1


@pytest.mark.parametrize(
    ("name", "relations"),
    [
        (b"a.docx", "word/_rels/document.xml.rels"),
        (b"a.xlsx", "xl/worksheets/_rels/sheet1.xml.rels"),
        (b"a.pptx", "ppt/slides/_rels/slide1.xml.rels"),
    ],
)
def test_addresses_of_links_are_read(extractor: FileExtractor, name: bytes, relations: str) -> None:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
    links = "".join(
        f'<Relationship Id="l{n}" Type="{kind}" Target="{target}" TargetMode="External"/>'
        for n, target in enumerate(["https://seerose.example/?a=1&amp;b=2", "#S!A1"])
    )
    documents = {
        b"a.docx": word_document(),
        b"a.xlsx": workbook({}),
        b"a.pptx": presentation("a slide", notes="notes"),
    }
    with zipfile.ZipFile(io.BytesIO(documents[name])) as before:
        members = {member: before.read(member).decode() for member in before.namelist()}
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    members[relations] = f'<Relationships xmlns="{package}">{links}</Relationships>'
    text = read(extractor, container(members), name).text
    assert text.count("https://seerose.example/?a=1&b=2") == 1
    assert "#S" not in text


def test_what_a_text_of_opendocument_states_and_embeds_is_read(extractor: FileExtractor) -> None:
    with zipfile.ZipFile(io.BytesIO(text_document("running text", header="a header"))) as before:
        members = {member: before.read(member).decode() for member in before.namelist()}
    link = '<text:a xlink:href="https://seerose.example/" xmlns:xlink="http://www.w3.org/1999/xlink">here</text:a>'
    members["content.xml"] = members["content.xml"].replace("running text", f"running text {link}")
    members["meta.xml"] = (
        f"<office:document-meta {_O}><office:meta><meta:user-defined>file 4711</meta:user-defined>"
        "</office:meta></office:document-meta>"
    )
    members["Object 1/content.xml"] = (
        f"<office:document-content {_O}><office:body><office:chart><text:p>tons of gypsum</text:p>"
        "</office:chart></office:body></office:document-content>"
    )
    text = read(extractor, container(members), b"a.odt").text
    assert text.startswith("running text here")
    assert all(words in text for words in ("seerose.example", "file 4711", "tons of gypsum"))


@pytest.mark.parametrize("name", [b"a.docx", b"a.xlsx", b"a.pptx"])
def test_documents_inside_of_a_document_are_read(extractor: FileExtractor, name: bytes) -> None:
    documents = {
        b"a.docx": ("word", word_document()),
        b"a.xlsx": ("xl", workbook({})),
        b"a.pptx": ("ppt", presentation("a slide", notes="notes")),
    }
    folder, content = documents[name]
    data = io.BytesIO(content)
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(f"{folder}/embeddings/Microsoft_Word_Document1.docx", word_document("a rutabaga pie"))
        archive.writestr(f"{folder}/embeddings/Microsoft_Word_Document2.docx", b"PK\x03\x04 damaged")
    document = read(extractor, data.getvalue(), name)
    assert "a rutabaga pie" in document.text
    assert "Microsoft_Word_Document2.docx" in str(document.unread_parts)


def _package(name: str, content: bytes, *, wide_name: str = "") -> bytes:
    """What Windows packs a file into that is put into a document."""
    path = rb"C:\Temp" + b"\\" + name.encode("cp1252") + b"\0"
    body = b"\x02\0" + name.encode("cp1252") + b"\0" + path + b"\0\0\x03\0" + struct.pack("<I", len(path)) + path
    body += struct.pack("<I", len(content)) + content
    for wide in (rf"C:\Temp\{wide_name}", wide_name) if wide_name else ():
        body += struct.pack("<I", len(wide)) + wide.encode("utf-16-le")
    return struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("name", [b"a.docx", b"a.xlsx", b"a.pptx", b"a.doc", b"a.xls", b"a.ppt"])
def test_files_that_are_put_into_a_document_are_read(extractor: FileExtractor, name: bytes) -> None:
    objects = {
        "1/\x01Ole10Native": _package("Größe.txt", b"a rutabaga pie"),
        "2/\x01Ole10Native": _package("_.txt", "вокзал".encode(), wide_name="вокзал.txt"),
        "3/CONTENTS": pdf_file("page of gneiss"),
        "4/Package": word_document("a document of tansy"),
        "5/CONTENTS": b"what a drawing program keeps",
        "6/\x01Ole10Native": b"\x24\0\0\0\x02\0cut off",
    }
    documents = {b"a.docx": ("word", word_document()), b"a.xlsx": ("xl", workbook({}))}
    documents[b"a.pptx"] = ("ppt", presentation("a slide", notes="notes"))
    streams = {f"ObjectPool/_{path}": data for path, data in objects.items()}
    if name == b"a.doc":
        content = word_97("running text", streams=streams)
    elif name == b"a.xls":
        content = workbook_97({"first": [number(0, 0, 1)]}, streams=streams)
    elif name == b"a.ppt":
        packed = record(0x1011, bytes(4) + zlib.compress(compound_file(objects)), instance=1)
        content = compound_file({"PowerPoint Document": record(1, b"ab") + packed})
    else:
        folder, document = documents[name]
        target = io.BytesIO(document)
        with zipfile.ZipFile(target, "a") as archive:
            archive.writestr(f"{folder}/embeddings/oleObject1.bin", compound_file(objects))
        content = target.getvalue()
    text = read(extractor, content, name).text
    words = ("Größe.txt", "a rutabaga pie", "вокзал.txt", "page of gneiss", "a document of tansy")
    assert [word for word in words if word not in text] == []
    assert "drawing" not in text


def test_a_document_of_word_97_inside_of_a_document_is_read_with_its_files(extractor: FileExtractor) -> None:
    inner = word_97("a rutabaga pie", streams={"ObjectPool/_1/\x01Ole10Native": _package("a.txt", b"with tansy")})
    data = io.BytesIO(word_document())
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("word/embeddings/oleObject1.bin", inner)
    text = read(extractor, data.getvalue(), b"a.docx").text
    assert "a rutabaga pie" in text
    assert "with tansy" in text


def test_embedded_documents_that_are_not_read_are_counted(extractor: FileExtractor) -> None:
    data = io.BytesIO(word_document("running text"))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/embeddings/large0.doc", b"\0" * ((32 << 20) + 1))
        archive.writestr("word/embeddings/broken1.doc", b"rutabaga", zipfile.ZIP_STORED)
        for number in range(2, 102):
            archive.writestr(f"word/embeddings/small{number}.doc", b"", zipfile.ZIP_STORED)
    unread = read(extractor, data.getvalue().replace(b"rutabaga", b"rutabagA"), b"a.docx").unread_parts
    assert unread is not None
    assert {part.name for part in unread.some} == {"broken1.doc", "large0.doc", "small100.doc", "small101.doc"}


_FURIGANA: Final = (
    "<w:r><w:t>古い</w:t></w:r>"
    + "".join(
        f'<w:r><w:ruby><w:rubyPr><w:rubyAlign w:val="center"/></w:rubyPr><w:rt><w:r><w:t>{reading}</w:t></w:r></w:rt>'
        f"<w:rubyBase><w:r><w:t>{base}</w:t></w:r></w:rubyBase></w:ruby></w:r>"
        for base, reading in (("漢", "かん"), ("字", "じ"))
    )
    + "<w:r><w:t>の本</w:t></w:r>"
)
_RUBY: Final = "".join(
    f"<text:ruby><text:ruby-base>{base}</text:ruby-base><text:ruby-text>{reading}</text:ruby-text></text:ruby>"
    for base, reading in (("漢", "かん"), ("字", "じ"))
)
_READ_AS: Final = r'\* jc2 \* "Font:MS Mincho" \* hps11 \o\ad(\s\up 10({reading}),{base})'


def _furigana(name: bytes) -> bytes:
    pairs = (("漢", "かん"), ("字", "じ"))
    if name == b"a.docx":
        with zipfile.ZipFile(io.BytesIO(word_document("MARK"))) as usual:
            members = {member: usual.read(member).decode() for member in usual.namelist()}
        text = members["word/document.xml"]
        members["word/document.xml"] = text.replace("<w:r><w:t>MARK</w:t></w:r>", _FURIGANA)
        return container(members)
    if name == b"a.odt":
        return text_document(f"古い{_RUBY}の本", header="a header")
    codes = [f"EQ {_READ_AS.format(reading=reading, base=base)}" for base, reading in pairs]
    if name == b"a.doc":
        return word_97("古い" + "".join(f"\x13{code}\x15" for code in codes) + "の本 \x13eq \\o\\ac(○,7)\x15\r")
    escaped = [code.replace("\\", "\\\\") for code in codes]
    escaped = ["".join(f"\\u{ord(sign)}?" if sign > "\x7f" else sign for sign in code) for code in escaped]
    fields = "".join(r"{\field{\*\fldinst " + code + r"}{\fldrslt}}" for code in escaped)
    return (r"{\rtf1\ansi \u21476?\u12356?" + fields + r"\u12398?\u26412?\par}").encode()


@pytest.mark.parametrize("name", [b"a.docx", b"a.odt", b"a.doc", b"a.rtf"])
def test_words_whose_characters_have_their_reading_above_are_whole(extractor: FileExtractor, name: bytes) -> None:
    text = read(extractor, _furigana(name), name).text
    assert "古い漢字の本" in text
    assert "かん" in text
    assert "かん漢" not in text
    assert "7" in text or name != b"a.doc"


def test_what_all_slides_show_is_read(extractor: FileExtractor) -> None:
    shape = "<sp><nvSpPr><nvPr>{place}</nvPr></nvSpPr><txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></txBody></sp>"
    shapes = shape.format(place="", words="Rutabaga Ltd") + shape.format(place='<ph type="title"/>', words="Click here")
    data = io.BytesIO(presentation("a slide", notes="notes"))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("ppt/slideMasters/slideMaster1.xml", f'<sldMaster xmlns:a="a">{shapes}</sldMaster>')
    text = read(extractor, data.getvalue(), b"a.pptx").text
    assert "Rutabaga Ltd" in text
    assert "Click here" not in text


@pytest.mark.parametrize("name", ["afchunk.htm", "afchunk.mht"])
def test_what_word_is_left_to_put_into_a_text_is_read(extractor: FileExtractor, name: str) -> None:
    page = "<html><body><p>a rutabaga pie</p></body></html>"
    data = io.BytesIO(word_document(""))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(f"word/{name}", page if name.endswith("htm") else f"Content-Type: text/html\n\n{page}")
    assert "a rutabaga pie" in read(extractor, data.getvalue(), b"a.docx").text


def test_what_the_menu_of_a_cell_lets_choose_is_read(extractor: FileExtractor) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/><dataValidations>'
        '<dataValidation type="list"><formula1>"rent,riding school"</formula1></dataValidation><dataValidation>'
        "<formula1>&quot;lea&amp;se&quot;</formula1></dataValidation></dataValidations></worksheet>"
    )
    text = read(extractor, workbook({"xl/worksheets/sheet1.xml": sheet}), b"a.xlsx").text
    assert "rent,riding school" in text
    assert "lea&se" in text


def test_texts_in_formulas_without_a_value_are_read(extractor: FileExtractor) -> None:
    cells = (
        '<c r="A1"><f>IF(B1&gt;1,"a rutabaga pie","say ""ahoy""")</f><v></v></c>'
        '<c r="B1"><f>VLOOKUP("gypsum",A:A,1)</f></c>'
        '<c r="C1" t="str"><f>CONCATENATE("obsi","dian")</f><v>obsidian</v></c>'
    )
    sheet = f'<worksheet {SHEET}><sheetData><row r="1">{cells}</row></sheetData></worksheet>'
    text = read(extractor, workbook({"xl/worksheets/sheet1.xml": sheet}), b"a.xlsx").text
    assert all(words in text for words in ("a rutabaga pie", 'say "ahoy"', "gypsum", "obsidian"))
    assert "CONCATENATE" not in text
    assert "obsi\n" not in text
