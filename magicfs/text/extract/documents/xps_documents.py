"""Reads the pages of documents of XPS. Runs in the child process, called by `document_parser`. Pure functions."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from itertools import accumulate
from typing import Final

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.xml_elements import named, parse_xml

XPS_TYPE: Final = "application/vnd.ms-xpsdocument"

_XPS_PAGE: Final = re.compile(r"\.fpage\Z", re.IGNORECASE)
_XPS_DOCUMENT: Final = re.compile(r"\.fdoc\Z", re.IGNORECASE)
_LINE_HEIGHT: Final = 2.0
"""Pieces of a page of XPS whose height differs by less, in 96ths of an inch, are in one line."""
_SEPARATOR: Final = "\n\n"


def read_xps(content: bytes, *, parts: FileParts) -> Document:
    """The text page by page, in the order of the document; damaged pages are empty, and counted."""
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        pages = [_xps_page(container, name, parts) for name in _xps_pages(container)]
    starts = tuple(accumulate((len(page) + len(_SEPARATOR) for page in pages[:-1]), initial=0))
    return Document(text=_SEPARATOR.join(pages), mime_type=XPS_TYPE, page_starts=starts)


def _xps_pages(container: zipfile.ZipFile) -> list[str]:
    """The names of the members with pages: as the documents state them, then any others."""
    names = [name for name in container.namelist() if _XPS_PAGE.search(name)]
    stated: list[str] = []
    for document in sorted(filter(_XPS_DOCUMENT.search, container.namelist())):
        try:
            root = parse_xml(container.read(document))
        except DAMAGE:
            continue
        sources = (element.get("Source") or "" for element in named(root, "PageContent"))
        stated += [posixpath.normpath(posixpath.join("/", posixpath.dirname(document), path))[1:] for path in sources]
    known = frozenset(names)
    return list(dict.fromkeys([*(name for name in stated if name in known), *names]))


def _xps_page(container: zipfile.ZipFile, name: str, parts: FileParts) -> str:
    """The pieces of text of a page; those at one height are a line."""
    try:
        root = parse_xml(container.read(name))
        pieces = [
            (float(glyphs.get("OriginY") or 0), (glyphs.get("UnicodeString") or "").removeprefix("{}"))
            for glyphs in named(root, "Glyphs")
        ]
    except DAMAGE:
        parts.add_unread(name)
        return ""
    parts.add()
    texts: list[str] = []
    last = 0.0
    for height, piece in pieces:
        texts += [" " if abs(height - last) < _LINE_HEIGHT else "\n", piece.strip()]
        last = height
    return "".join(texts).lstrip()
