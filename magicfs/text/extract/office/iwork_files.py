"""Reads the texts of Pages, Keynote and Numbers since 2013: paragraphs, tables, notes, comments and names.

Runs in the child process, called by `own_readers`. Such a document is a zip container of archives
(`iwork_archives`), of whose objects kreuzberg gives all that looks like text, such as the names of thousands of styles.
`iwork_tables` reads the tables. The order of slides is not read. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.office.iwork_archives import Message, Stored, message_of, objects, unpacked
from magicfs.text.extract.office.iwork_tables import LIST, TABLE, TABLE_PARTS, Tables
from magicfs.text.extract.plain.plain_text import clean

NUMBERS_TYPE: Final = "application/x-iwork-numbers-sffnumbers"
IWORK_TYPES: Final = frozenset(
    {NUMBERS_TYPE, "application/x-iwork-keynote-sffkey", "application/x-iwork-pages-sffpages"}
)

_ARCHIVE: Final = re.compile(
    r"Index/(?!(?:Master|Template)Slide|ViewState|\w*Stylesheet|\w*Metadata)(?:\w+/)?([A-Za-z]+)(?:-(\d+))?[\d-]*\.iwa"
)
"""An archive; those that slides are made from say what to type there."""
_FIRST: Final = "Document"
_STORAGES, _SHEET, _COMMENT = frozenset({2001, 2005}), 2, 3056
"""The kinds of objects that hold texts, and the name of a sheet. In Pages and Keynote, a sheet is something else."""
_READ: Final = TABLE_PARTS | _STORAGES | {_SHEET, _COMMENT}
_LIST_OF_TEXTS: Final = 1
_NAME: Final = 1
"""The field with the name of a sheet, and with the text of a comment."""
_KIND_OF_LIST, _KEY, _ENTRIES, _TEXT = 1, 1, 3, 3
"""The fields of a list and of its entries. A storage has its text in the same field."""
_MAX_BYTES: Final = 128 << 20

_PLACES: Final = dict.fromkeys(map(ord, "\u2028\u2029"), "\n") | {0xFFFC: None}
"""Ends of lines and paragraphs, and what stands for an object in a text."""


def read_iwork(content: bytes, mime_type: str, *, parts: FileParts) -> Document | Unreadable:
    """The texts of a document, a paragraph or a row of a table a line.

    Archives and rows for which there is no time are left out. Damaged archives are counted. Raises one of
    `DAMAGE` for a damaged container.
    """
    stored = _stored(content, parts=parts)
    tables = Tables(stored, until=parts.until)
    found = dict.fromkeys(
        clean(text.translate(_PLACES)).strip() for text in _texts(stored, tables, is_workbook=mime_type == NUMBERS_TYPE)
    )
    if tables.is_cut:
        parts.add_unread("rows of its tables", SkipReason.TIMEOUT)
    text = "\n\n".join(filter(None, found))
    return Document(text=text, mime_type=mime_type) if text else Unreadable(SkipReason.NO_TEXT)


def _stored(content: bytes, *, parts: FileParts) -> list[Stored]:
    """The objects of all archives that are read."""
    stored: list[Stored] = []
    room = _MAX_BYTES
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        for member in sorted(filter(_ARCHIVE.fullmatch, container.namelist()), key=_place):
            if parts.is_time_over:
                parts.add_unread(member, SkipReason.TIMEOUT)
                break
            try:
                data = unpacked(container.read(member), most_bytes=room)
                room -= len(data)
                stored += (one for one in objects(data) if one.kind in _READ)
            except (*DAMAGE, IndexError):
                parts.add_unread(member)
            else:
                parts.add()
    return stored


def _place(member: str) -> tuple[bool, str, int]:
    """The key that sorts the document before what belongs to it."""
    match = _ARCHIVE.fullmatch(member)
    name, number = match.groups() if match else (member, None)
    return name != _FIRST, name, int(number or 0)


def _texts(stored: list[Stored], tables: Tables, *, is_workbook: bool) -> Iterator[str]:
    """Yield the texts of all objects; of a sheet, its name and the tables that it shows."""
    for one in stored:
        message = message_of(one.data)
        if one.kind in _STORAGES and one.identifier not in tables.storages_of_cells:
            yield from message.texts(_TEXT)
        elif one.kind == TABLE:
            yield from tables.take(one.identifier)
        elif one.kind == LIST and one.identifier not in tables.lists:
            yield from _texts_of_list(message)
        elif one.kind == _COMMENT:
            yield message.text(_NAME)
        elif one.kind == _SHEET and is_workbook:
            yield message.text(_NAME)
            yield from tables.of_sheet(message)


def _texts_of_list(message: Message) -> Iterator[str]:
    """Yield the texts of the cells of a table that is missing."""
    if message.number(_KIND_OF_LIST) == _LIST_OF_TEXTS:
        entries = message.messages(_ENTRIES)
        yield from (entry.text(_TEXT) for entry in sorted(entries, key=lambda entry: entry.number(_KEY)))
