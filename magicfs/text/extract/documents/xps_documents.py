"""Reads the pages of documents of XPS. Runs in the child process, called by `own_readers`. Pure functions."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from itertools import accumulate, zip_longest
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.xml_elements import named, parse_xml

XPS_TYPE: Final = "application/vnd.ms-xpsdocument"

_XPS_PAGE: Final = re.compile(r"\.fpage\Z", re.IGNORECASE)
_XPS_DOCUMENT: Final = re.compile(r"\.fdoc\Z", re.IGNORECASE)
_LINE_HEIGHT: Final = 2.0
"""Pieces of a page of XPS whose height differs by less, in 96ths of an inch, are in one line."""
_ADVANCE: Final = re.compile(r"[^,]*,(\d+(?:\.\d+)?)")
"""The width of a letter, in hundredths of the size of the font, behind the number of its shape in the font."""
_NARROW: Final = frozenset("fijlrtI.,:;'!|()[] ")
_WIDE: Final = frozenset("mwMW@%")
_FIRST_FULL_WIDTH: Final = "\u2e7f"
_MAX_GAP, _MAX_OVERLAP = 0.18, 0.4
"""Between pieces of a word, as a share of the size of the font: their widths may be guesses."""
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
        pieces = [_piece(glyphs) for glyphs in named(parse_xml(container.read(name)), "Glyphs")]
    except DAMAGE:
        parts.add_unread(name)
        return ""
    parts.add()
    texts: list[str] = []
    last = None
    for piece in filter(lambda piece: piece.text, pieces):
        texts += [_between(last, piece) if last else "", piece.text]
        last = piece
    return "\n".join(map(str.strip, "".join(texts).splitlines())).strip()


class _Piece(NamedTuple):
    """Letters that are drawn in one go, and where."""

    text: str
    left: float
    height: float
    size: float
    """The size of the font; 0 if it is not stated."""
    width: float
    """As far as the file states it."""


def _piece(glyphs: ET.Element) -> _Piece:
    text = (glyphs.get("UnicodeString") or "").removeprefix("{}")
    left, height, size = (float(glyphs.get(name) or 0) for name in ("OriginX", "OriginY", "FontRenderingEmSize"))
    stated = [_ADVANCE.match(index) for index in (glyphs.get("Indices") or "").split(";")]
    ems = sum(
        float(found[1]) / 100 if found else _em_of(letter) for letter, found in zip_longest(text, stated) if letter
    )
    return _Piece(text, left, height, size, ems * size)


def _em_of(letter: str) -> float:
    """About how wide a letter is, as a share of the size of the font."""
    if letter in _NARROW:
        return 0.3
    return 0.9 if letter in _WIDE or letter > _FIRST_FULL_WIDTH else 0.7 if letter.isupper() else 0.5


def _between(last: _Piece, piece: _Piece) -> str:
    """What is between two pieces: pieces of a word touch each other, as where its letters have several colours."""
    if abs(piece.height - last.height) >= _LINE_HEIGHT:
        return "\n"
    if last.text[-1].isspace() or piece.text[0].isspace():
        return ""
    gap = piece.left - last.left - last.width
    return "" if -_MAX_OVERLAP * piece.size < gap < _MAX_GAP * piece.size else " "
