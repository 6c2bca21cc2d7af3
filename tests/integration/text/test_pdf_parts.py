"""What PDF files hold beside the text of their pages is read."""

from __future__ import annotations

from typing import Final

from magicfs.domain.contents import UnreadPart
from magicfs.domain.files import SkipReason
from magicfs.text.analysis import analyze
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.integration.text.reading import read
from tests.plugins.pdf import pdf_file, pdf_of_objects, pdf_with_many_annotations


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


def test_forms_of_adobes_designer_are_read(extractor: FileExtractor) -> None:
    """Of which the only page asks to wait."""
    countries = b"".join(b"<text>country %d</text>" % number for number in range(60))
    template = (
        b"""<template xmlns="http://www.xfa.org/schema/xfa-template/2.8/"><subform><field name="a">
        <bind match="none"/><value><text maxChars="9"/></value><value><integer>77</integer></value>
        <caption><value><text>Name of the boat</text></value></caption><items><text>sloop</text></items></field>
        <field><items>%s</items><bind><picture>hidden</picture></bind></field>
        <draw><value><exData contentType="text/html"><body xmlns="x"><p>Please
        <b>moor</b> &amp; sign</p></body></exData></value></draw>
        <event><script>var text = "hidden";</script></event></subform></template>"""
        % countries
    )
    data = b'<xfa:datasets xmlns:xfa="x"><xfa:data><form><a>Halcyon</a><b>Skarholm</b></form></xfa:data></xfa:datasets>'
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/XFA[(template)6 0 R(datasets)7 0 R]>>>>",
        *_PDF_PARTS[1:3],
        b"<</Type/Page/Parent 2 0 R/Resources<</Font<</F 3 0 R>>>>/Contents 5 0 R>>",
        _PDF_PARTS[10],
        *(b"<</Length %d>>stream\n%s\nendstream" % (len(xml), xml) for xml in (template, data)),
    ]
    document = read(extractor, pdf_of_objects(objects), b"a.pdf")
    lines = ["Name of the boat", "sloop", "Please moor & sign", "Halcyon", "Skarholm"]
    assert document.text.split("text of the page")[1].split() == " ".join(lines).split()


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


def test_what_a_signature_and_a_stamp_show_is_read(extractor: FileExtractor) -> None:
    def drawing(resources: bytes, commands: bytes) -> bytes:
        head = b"/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<<%s>>/Length %d" % (resources, len(commands))
        return b"<<%s>>stream\n%s\nendstream" % (head, commands)

    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Annots[4 0 R 5 0 R 6 0 R]>>",
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(sig)/V<</Type/Sig/Reason(kelp)>>/AP<</N 7 0 R>>/Rect[0 0 9 9]>>",
        b"<</Type/Annot/Subtype/Stamp/AP<</N 8 0 R>>/Rect[0 0 9 9]>>",
        b"<</Type/Annot/Subtype/Stamp/Contents(sent by ferry)/AP<</N 10 0 R>>/Rect[0 0 9 9]>>",
        drawing(b"/XObject<</F 8 0 R>>", b"q /F Do Q"),
        drawing(b"/Font<</F 9 0 R>>", b"BT /F 9 Tf 1 1 Td (Signed by Ada Featherstone) Tj ET"),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        drawing(b"/XObject 4 0 R", b"q /F Do <<"),
    ]
    lines = read(extractor, pdf_of_objects(objects), b"a.pdf").text.split("\n")
    assert [line for line in lines if line] == ["sig: kelp", "Signed by Ada Featherstone", "sent by ferry"]


def test_a_word_that_is_divided_in_a_pdf_file_is_whole_in_the_index(extractor: FileExtractor) -> None:
    page = "The council heard the electri-\ncian and the archae-\nologist before the vote was taken"
    text = read(extractor, pdf_file(page), b"a.pdf").text
    words = analyze(text)
    assert "'electrician'" in words
    assert "'archaeologist'" in words
    assert text.count("council") == 1


def test_annotations_that_take_minutes_cost_their_own_text_alone() -> None:
    with FileExtractor(limits=Limits(seconds=20)) as extractor:
        document = read(extractor, pdf_with_many_annotations("herons stand in the marsh"), b"a.pdf")
    assert document.text.strip() == "herons stand in the marsh"
    assert document.unread_parts is not None
    assert document.unread_parts.some == (UnreadPart("its fields, annotations and attached files", SkipReason.TIMEOUT),)


def test_the_value_of_a_field_may_be_a_stream(extractor: FileExtractor) -> None:
    value = "a kayak for Ångström".encode("utf-16")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Annots[4 0 R]>>",
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(wish)/V 5 0 R/Rect[0 0 9 9]>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(value), value),
    ]
    assert read(extractor, pdf_of_objects(objects), b"a.pdf").text.strip() == "wish: a kayak for Ångström"
