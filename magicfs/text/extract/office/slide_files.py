"""Reads the slides of PowerPoint presentations of before 2007 as a person sees them, with notes and comments.

Runs in the child process, called by `old_office`. kreuzberg reads each text of such a file, those of earlier
versions and of the empty places of masters too (`Click to edit Master title style`), and no notes. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.plain.plain_text import clean

OLD_SLIDES_TYPE: Final = "application/vnd.ms-powerpoint"

_DOCUMENT_STREAM: Final = "PowerPoint Document"
_USER_STREAM: Final = "Current User"
_SLIDE, _NOTES, _NOTES_ATOM = 1006, 1008, 1009
_PLACE_IN_LIST, _PLACEHOLDER, _OUTLINE_TEXT = 1011, 3011, 3998
_WIDE_TEXT, _TEXT_HEADER, _NARROW_TEXT, _STRING = 4000, 3999, 4008, 4026
_HEADERS, _LIST = 4057, 4080
_PERSIST_DIRECTORY, _COMMENT, _TAG_DATA = 6002, 12000, 5003
_SHAPE: Final = 0xF004
_CONTAINER: Final = 0xF
_SLIDE_LIST, _MASTER_LIST, _NOTES_LIST = 0, 1, 2
_HEADER: Final = struct.Struct("<HHI")
_NUMBER: Final = struct.Struct("<I")
_LAST_EDIT: Final = struct.Struct("<16xI")
"""Where the last edit begins, in the stream of the user."""
_LIST_ENTRY: Final = struct.Struct("<I8xI")
"""The part and the slide that a place in a list names."""
_MAX_EDITS: Final = 10_000
_MAX_RECORDS: Final = 2_000_000
_NUMBER_SIGN: Final = "*"
"""What stands where a slide shows its number."""


class _Record(NamedTuple):
    kind: int
    instance: int
    start: int
    end: int
    is_container: bool

    @property
    def size(self) -> int:
        return self.end - self.start


class _Listed(NamedTuple):
    """A slide in the list of all slides."""

    reference: int
    slide: int
    outline: list[str]


def read_slides(ole: OleFile) -> list[str]:
    """The text of each slide; the last one ends with what all slides show. Raises `struct.error` or `KeyError`."""
    data = ole.read(_DOCUMENT_STREAM)
    places, document = _places(data, ole.read(_USER_STREAM) if _USER_STREAM in ole else b"")
    lists: dict[int, dict[int, _Listed]] = {}
    shared: list[str] = []
    for record in _records(data, *_inside(data, places.get(document, -1))):
        if record.kind == _LIST:
            # By its place, so that a damaged list names each slide once.
            listed_once = {places.get(one.reference, ~one.reference): one for one in _listed(data, record)}
            lists.setdefault(record.instance, {}).update(listed_once)
        elif record.kind == _HEADERS:
            shared += _strings(data, record)
    if not lists.get(_SLIDE_LIST):
        return _slides_as_they_stand(data)
    notes = _notes(data, places, lists.get(_NOTES_LIST, {}).values())
    pages: list[str] = []
    for listed in lists[_SLIDE_LIST].values():
        start, end = _inside(data, places.get(listed.reference, -1))
        shown = list(_shape_texts(data, start, end, listed.outline))
        of_slide = [*shown, *missing_texts(listed.outline, in_text="\n".join(shown))]
        pages.append("\n".join([*of_slide, *notes.get(listed.slide, []), *_comments(data, start, end)]))
    for listed in lists.get(_MASTER_LIST, {}).values():
        shared += _shape_texts(data, *_inside(data, places.get(listed.reference, -1)), [], with_placeholders=False)
    pages[-1] = "\n".join([pages[-1], *missing_texts(shared, in_text="\n".join(pages))])
    return pages


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
    place, end = _inside(data, start, kind=_PERSIST_DIRECTORY)
    while place + 4 <= end:
        entry = struct.unpack_from("<I", data, place)[0]
        first, count = entry & 0xFFFFF, entry >> 20
        place += 4
        for number in range(min(count, (end - place) // 4)):
            yield first + number, struct.unpack_from("<I", data, place + 4 * number)[0]
        place += 4 * count


def _inside(data: bytes, start: int, *, kind: int | None = None) -> tuple[int, int]:
    """Where the content of the record at a place begins and ends; nothing where there is none."""
    if not 0 <= start <= len(data) - _HEADER.size:
        return 0, 0
    _, found, length = _HEADER.unpack_from(data, start)
    if kind is not None and found != kind:
        return 0, 0
    return start + _HEADER.size, min(start + _HEADER.size + length, len(data))


def _records(data: bytes, start: int, end: int) -> Iterator[_Record]:
    """Yield the records between two places, without those inside of them."""
    while start + _HEADER.size <= end:
        version, kind, length = _HEADER.unpack_from(data, start)
        stop = min(start + _HEADER.size + length, end)
        yield _Record(kind, version >> 4, start + _HEADER.size, stop, version & 0xF == _CONTAINER)
        start = stop


def _all_records(data: bytes, start: int, end: int, *, closed: int | None = None) -> Iterator[_Record]:
    """Yield the records between two places in order, and those inside of them; not those inside of a kind."""
    pending = [iter(_records(data, start, end))]
    for _ in range(_MAX_RECORDS):
        if not pending:
            return
        record = next(pending[-1], None)
        if record is None:
            pending.pop()
        else:
            yield record
            if (record.is_container or record.kind == _TAG_DATA) and record.kind != closed:
                pending.append(iter(_records(data, record.start, record.end)))


def _text(data: bytes, record: _Record) -> str:
    content = data[record.start : record.end]
    text = content.decode("latin-1" if record.kind == _NARROW_TEXT else "utf-16-le", "replace")
    shown = clean(text.replace("\v", "\n")).strip()
    return "" if shown == _NUMBER_SIGN else shown


def _listed(data: bytes, slides: _Record) -> Iterator[_Listed]:
    """Yield the slides of a list, each with its texts in the outline."""
    current: _Listed | None = None
    for record in _records(data, slides.start, slides.end):
        if record.kind == _PLACE_IN_LIST and record.size >= _LIST_ENTRY.size:
            if current is not None:
                yield current
            reference, slide = _LIST_ENTRY.unpack_from(data, record.start)
            current = _Listed(reference, slide, [])
        elif current is not None and record.kind == _TEXT_HEADER:
            current.outline.append("")
        elif current is not None and current.outline and record.kind in {_WIDE_TEXT, _NARROW_TEXT}:
            current.outline[-1] = _text(data, record)
    if current is not None:
        yield current


def _shape_texts(
    data: bytes, start: int, end: int, outline: list[str], *, with_placeholders: bool = True
) -> Iterator[str]:
    """Yield the texts of the shapes of a slide, in their order; without those of placeholders, what a master adds."""
    for shape in _all_records(data, start, end, closed=_SHAPE):
        if shape.kind != _SHAPE:
            continue
        records = list(_all_records(data, shape.start, shape.end))
        if not with_placeholders and any(record.kind == _PLACEHOLDER for record in records):
            continue
        for record in records:
            if record.kind in {_WIDE_TEXT, _NARROW_TEXT} and (text := _text(data, record)):
                yield text
            elif record.kind == _OUTLINE_TEXT and record.size >= _NUMBER.size:
                (number,) = _NUMBER.unpack_from(data, record.start)
                if number < len(outline) and outline[number]:
                    yield outline[number]


def _notes(data: bytes, places: dict[int, int], listed: Iterable[_Listed]) -> dict[int, list[str]]:
    """The notes of the speaker, by the number of their slide."""
    notes: dict[int, list[str]] = {}
    for entry in listed:
        start, end = _inside(data, places.get(entry.reference, -1), kind=_NOTES)
        for record in _records(data, start, end):
            if record.kind == _NOTES_ATOM and record.size >= _NUMBER.size:
                (slide,) = _NUMBER.unpack_from(data, record.start)
                notes.setdefault(slide, []).extend(_shape_texts(data, start, end, entry.outline))
    return notes


def _comments(data: bytes, start: int, end: int) -> Iterator[str]:
    """Yield the comments on a slide, each after its author."""
    for record in _all_records(data, start, end, closed=_SHAPE):
        if record.kind == _COMMENT:
            texts = {
                part.instance: _text(data, part)
                for part in _records(data, record.start, record.end)
                if part.kind == _STRING
            }
            yield ": ".join(filter(None, (texts.get(0), texts.get(1))))


def _strings(data: bytes, headers: _Record) -> list[str]:
    texts = (_text(data, record) for record in _records(data, headers.start, headers.end) if record.kind == _STRING)
    return [text for text in texts if text]


def _slides_as_they_stand(data: bytes) -> list[str]:
    """The texts of all slides of a presentation that does not say where its slides are."""
    outlines = [
        "\n".join(filter(None, listed.outline))
        for record in _all_records(data, 0, len(data))
        if record.kind == _LIST and record.instance == _SLIDE_LIST
        for listed in _listed(data, record)
    ]
    slides = [
        "\n".join(_shape_texts(data, record.start, record.end, []))
        for record in _records(data, 0, len(data))
        if record.kind == _SLIDE
    ]
    return ["\n".join(texts) for texts in (outlines, slides) if texts]
