"""Reads what office documents hold beside their running text: headers, footers, notes, comments, slide notes.

Runs in the child process, called by `document_parser` for documents whose running text kreuzberg reads. The container
was checked for bombs and passwords before (`container`). expat stops entities that expand without end. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

_MAX_PART_BYTES: Final = 32 << 20
_SEPARATOR: Final = "\n\n"

_PARTS: Final = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": re.compile(
        r"word/(?:header|footer|footnotes|endnotes|comments)\d*\.xml"
    ),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": re.compile(
        r"xl/(?:comments/?comments?\d*|threadedComments/\w+|drawings/drawing\d+)\.xml"
    ),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": re.compile(
        r"ppt/(?:notesSlides/notesSlide\d+|comments/\w+)\.xml"
    ),
    "application/vnd.oasis.opendocument.text": re.compile(r"styles\.xml"),
    "application/vnd.oasis.opendocument.spreadsheet": re.compile(r"styles\.xml"),
}
"""The members of a container that are read, by the type of the document."""

_ODF_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_ODF_MASTERS: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}master-styles"
_TEXT_TAGS: Final = frozenset({"t", "delText", "text"})
"""Local names of elements that hold text: of Word, of its deletions, of comments in sheets."""
_PARAGRAPH_TAGS: Final = frozenset({"p", "comment", "threadedComment"})
_BREAKS: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def office_parts(content: bytes, mime_type: str) -> str:
    """The texts beside the running text, a blank line between two of them; empty for other types.

    A part that is damaged is left out.
    """
    wanted = _PARTS.get(mime_type)
    if wanted is None:
        return ""
    texts: dict[str, None] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        for member in sorted(container.infolist(), key=lambda member: _numbered(member.filename)):
            if wanted.fullmatch(member.filename) and member.file_size <= _MAX_PART_BYTES:
                # Headers of the first, the even and the odd pages are often the same.
                texts |= dict.fromkeys(_part_texts(container, member))
    return _SEPARATOR.join(texts)


def _numbered(name: str) -> tuple[str, int]:
    """The key that sorts `comment10.xml` after `comment9.xml`."""
    match = re.search(r"(\d+)\.xml\Z", name)
    return (name[: match.start()], int(match[1])) if match else (name, 0)


def _part_texts(container: zipfile.ZipFile, member: zipfile.ZipInfo) -> list[str]:
    try:
        root = ET.fromstring(container.read(member))  # noqa: S314  (see the module's docstring)
    except (ET.ParseError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError):
        return []
    masters = root.find(_ODF_MASTERS)
    if member.filename == "styles.xml":
        return [] if masters is None else [text for text in map(_odf_text, masters.iter(f"{_ODF_TEXT}p")) if text]
    return [text for text in _paragraphs(root) if text]


def _odf_text(paragraph: ET.Element) -> str:
    return " ".join("".join(paragraph.itertext()).split())


def _paragraphs(root: ET.Element) -> Iterator[str]:
    """Yield the text of each innermost paragraph of a part; of a part without paragraphs, all its text."""
    found = False
    for element in root.iter():
        if _local(element) in _PARAGRAPH_TAGS and not any(
            _local(child) in _PARAGRAPH_TAGS for child in element.iter() if child is not element
        ):
            found = True
            yield _runs(element)
    if not found:
        yield _runs(root)


def _runs(element: ET.Element) -> str:
    pieces = []
    for child in element.iter():
        name = _local(child)
        if name in _TEXT_TAGS:
            pieces.append(child.text or "")
        elif name in _BREAKS:
            pieces.append(_BREAKS[name])
    return "".join(pieces).strip()


def _local(element: ET.Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
