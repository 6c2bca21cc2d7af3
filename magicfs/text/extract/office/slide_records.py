"""Reads the records of PowerPoint presentations of before 2007: which there are, and which slides, masters and notes.

Used by `slide_files` and `drawn_pictures` in the child process. Saving appends the parts that have changed: of each,
the newest version counts. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.plain.plain_text import clean

DOCUMENT_STREAM: Final = "PowerPoint Document"
_USER_STREAM: Final = "Current User"
LIST: Final = 4080
SLIDE_LIST, MASTER_LIST, NOTES_LIST = 0, 1, 2
"""The kind of the record of a list, and which lists there are."""
WIDE_TEXT, _TEXT_HEADER, NARROW_TEXT = 4000, 3999, 4008
_PLACE_IN_LIST, _PERSIST_DIRECTORY, _TAG_DATA = 1011, 6002, 5003
_CONTAINER: Final = 0xF
_HEADER: Final = struct.Struct("<HHI")
NUMBER: Final = struct.Struct("<I")
_LAST_EDIT: Final = struct.Struct("<16xI")
"""Where the last edit begins, in the stream of the user."""
_LIST_ENTRY: Final = struct.Struct("<I8xI")
"""The part and the slide that a place in a list names."""
_MAX_EDITS: Final = 10_000
_MAX_RECORDS: Final = 2_000_000
_NUMBER_SIGN: Final = "*"
"""What stands where a slide shows its number."""


class Record(NamedTuple):
    """A record, by the places between which its content stands."""

    kind: int
    instance: int
    start: int
    end: int
    is_container: bool

    @property
    def size(self) -> int:
        """The bytes of its content."""
        return self.end - self.start


class Listed(NamedTuple):
    """A slide in the list of all slides."""

    reference: int
    slide: int
    outline: list[str]


class Presentation:
    """The parts of a presentation."""

    def __init__(self, ole: OleFile) -> None:
        """Read the lists. Raises `struct.error` or `KeyError` for what is no presentation."""
        self.data = ole.read(DOCUMENT_STREAM)
        self._places, document = _places(self.data, ole.read(_USER_STREAM) if _USER_STREAM in ole else b"")
        self.document = inside(self.data, self._places.get(document, -1))
        """Where the records of the document itself begin and end."""
        once: dict[int, dict[int, Listed]] = {}
        for record in records(self.data, *self.document):
            if record.kind == LIST:
                # By its place, so that a damaged list names each slide once.
                listed = {self._places.get(one.reference, ~one.reference): one for one in listed_in(self.data, record)}
                once.setdefault(record.instance, {}).update(listed)
        self.lists = {instance: list(listed.values()) for instance, listed in once.items()}
        """What each list names."""

    def span(self, listed: Listed, *, kind: int | None = None) -> tuple[int, int]:
        """Where the records of a slide, a master or notes begin and end; nothing where they are not of the kind."""
        return inside(self.data, self._places.get(listed.reference, -1), kind=kind)


def _places(data: bytes, user: bytes) -> tuple[dict[int, int], int]:
    """Where the newest version of each part begins, and the number of the document itself."""
    places: dict[int, int] = {}
    directories: set[int] = set()
    document = -1
    edit = _LAST_EDIT.unpack_from(user)[0] if len(user) >= _LAST_EDIT.size else 0
    for _ in range(_MAX_EDITS):
        if not edit or edit + 28 > len(data):
            break
        before, directory, number = struct.unpack_from("<III", data, edit + 16)
        document = number if document < 0 else document
        if directory not in directories:
            directories.add(directory)
            for key, offset in _directory(data, directory):
                places.setdefault(key, offset)
        if before >= edit:
            break
        edit = before
    return places, document


def _directory(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    place, end = inside(data, start, kind=_PERSIST_DIRECTORY)
    while place + 4 <= end:
        entry = struct.unpack_from("<I", data, place)[0]
        first, count = entry & 0xFFFFF, entry >> 20
        place += 4
        for number in range(min(count, (end - place) // 4)):
            yield first + number, struct.unpack_from("<I", data, place + 4 * number)[0]
        place += 4 * count


def inside(data: bytes, start: int, *, kind: int | None = None) -> tuple[int, int]:
    """Where the content of the record at a place begins and ends; nothing where there is none."""
    if not 0 <= start <= len(data) - _HEADER.size:
        return 0, 0
    _, found, length = _HEADER.unpack_from(data, start)
    if kind is not None and found != kind:
        return 0, 0
    return start + _HEADER.size, min(start + _HEADER.size + length, len(data))


def records(data: bytes, start: int, end: int) -> Iterator[Record]:
    """Yield the records between two places, without those inside of them."""
    while start + _HEADER.size <= end:
        version, kind, length = _HEADER.unpack_from(data, start)
        stop = min(start + _HEADER.size + length, end)
        yield Record(kind, version >> 4, start + _HEADER.size, stop, version & 0xF == _CONTAINER)
        start = stop


def all_records(data: bytes, start: int, end: int, *, closed: int | None = None) -> Iterator[Record]:
    """Yield the records between two places in order, and those inside of them; not those inside of a kind."""
    pending = [iter(records(data, start, end))]
    for _ in range(_MAX_RECORDS):
        if not pending:
            return
        record = next(pending[-1], None)
        if record is None:
            pending.pop()
        else:
            yield record
            if (record.is_container or record.kind == _TAG_DATA) and record.kind != closed:
                pending.append(iter(records(data, record.start, record.end)))


def text_of(data: bytes, record: Record) -> str:
    """The text of a record; empty for the sign that stands for the number of a slide."""
    content = data[record.start : record.end]
    text = content.decode("latin-1" if record.kind == NARROW_TEXT else "utf-16-le", "replace")
    shown = clean(text.replace("\v", "\n")).strip()
    return "" if shown == _NUMBER_SIGN else shown


def listed_in(data: bytes, slides: Record) -> Iterator[Listed]:
    """Yield the slides of a list, each with its texts in the outline."""
    current: Listed | None = None
    for record in records(data, slides.start, slides.end):
        if record.kind == _PLACE_IN_LIST and record.size >= _LIST_ENTRY.size:
            if current is not None:
                yield current
            reference, slide = _LIST_ENTRY.unpack_from(data, record.start)
            current = Listed(reference, slide, [])
        elif current is not None and record.kind == _TEXT_HEADER:
            current.outline.append("")
        elif current is not None and current.outline and record.kind in {WIDE_TEXT, NARROW_TEXT}:
            current.outline[-1] = text_of(data, record)
    if current is not None:
        yield current
