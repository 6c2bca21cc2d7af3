"""Reads diagrams of draw.io: the names of their pages, and what their shapes and connectors say.

Runs in the child process, called by `own_readers`. A page is XML, or that packed into base64. Pure functions.
"""

from __future__ import annotations

import base64
import html
import re
import zlib
from collections.abc import Iterator
from itertools import accumulate
from typing import Final
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.xml_elements import parse_xml
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

DIAGRAM_TYPE: Final = "application/vnd.jgraph.mxfile"

_MAX_PAGE_BYTES: Final = 32 << 20
_RAW_DEFLATE: Final = -15
_TEXTS: Final = ("value", "label", "tooltip")
"""The attributes of a shape with texts: plain, or HTML."""
_LINE_END: Final = re.compile(r"<(?:br|/?(?:p|div|li|h[1-6]|tr|table|ul|ol|hr))\b[^<>]{0,500}>", re.IGNORECASE)
_TAG: Final = re.compile(r"<!--.{0,5000}?-->|</?[a-z][^<>]{0,5000}>", re.IGNORECASE | re.DOTALL)


def read_diagram(content: bytes, *, parts: FileParts) -> Document:
    """The text page by page; damaged pages are empty, and counted. Raises `ET.ParseError` for a damaged file."""
    root = parse_xml(content)
    pages: list[str] = []
    for number, page in enumerate(root.findall("diagram"), start=1):
        name = page.get("name", "")
        try:
            texts = list(_texts(page if len(page) else _unpacked(page.text or "")))
            parts.add()
        except DAMAGE:
            texts = []
            parts.add_unread(name or f"page {number}")
        pages.append("\n".join(filter(None, [name, *texts])) + PAGE_SEPARATOR)
    if not pages:  # a page alone
        return Document(text=clean("\n".join(_texts(root))), mime_type=DIAGRAM_TYPE)
    pages = [clean(page) for page in pages]
    starts = tuple(accumulate((len(page) for page in pages[:-1]), initial=0))
    return Document(text="".join(pages), mime_type=DIAGRAM_TYPE, page_starts=starts)


def _unpacked(text: str) -> ET.Element:
    """The root of a page that is packed. Raises `ValueError`, `zlib.error` or `ET.ParseError` for a damaged one."""
    if not text.strip():
        return ET.Element("none")
    packed = base64.b64decode(text, validate=False)
    page = zlib.decompressobj(_RAW_DEFLATE).decompress(packed, _MAX_PAGE_BYTES)
    return parse_xml(unquote(page.decode("utf-8")))


def _texts(page: ET.Element) -> Iterator[str]:
    for element in page.iter():
        for name in _TEXTS:
            if text := _as_shown(element.get(name, "")):
                yield text


def _as_shown(text: str) -> str:
    """A text without markup. Only in HTML are there character references."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", _LINE_END.sub("\n", text)))
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))
