"""What documents hold beside their text is read."""

from __future__ import annotations

import io
import zipfile
from typing import Final

import pytest

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
from tests.plugins.ole import word_97
from tests.plugins.pictures import word_document_of


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


def test_what_the_menu_of_a_cell_of_opendocument_lets_choose_is_read(extractor: FileExtractor) -> None:
    condition = "of:cell-content-is-in-list(&quot;rent&quot;;&quot;riding school&quot;)"
    body = f'<o xmlns:table="{_T}"><table:content-validation table:name="v" table:condition="{condition}"/></o>'
    content = container({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": body})
    text = read(extractor, content, b"a.ods").text
    assert "rent" in text
    assert "riding school" in text


@pytest.mark.parametrize("types", ["[Content_Types].xml", "[content_types].xml"])
def test_a_document_whose_parts_have_the_separators_of_windows_is_read(extractor: FileExtractor, types: str) -> None:
    header = '<w:hdr xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:p><w:r><w:t>Halberdier'
    content = word_document_of("the marsh", more={"word/header1.xml": f"{header}</w:t></w:r></w:p></w:hdr>".encode()})
    with zipfile.ZipFile(io.BytesIO(content)) as usual:
        members = {name.replace("/", "\\"): usual.read(name) for name in usual.namelist()}
    members[types] = members.pop("[Content_Types].xml")
    document = read(extractor, container(members), b"a.docx")
    assert document.text.split() == ["the", "marsh", "Halberdier"]
