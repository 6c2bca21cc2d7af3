"""Reads the running text of office documents that kreuzberg refuses as a whole: it reads all of one or nothing.

Runs in the child process, called by `running_text`. What is read here is plainer: a paragraph or a row of a sheet a
line. Damaged members cost their own text alone. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.xml_documents import read_opendocument
from magicfs.text.extract.documents.xml_elements import attribute, local_name, named, parse_xml
from magicfs.text.extract.office.sheet_formats import WORKBOOK_TYPE
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

BOOK_TYPE: Final = "application/epub+zip"
_ODF: Final = "application/vnd.oasis.opendocument."

_SHEET: Final = re.compile(r"xl/(?:work|macro)sheets/[^/]+\.xml")
_SHARED: Final = "xl/sharedStrings.xml"
_BREAKS: Final = {"br": " ", "tab": "\t"}

_BOOK_PAGE: Final = re.compile(r"\.x?html?\Z", re.IGNORECASE)
_BOOK_TEXT: Final = re.compile(r"\.(?:x?html?|xml|opf|ncx)\Z|\Amimetype\Z", re.IGNORECASE)
_LINK_TAG: Final = re.compile(rb"</?a\b[^<>]{0,5000}>", re.IGNORECASE)


def read_refused(content: bytes, mime_type: str, *, parts: FileParts) -> Document | None:
    """The running text; None for a document of another type, and for one in which nothing is found.

    Missing and damaged sheets are counted. Raises one of `DAMAGE`.
    """
    if mime_type.startswith(_ODF):
        return read_opendocument(content, mime_type, parts=parts)
    if mime_type != WORKBOOK_TYPE:
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        pages = [clean(page) + PAGE_SEPARATOR for page in _sheets(container, parts)]
    if not pages:
        return None
    return Document(text="".join(pages), mime_type=mime_type)


def without_links(book: bytes) -> bytes:
    """A book whose pages have no links, at which kreuzberg may panic, and no pictures.

    A blank before a letter beyond ASCII in the text of a link is enough.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as container, zipfile.ZipFile(data, "w") as copy:
        for member in container.infolist():
            if _BOOK_TEXT.search(member.filename):
                text = container.read(member)
                copy.writestr(member, _LINK_TAG.sub(b"", text) if _BOOK_PAGE.search(member.filename) else text)
    return data.getvalue()


def _number(name: str) -> int:
    match = re.search(r"(\d+)\.\w+\Z", name)
    return int(match[1]) if match else 0


def _pieces(paragraph: ET.Element) -> Iterator[str]:
    for element in paragraph.iter():
        name = local_name(element)
        if name == "t":
            yield element.text or ""
        elif name in _BREAKS:
            yield _BREAKS[name]


def _sheets(container: zipfile.ZipFile, parts: FileParts) -> list[str]:
    """The text of each sheet; a row is a line."""
    names = container.namelist()
    strings: list[str] = []
    if _SHARED in names:
        try:
            shared = parse_xml(container.read(_SHARED))
            strings = ["".join(_pieces(entry)) for entry in named(shared, "si")]
        except DAMAGE:
            parts.add_unread(_SHARED)
    pages: list[str] = []
    for name in sorted(filter(_SHEET.fullmatch, names), key=_number):
        # `office_parts` reads each sheet too, and counts those that are damaged.
        try:
            sheet = parse_xml(container.read(name))
        except DAMAGE:
            continue
        rows = (
            "\t".join(filter(None, (_cell(cell, strings) for cell in named(row, "c")))) for row in named(sheet, "row")
        )
        pages.append("\n".join(filter(None, rows)))
    return pages


def _cell(cell: ET.Element, strings: list[str]) -> str:
    kind = attribute(cell, "t")
    if kind == "inlineStr":
        return "".join(_pieces(cell))
    value = next((element.text or "" for element in named(cell, "v")), "")
    if kind != "s":
        return value
    return strings[int(value)] if value.isdecimal() and int(value) < len(strings) else ""
