"""Reads documents of Microsoft Office in one piece of XML: those of Word and Excel 2003, and flat packages.

Runs in the child process, called by `own_readers`. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.xml_elements import BEHIND_DAMAGE, attribute, local_name, named, parse_around_damage
from magicfs.text.extract.documents.xml_texts import DELETED, SHOWN_AGAIN
from magicfs.text.extract.file_types import OFFICE_XML

OFFICE_XML_TYPES: Final = frozenset(OFFICE_XML.values())

_SHEETS: Final = OFFICE_XML[b"Workbook"]
_SPACES: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_DRAWN_WORDS: Final = "textpath"
"""An element with words that are drawn as a shape (WordArt)."""
_PROPERTIES: Final = "DocumentProperties"
_STATED: Final = frozenset({"Keywords", "Subject", "Description", "Category"})
_SEPARATOR: Final = "\n\n"


def read_office_xml(content: bytes, *, mime_type: str, parts: FileParts) -> Document:
    """The text of a document, in UTF-8; of a workbook, its sheets with their names, a row a line.

    Behind damage, it is what stands between the markup. Raises `ET.ParseError` for a file without a beginning.
    """
    root, rest = parse_around_damage(content.decode("utf-8"))
    if rest is not None:
        parts.add_unread(BEHIND_DAMAGE)
    stated = {local_name(element): element.text for properties in named(root, _PROPERTIES) for element in properties}
    keywords = [stated[name] for name in sorted(_STATED & stated.keys())]
    return Document(
        text=_SEPARATOR.join(filter(None, (*(_sheets(root) if mime_type == _SHEETS else _paragraphs(root)), rest))),
        mime_type=mime_type,
        title=stated.get("Title"),
        author=stated.get("Author"),
        keywords=", ".join(filter(None, keywords)) or None,
    )


def _paragraphs(root: ET.Element) -> Iterator[str]:
    """Yield the paragraphs, those in boxes too, which stand inside of others."""
    for paragraph in named(root, "p"):
        text = "".join(_paragraph_text(paragraph)).strip()
        if text:
            yield text


def _paragraph_text(element: ET.Element) -> Iterator[str]:
    """Yield the text of a paragraph without that of nested paragraphs, which the caller visits on its own."""
    for child in element:
        name = local_name(child)
        if name == "t":
            yield child.text or ""
        elif name in _SPACES:
            yield _SPACES[name]
        elif name == _DRAWN_WORDS:
            yield f"\n{attribute(child, 'string')}\n"
        elif name != "p" and name not in DELETED and not (name == "r" and _is_hidden(child)):
            yield from _paragraph_text(child)


def _is_hidden(run: ET.Element) -> bool:
    """Whether the text of a run is not shown."""
    styles = (style for style in run if local_name(style) == "rPr")
    hidden = next((element for style in styles for element in style if local_name(element) == "vanish"), None)
    return hidden is not None and attribute(hidden, "val") not in SHOWN_AGAIN


def _sheets(root: ET.Element) -> Iterator[str]:
    for sheet in named(root, "Worksheet"):
        name = attribute(sheet, "Name")
        rows = ("\t".join(filter(None, map(_cell, row))) for row in named(sheet, "Row"))
        yield "\n".join(filter(None, [name, *rows]))


def _cell(cell: ET.Element) -> str:
    """The value of a cell and its comment. A day comes without the midnight that is written after it."""
    texts = (" ".join("".join(data.itertext()).split()) for data in named(cell, "Data"))
    return " ".join(text.removesuffix("T00:00:00.000") for text in texts)
