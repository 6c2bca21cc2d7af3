"""Words that are drawn as shapes (WordArt) are read, in documents of Office old and new."""

from __future__ import annotations

import struct
import time

from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.office.drawn_words import drawn_words
from tests.integration.text.reading import lines, read
from tests.plugins.ole import (
    compound_file,
    drawn_word,
    holder,
    record,
    shape,
    streams_of_presentation,
    word_97,
)
from tests.plugins.pictures import word_document_of


def test_words_that_are_drawn_as_shapes_are_read(extractor: FileExtractor) -> None:
    parts = [
        holder(1000, holder(4080, record(1011, struct.pack("<IIIII", 2, 0, 0, 256, 0)))),
        holder(1006, holder(0xF004, drawn_word("Summer fête\r\nat the quay")), shape("bring a cake")),
    ]
    slides = compound_file(streams_of_presentation(parts))
    letter = word_97("see below\r", streams={"0Table": bytes(99) + drawn_word("DRAFT"), "Data": drawn_word("Fête")})
    in_pict = '<w:r><w:pict><v:shape><v:textpath string="{}"/></v:shape></w:pict></w:r>'
    namespaces = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:v="v"'
    header = f"<w:hdr {namespaces}><w:p>{in_pict.format('CONFIDENTIAL')}</w:p></w:hdr>"
    later = word_document_of("see below", more={"word/header1.xml": header.encode()})
    assert lines(read(extractor, slides, b"a.ppt").text) == ["Summer fête", "at the quay", "bring a cake"]
    assert lines(read(extractor, letter, b"a.doc").text) == ["see below", "DRAFT", "Fête"]
    assert lines(read(extractor, later, b"a.docx").text) == ["see below", "CONFIDENTIAL"]


def test_damaged_properties_of_shapes_have_no_words() -> None:
    whole = drawn_word("DRAFT CONTRACT")
    assert list(drawn_words(b"\x03" * 7 + whole)) == ["DRAFT CONTRACT"]
    for damaged in (whole[:-40], whole[:9], whole[:8] + b"\xff" * 60, b"\xf3\xff" + whole[2:]):
        assert list(drawn_words(damaged)) == []


def test_many_false_properties_of_shapes_take_no_time() -> None:
    false = b"\xf3\xff\x0b\xf0" + struct.pack("<I", 4095 * 6)
    value = "DRAFT ".encode("utf-16-le") * 300
    inside = record(0xF00B, struct.pack("<HI", 0xC0C0, len(value)), instance=1, version=3) * 20_000 + value
    whole = record(0xF00B, struct.pack("<HI", 0x00FF, 1) + inside, instance=1, version=3)
    started = time.process_time()
    assert list(drawn_words(false * 200_000 + bytes(30_000) + drawn_word("DRAFT"))) == ["DRAFT"]
    assert list(drawn_words(whole + drawn_word("DRAFT"))) == ["DRAFT"]
    assert time.process_time() - started < 5
