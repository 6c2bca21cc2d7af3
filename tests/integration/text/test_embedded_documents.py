"""Files inside of documents are read: as objects, packages and documents of their own."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

import pytest

from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.office.ole_files import OleFile
from tests.integration.text.reading import read
from tests.plugins.documents import (
    presentation,
    word_document,
    workbook,
)
from tests.plugins.excel import number, workbook_97
from tests.plugins.ole import compound_file, record, word_97
from tests.plugins.pdf import pdf_file


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
        archive.writestr(f"{folder}/media/image1.pdf", pdf_file("a chart of tansy"))
    document = read(extractor, data.getvalue(), name)
    assert "a rutabaga pie" in document.text
    assert "a chart of tansy" in document.text
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


def test_files_that_are_put_into_a_document_of_rtf_are_read(extractor: FileExtractor) -> None:
    def object_in_rtf(kind: bytes, content: bytes) -> bytes:
        texts = b"".join(struct.pack("<I", len(text)) + text for text in (kind + b"\0", b"", b""))
        data = struct.pack("<II", 0x501, 2) + texts + struct.pack("<I", len(content)) + content
        lines = re.findall(b".{1,128}", data.hex().encode())
        return rb"{\object\objemb{\*\objclass %s}{\*\objdata %s}}" % (kind, b"\r\n".join(lines))

    objects = [
        (b"Package", _package("_.txt", b"a rutabaga pie", wide_name="вокзал.txt")[4:]),
        (b"Word.Document.8", word_97("a document of tansy")),
        (b"AcroExch.Document", compound_file({"CONTENTS": pdf_file("page of gneiss")})),
        (b"Paint.Picture", b"what a drawing program keeps"),
        (b"Package", b""),
    ]
    cut = rb"{\*\objdata 0105}"
    content = rb"{\rtf1\ansi running text%s%s}" % (b"".join(object_in_rtf(*one) for one in objects), cut)
    document = read(extractor, content, b"a.rtf")
    words = ("running text", "вокзал.txt", "a rutabaga pie", "a document of tansy", "page of gneiss")
    assert [word for word in words if word not in document.text] == []
    assert "drawing" not in document.text
    assert document.unread_parts is None


def test_a_document_of_word_97_inside_of_a_document_is_read_with_its_files(extractor: FileExtractor) -> None:
    inner = word_97("a rutabaga pie", streams={"ObjectPool/_1/\x01Ole10Native": _package("a.txt", b"with tansy")})
    data = io.BytesIO(word_document())
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("word/embeddings/oleObject1.bin", inner)
    text = read(extractor, data.getvalue(), b"a.docx").text
    assert "a rutabaga pie" in text
    assert "with tansy" in text


def test_documents_in_storages_of_an_old_document_are_read_with_those_inside_of_them(extractor: FileExtractor) -> None:
    def in_storage(storage: str, document: bytes) -> dict[str, bytes]:
        ole = OleFile(document)
        return {f"{storage}/{path}": ole.read(path) for path in ole.paths}

    inner = word_97("a rutabaga pie", streams=in_storage("ObjectPool/_1", workbook_97({"tansy": [number(0, 0, 4417)]})))
    content = word_97("running text", streams=in_storage("ObjectPool/_2", inner))
    document = read(extractor, content, b"a.doc")
    assert document.text.split() == ["running", "text", "a", "rutabaga", "pie", "tansy", "4417"]
    assert document.unread_parts is None


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
