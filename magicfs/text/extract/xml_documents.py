"""Reads XML documents that kreuzberg does not: OpenDocument presentations and drawings, and SVG without its geometry.

Runs in the child process, called by `document_parser`. The XML parser of the standard library (expat) stops entities
that expand without end. Pure functions.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from itertools import accumulate
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document
from magicfs.text.extract.part_count import DAMAGE, PartCount

OPENDOCUMENT_TYPES = frozenset(
    f"application/vnd.oasis.opendocument.{name}" for name in ("presentation", "graphics", "formula", "chart")
)
SVG_TYPE = "image/svg+xml"

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_PAGE = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}page"
_MASTER_PAGE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}master-page"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_PARAGRAPHS = (_TEXT + "p", _TEXT + "h")
_WHITESPACE = {_TEXT + "s": " ", _TEXT + "tab": "\t", _TEXT + "line-break": "\n"}
_SEPARATOR = "\n\n"

_SVG = "{http://www.w3.org/2000/svg}"
_SVG_TEXTS = frozenset(prefix + name for name in ("title", "desc", "text", "foreignObject") for prefix in ("", _SVG))


def read_opendocument(content: bytes, mime_type: str, *, parts: PartCount) -> Document:
    """The text page by page; the text of the master pages, which all pages show, comes once, at the end.

    Damaged styles and metadata are counted. Raises `KeyError` or one of `DAMAGE` where the text itself is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        body = ET.fromstring(container.read("content.xml"))  # noqa: S314  (see the module's docstring)
        styles = _member(container, "styles.xml", parts)
        meta = _member(container, "meta.xml", parts)
    parts.add()
    pages = [_page_text(page) for page in body.iter(_PAGE)] or [_page_text(body)]
    masters = [_page_text(master) for master in styles.iter(_MASTER_PAGE)]
    starts = accumulate((len(page) + len(_SEPARATOR) for page in pages[:-1]), initial=0)
    return Document(
        text=_SEPARATOR.join([*pages, *(master for master in masters if master)]),
        mime_type=mime_type,
        title=meta.findtext(f".//{_DUBLIN_CORE}title"),
        author=meta.findtext(f".//{_DUBLIN_CORE}creator"),
        language=meta.findtext(f".//{_DUBLIN_CORE}language"),
        page_starts=tuple(starts),
    )


def read_svg(content: bytes) -> Document:
    """The title, descriptions and texts of a drawing. Raises `ET.ParseError` for a damaged file."""
    drawing = ET.fromstring(content)  # noqa: S314  (see the module's docstring)
    texts = [" ".join("".join(element.itertext()).split()) for element in drawing.iter() if element.tag in _SVG_TEXTS]
    title = drawing.findtext(_SVG + "title") or drawing.findtext("title")
    return Document(text="\n".join(text for text in texts if text), mime_type=SVG_TYPE, title=title)


def _member(container: zipfile.ZipFile, name: str, parts: PartCount) -> ET.Element:
    """The root of a member; an empty one where it is missing or damaged."""
    if name not in container.namelist():
        return ET.Element("none")
    try:
        root = ET.fromstring(container.read(name))  # noqa: S314
    except DAMAGE:
        parts.add_unread(name)
        return ET.Element("none")
    parts.add()
    return root


def _page_text(page: ET.Element) -> str:
    paragraphs = ("".join(_paragraph_text(element)).strip() for element in page.iter() if element.tag in _PARAGRAPHS)
    return _SEPARATOR.join(paragraph for paragraph in paragraphs if paragraph)


def _paragraph_text(element: ET.Element) -> Iterator[str]:
    """Yield the text of a paragraph without that of nested paragraphs, which the caller visits on its own."""
    yield element.text or ""
    for child in element:
        if child.tag in _WHITESPACE:
            yield _WHITESPACE[child.tag]
        elif child.tag not in _PARAGRAPHS:
            yield from _paragraph_text(child)
        yield child.tail or ""
