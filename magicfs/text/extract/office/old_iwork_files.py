"""Reads the texts of Pages, Keynote and Numbers of before 2013 that keep no picture of their pages.

Runs in the child process, called by `own_readers`. Such a document is a zip container with one member of XML. Its
tables are read row by row, with numbers as they are stored and days. What masters and templates say is left out. Pure
functions.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import WHAT_FOLLOWS, FileParts
from magicfs.text.extract.documents.xml_elements import attribute, local_name, named, parse_before_damage, parse_xml
from magicfs.text.extract.plain.plain_text import clean

OLD_IWORK_TYPE: Final = "application/x-iwork-xml"
OLD_IWORK_MEMBERS: Final = ("index.xml", "index.apxl", "index.xml.gz", "index.apxl.gz")

GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
"""How a member is compressed whose name ends with `.gz`, as zlib names it."""
_MAX_BYTES: Final = 32 << 20
"""The bytes of the member that are read: in memory, its elements take ten times as many."""
_LEFT_OUT: Final = frozenset(
    {"metadata", "stylesheet", "section-prototypes", "theme-list", "master-slides", "ghost-text"}
)
"""Elements whose texts no page shows."""
_NAMES: Final = {"workspace": "workspace-name", "tabular-model": "name"}
"""Elements with a name that a person gives, and its attribute."""
_BREAKS: Final = {"br": "\n", "lnbr": "\n", "crbr": "\n", "pgbr": "\n", "tab": "\t"}
_ROW: Final = 256
"""A cell says how far it is from the one before, in columns and so many for a row; by default, it is the next one."""
_BEGINNING: Final = datetime(2001, 1, 1)  # noqa: DTZ001  (the time of any place)
"""Seconds are counted from here."""
_NUMBER_DIGITS: Final = 15


def read_old_iwork(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """The texts of a document, a paragraph or a row of a table a line. Those behind a damage are left out.

    Raises one of `DAMAGE` for a damaged container.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        name = next(name for name in OLD_IWORK_MEMBERS if name in container.namelist())
        with container.open(name) as member:
            data = member.read(_MAX_BYTES)
    if name.endswith(".gz"):
        data = zlib.decompressobj(GZIP_FORMAT).decompress(data, _MAX_BYTES)
    try:
        root = parse_xml(data)
    except ET.ParseError:
        root = parse_before_damage(data)
        parts.add_unread(WHAT_FOLLOWS + "the damage")
    else:
        parts.add()
    text = clean("\n".join(filter(None, (text.strip() for text in _texts(root)))))
    if not text:
        return Unreadable(SkipReason.NO_TEXT)
    stated = next(named(root, "metadata"), ET.Element("metadata"))
    title, author, keywords = (_stated(stated, what) or None for what in ("title", "authors", "keywords"))
    return Document(text=text, mime_type=OLD_IWORK_TYPE, title=title, author=author, keywords=keywords)


def _texts(root: ET.Element) -> Iterator[str]:
    """Yield the texts of all that pages, slides and sheets show, in their order, and the notes beside them."""
    pending = [root]
    while pending:
        element = pending.pop()
        name = local_name(element)
        if name in _LEFT_OUT:
            continue
        if name in _NAMES and attribute(element, "name-is-visible") != "false":
            yield attribute(element, _NAMES[name])
        if name == "p":
            yield _paragraph(element)
        elif name == "datasource":
            yield from _rows(element)
        else:
            pending.extend(reversed(element))


def _paragraph(element: ET.Element) -> str:
    """The text of a paragraph, with the breaks and tabulators in it."""
    pieces: list[str] = []
    # Files nest elements more deeply than Python nests calls.
    pending: list[ET.Element | str] = [element]
    while pending:
        piece = pending.pop()
        if isinstance(piece, str):
            pieces.append(piece)
            continue
        pieces.append(piece.text or "")
        for child in reversed(piece):
            pending.append(child.tail or "")
            name = local_name(child)
            if name not in _LEFT_OUT:
                pending.append(_BREAKS.get(name, child))
    return "".join(pieces)


def _rows(table: ET.Element) -> Iterator[str]:
    """Yield the rows of a table that have any text, with a tabulator between two cells."""
    choices = {attribute(cell, "ID"): cell for cell in named(table, "t")}
    cells: list[str] = []
    place = 0
    for number, cell in enumerate(table):
        step = attribute(cell, "ct")
        before, place = place, place + (int(step) if step.isdecimal() else min(number, 1))
        if place // _ROW != before // _ROW:
            yield "\t".join(filter(None, cells))
            cells.clear()
        cells.append(_cell(cell, choices))
    yield "\t".join(filter(None, cells))


def _cell(cell: ET.Element, choices: dict[str, ET.Element]) -> str:
    """What a cell shows: its text, its number, its day, or the result of its formula."""
    chosen = next(named(cell, "proxied-cell-ref"), None)
    if chosen is not None:
        cell = choices.get(attribute(chosen, "IDREF"), chosen)
    texts: list[str] = []
    for element in cell.iter():
        name = local_name(element)
        if name == "p":
            texts.append(_paragraph(element))
        elif name == "ct":
            texts.append(attribute(element, "s"))
        elif name in {"n", "rn"}:
            texts.append(_number(attribute(element, "v")))
        elif name in {"d", "rd"}:
            texts.append(_day(attribute(element, "cell-date")))
        elif name == "rt":
            texts.append(next((attribute(text, "string") for text in named(element, "string")), ""))
    return " ".join(filter(None, texts))


def _number(value: str) -> str:
    """A number as a person writes it; empty for anything else."""
    with contextlib.suppress(ValueError):
        return f"{float(value):.{_NUMBER_DIGITS}g}"
    return ""


def _day(seconds: str) -> str:
    with contextlib.suppress(ValueError, OverflowError):
        return f"{_BEGINNING + timedelta(seconds=float(seconds)):%Y-%m-%d}"
    return ""


def _stated(metadata: ET.Element, what: str) -> str:
    """What a document states of itself."""
    texts = (attribute(text, "string") for stated in named(metadata, what) for text in named(stated, "string"))
    return ", ".join(filter(None, texts))
