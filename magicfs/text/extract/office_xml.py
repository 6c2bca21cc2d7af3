"""Reads documents of Microsoft Office in one piece of XML: those of Word and Excel 2003, and flat packages.

Runs in the child process, called by `document_parser`. The XML parser of the standard library (expat) stops entities
that expand without end. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document
from magicfs.text.extract.file_types import OFFICE_XML

OFFICE_XML_TYPES: Final = frozenset(OFFICE_XML.values())

_SHEETS: Final = OFFICE_XML[b"Workbook"]
_SPACES: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_PROPERTIES: Final = "DocumentProperties"
_STATED: Final = frozenset({"Keywords", "Subject", "Description", "Category"})
_SEPARATOR: Final = "\n\n"


def read_office_xml(content: bytes, mime_type: str) -> Document:
    """The text of a document, in UTF-8; of a workbook, its sheets with their names, a row a line.

    Raises `ET.ParseError` for a damaged file.
    """
    root = ET.fromstring(content.decode("utf-8"))  # noqa: S314  (see the module's docstring)
    stated = {_local(element): element.text for properties in _named(root, _PROPERTIES) for element in properties}
    keywords = [stated[name] for name in sorted(_STATED & stated.keys())]
    return Document(
        text=_SEPARATOR.join(_sheets(root) if mime_type == _SHEETS else _paragraphs(root)),
        mime_type=mime_type,
        title=stated.get("Title"),
        author=stated.get("Author"),
        keywords=", ".join(filter(None, keywords)) or None,
    )


def _paragraphs(root: ET.Element) -> Iterator[str]:
    """Yield the paragraphs, those in boxes too, which stand inside of others."""
    for paragraph in _named(root, "p"):
        text = "".join(_paragraph_text(paragraph)).strip()
        if text:
            yield text


def _paragraph_text(element: ET.Element) -> Iterator[str]:
    """Yield the text of a paragraph without that of nested paragraphs, which the caller visits on its own."""
    for child in element:
        name = _local(child)
        if name in {"t", "delText"}:
            yield child.text or ""
        elif name in _SPACES:
            yield _SPACES[name]
        elif name != "p":
            yield from _paragraph_text(child)


def _sheets(root: ET.Element) -> Iterator[str]:
    for sheet in _named(root, "Worksheet"):
        name = next((value for key, value in sheet.attrib.items() if key.rpartition("}")[2] == "Name"), "")
        rows = ("\t".join(filter(None, map(_cell, row))) for row in _named(sheet, "Row"))
        yield "\n".join(filter(None, [name, *rows]))


def _cell(cell: ET.Element) -> str:
    """The value of a cell and its comment. A day comes without the midnight that is written after it."""
    texts = (" ".join("".join(data.itertext()).split()) for data in _named(cell, "Data"))
    return " ".join(text.removesuffix("T00:00:00.000") for text in texts)


def _named(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield the elements of a local name, in order."""
    return (element for element in root.iter() if _local(element) == name)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
