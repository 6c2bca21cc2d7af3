"""OpenDocument presentations and drawings, which the extraction library does not read. Runs in the child process."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from itertools import accumulate
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document

MIME_TYPES = frozenset(
    f"application/vnd.oasis.opendocument.{kind}" for kind in ("presentation", "graphics", "formula", "chart")
)

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_PAGE = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}page"
_MASTER_PAGE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}master-page"
_DC = "{http://purl.org/dc/elements/1.1/}"
_BLOCKS = (_TEXT + "p", _TEXT + "h")
_BLANKS = {_TEXT + "s": " ", _TEXT + "tab": "\t", _TEXT + "line-break": "\n"}
_SEPARATOR = "\n\n"


def read(content: bytes, mime_type: str) -> Document:
    """Return the text page by page; that of the master pages, which is on every page, comes once, at the end.

    Raises `KeyError`, `zipfile.BadZipFile` or `ET.ParseError` for a damaged file. The XML parser itself stops
    entities that expand without end.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        body = _member(container, "content.xml")
        styles = _member(container, "styles.xml", default="<none/>")
        meta = _member(container, "meta.xml", default="<none/>")
    pages = [_page_text(page) for page in body.iter(_PAGE)] or [_page_text(body)]
    masters = [_page_text(master) for master in styles.iter(_MASTER_PAGE)]
    starts = accumulate((len(page) + len(_SEPARATOR) for page in pages[:-1]), initial=0)
    return Document(
        text=_SEPARATOR.join([*pages, *(master for master in masters if master)]),
        mime_type=mime_type,
        title=meta.findtext(f".//{_DC}title"),
        author=meta.findtext(f".//{_DC}creator"),
        language=meta.findtext(f".//{_DC}language"),
        page_starts=tuple(starts),
    )


def _member(container: zipfile.ZipFile, name: str, *, default: str | None = None) -> ET.Element:
    if default is not None and name not in container.namelist():
        return ET.fromstring(default)  # noqa: S314
    return ET.fromstring(container.read(name))  # noqa: S314


def _page_text(page: ET.Element) -> str:
    paragraphs = ("".join(_inline(block)).strip() for block in page.iter() if block.tag in _BLOCKS)
    return _SEPARATOR.join(paragraph for paragraph in paragraphs if paragraph)


def _inline(element: ET.Element) -> Iterator[str]:
    """Yield the text of a paragraph, without that of paragraphs nested in it, which come by themselves."""
    yield element.text or ""
    for child in element:
        if child.tag in _BLANKS:
            yield _BLANKS[child.tag]
        elif child.tag not in _BLOCKS:
            yield from _inline(child)
        yield child.tail or ""
