"""Reads the texts in drawings of Windows (EMF, WMF): diagrams, charts and forms that programs paste into documents.

Runs in the child process: `own_readers` calls it for a file, and `office_parts` finds those in documents; `detect` asks
whether a file is one. A drawing says letters and where they stand, often one word or one letter at a time: what follows
on its line is put together. Damage ends a drawing early. Pure functions.
"""

from __future__ import annotations

import contextlib
import heapq
import re
import struct
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.office.rtf_fonts import charset_of_font
from magicfs.text.extract.plain.plain_text import clean

EMF_TYPE: Final = "application/x-emf"
WMF_TYPE: Final = "application/x-wmf"
DRAWING_TYPES: Final = frozenset({EMF_TYPE, WMF_TYPE})

_EMF_SIGNATURE: Final = b" EMF"
_EMF_SIGNATURE_PLACE: Final = 40
_PLACEABLE: Final = b"\xd7\xcd\xc6\x9a"
_PLACEABLE_BYTES, _WMF_HEAD_BYTES = 22, 18
_EMF_RECORD_BYTES, _WMF_RECORD_BYTES = 8, 6
"""Those of the shortest record of each."""
_MAX_TEXTS: Final = 50_000
_MAX_CHARACTERS: Final = 10_000
"""Those of one text."""
_ALIGN_AT_POSITION: Final = 1
"""The flag of texts that begin where the one before ended, or where the pen was moved."""

_SET_ALIGN, _MOVE, _SAVE, _RESTORE, _SET_TRANSFORM, _CHANGE_TRANSFORM = 22, 27, 33, 34, 35, 36
_TEXTS_OF_EMF: Final = {83: 1, 84: 2}
"""The records of EMF with a text, and the bytes of a character in each."""
_SMALL_TEXT: Final = 108
_GLYPHS: Final = 0x10
"""The option of a text that has numbers of glyphs, not letters."""
_SMALL_BYTES, _WITHOUT_BOUNDS = 0x200, 0x100
_BEFORE, _BEHIND, _INSTEAD = 2, 3, 4
"""How a transformation changes the one that holds; any other makes it none."""
_NONE: Final = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_WMF_ALIGN, _WMF_MOVE, _WMF_TEXT, _WMF_LONG_TEXT = 0x012E, 0x0214, 0x0521, 0x0A32
_WMF_FONT, _WMF_SELECT, _WMF_DELETE = 0x02FB, 0x012D, 0x01F0
_WMF_OBJECTS: Final = frozenset({_WMF_FONT, 0x02FA, 0x02FC, 0x00F7, 0x06FF, 0x01F9, 0x0142})
_CHARSET: Final = struct.Struct("<13xB")
"""Where a font states its charset."""
_HAS_BOX: Final = 0x6

_SAME_LINE, _SAME_WORD, _NEXT_WORD = 0.5, 0.3, 4.0
"""How far apart two texts may stand, in widths of a letter: across their line, and along it."""
_WORD: Final = re.compile(r"[^\W\d_]{4}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}")
_OF_A_TEXT: Final = re.compile(r"\w{2}|\w(?:\W*\w){3}")
"""What a line has that is more than a sign of a formula or of an axis."""


class _Shown(NamedTuple):
    """A text, where it begins, and where it ends if the drawing says that."""

    text: str
    x: float
    y: float
    end: float | None


def drawing_type(head: bytes) -> str:
    """The type of a drawing by the first bytes of its file; empty for any other file."""
    if head[:4] == b"\1\0\0\0" and head[_EMF_SIGNATURE_PLACE : _EMF_SIGNATURE_PLACE + 4] == _EMF_SIGNATURE:
        return EMF_TYPE
    return WMF_TYPE if head.startswith((_PLACEABLE, b"\1\0\x09\0\0\3", b"\1\0\x09\0\0\1")) else ""


def records_of_emf(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a drawing, by their kinds, until it ends or is damaged."""
    place = 0
    while place + _EMF_RECORD_BYTES <= len(content):
        kind, size = struct.unpack_from("<II", content, place)
        if size < _EMF_RECORD_BYTES:
            return
        yield kind, content[place : place + size]
        place += size


def records_of_wmf(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the same of an old drawing, each record without its head."""
    place = (_PLACEABLE_BYTES if content.startswith(_PLACEABLE) else 0) + _WMF_HEAD_BYTES
    while place + _WMF_RECORD_BYTES <= len(content):
        size, kind = struct.unpack_from("<IH", content, place)
        if 2 * size < _WMF_RECORD_BYTES:
            return
        yield kind, content[place + _WMF_RECORD_BYTES : place + 2 * size]
        place += 2 * size


def read_metafile(content: bytes) -> Document | Unreadable:
    """The text of a drawing, a line for each that it shows."""
    is_emf = drawing_type(content) == EMF_TYPE
    lines = _lines(_texts_of_emf(content) if is_emf else _texts_of_wmf(content))
    text = clean("\n".join(line.strip() for line in lines if _OF_A_TEXT.search(line)))
    # Pictures of formulas are letters and signs.
    if not _WORD.search(text):
        return Unreadable(SkipReason.NO_TEXT)
    return Document(text=text, mime_type=EMF_TYPE if is_emf else WMF_TYPE)


def _lines(texts: Iterator[_Shown]) -> Iterator[str]:
    """Yield the lines that texts make which follow one another."""
    pieces: list[str] = []
    before: _Shown | None = None
    with contextlib.suppress(struct.error):  # it ends inside of a record
        for shown in islice(texts, _MAX_TEXTS):
            joint = _joint(before, shown)
            if joint is None:
                yield "".join(pieces)
                pieces.clear()
            pieces += [joint or "", shown.text]
            before = shown
    yield "".join(pieces)


def _joint(before: _Shown | None, shown: _Shown) -> str | None:
    """What stands between two texts: nothing within a word, a blank on a line; None between two lines."""
    if before is None:
        return None
    if before.end is None:
        return " " if before.y == shown.y and shown.x > before.x else None
    width = abs(before.end - before.x) / max(len(before.text), 1) or 1.0
    gap = (shown.x - before.end) / width
    if abs(before.y - shown.y) > _SAME_LINE * width or not -1.0 <= gap <= _NEXT_WORD:
        return None
    return "" if gap < _SAME_WORD else " "


def _texts_of_emf(content: bytes) -> Iterator[_Shown]:
    transform: tuple[float, ...] = _NONE
    saved: list[tuple[float, ...]] = []
    at_position, position = False, (0.0, 0.0)
    for kind, record in records_of_emf(content):
        if kind in _TEXTS_OF_EMF or kind == _SMALL_TEXT:
            shown = _small_text(record) if kind == _SMALL_TEXT else _text_of_emf(record, _TEXTS_OF_EMF[kind])
            if shown is not None:
                x, y = position if at_position else (shown.x, shown.y)
                end = None if shown.end is None else _moved(transform, x + shown.end, y)[0]
                position = (x + (shown.end or 0.0), y)
                yield _Shown(shown.text, *_moved(transform, x, y), end)
        elif kind == _SET_ALIGN:
            at_position = bool(struct.unpack_from("<I", record, 8)[0] & _ALIGN_AT_POSITION)
        elif kind == _MOVE:
            position = struct.unpack_from("<ii", record, 8)
        elif kind == _SAVE and len(saved) < _MAX_TEXTS:
            saved.append(transform)
        elif kind == _RESTORE and saved:
            transform = saved.pop()
        elif kind in {_SET_TRANSFORM, _CHANGE_TRANSFORM}:
            mode = _INSTEAD if kind == _SET_TRANSFORM else struct.unpack_from("<I", record, 32)[0]
            transform = _changed(transform, struct.unpack_from("<6f", record, 8), mode)


def _text_of_emf(record: bytes, width: int) -> _Shown | None:
    """The text of a record, with the length of it in the place of its end."""
    x, y, count, start, options = struct.unpack_from("<iiIII", record, 36)
    if not 0 < count <= _MAX_CHARACTERS or options & _GLYPHS:
        return None
    text = record[start : start + count * width].decode("utf-16-le" if width > 1 else "cp1252", "replace")
    (advances,) = struct.unpack_from("<I", record, 72)
    if not advances or advances + 4 * count > len(record):
        return _Shown(text, x, y, None)
    return _Shown(text, x, y, float(sum(struct.unpack_from(f"<{count}i", record, advances))))


def _small_text(record: bytes) -> _Shown | None:
    x, y, count, options = struct.unpack_from("<iiII", record, 8)
    if not 0 < count <= _MAX_CHARACTERS or options & _GLYPHS:
        return None
    start = 36 if options & _WITHOUT_BOUNDS else 52
    is_narrow = options & _SMALL_BYTES
    data = record[start : start + count * (1 if is_narrow else 2)]
    return _Shown(data.decode("latin-1" if is_narrow else "utf-16-le", "replace"), x, y, None)


def _moved(transform: tuple[float, ...], x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = transform
    return a * x + c * y + e, b * x + d * y + f


def _changed(now: tuple[float, ...], new: tuple[float, ...], mode: int) -> tuple[float, ...]:
    """The transformation after a change: of points, the first one holds first."""
    if mode == _INSTEAD:
        return new
    if mode not in {_BEFORE, _BEHIND}:
        return _NONE
    first, second = (new, now) if mode == _BEFORE else (now, new)
    a, b, c, d, e, f = first
    g, h, i, j, _, _ = second
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, *_moved(second, e, f)


def _texts_of_wmf(content: bytes) -> Iterator[_Shown]:
    objects = _Objects()
    charset, at_position, position = "cp1252", False, (0.0, 0.0)
    for kind, record in records_of_wmf(content):
        if kind in {_WMF_TEXT, _WMF_LONG_TEXT}:
            shown = _text_of_wmf(record, charset, is_long=kind == _WMF_LONG_TEXT)
            if shown is not None and charset:
                x, y = position if at_position else (shown.x, shown.y)
                position = (x + (shown.end or 0.0), y)
                yield _Shown(shown.text, x, y, None if shown.end is None else x + shown.end)
        elif kind == _WMF_ALIGN:
            at_position = bool(struct.unpack_from("<H", record)[0] & _ALIGN_AT_POSITION)
        elif kind == _WMF_MOVE:
            position = struct.unpack_from("<hh", record)[::-1]
        elif kind in _WMF_OBJECTS:
            objects.add(charset_of_font(*_CHARSET.unpack_from(record)) if kind == _WMF_FONT else None)
        elif kind == _WMF_SELECT:
            charset = objects.charset(*struct.unpack_from("<H", record), otherwise=charset)
        elif kind == _WMF_DELETE:
            objects.remove(*struct.unpack_from("<H", record))


class _Objects:
    """The pens, brushes and fonts of a drawing: a new one has the lowest number that is free."""

    def __init__(self) -> None:
        self._charsets: dict[int, str | None] = {}
        self._free: list[int] = []

    def add(self, charset: str | None) -> None:
        """Add a font, by its charset, or anything else."""
        if len(self._charsets) < _MAX_TEXTS:
            self._charsets[heapq.heappop(self._free) if self._free else len(self._charsets)] = charset

    def charset(self, number: int, *, otherwise: str) -> str:
        """The charset of a font."""
        charset = self._charsets.get(number)
        return otherwise if charset is None else charset

    def remove(self, number: int) -> None:
        """Make a number free."""
        if number in self._charsets:
            del self._charsets[number]
            heapq.heappush(self._free, number)


def _text_of_wmf(record: bytes, charset: str, *, is_long: bool) -> _Shown | None:
    """The text of a record, with the length of it in the place of its end."""
    charset = charset or "ascii"
    if not is_long:
        (count,) = struct.unpack_from("<H", record)
        y, x = struct.unpack_from("<hh", record, 2 + count + count % 2)
        return _Shown(record[2 : 2 + count].decode(charset, "replace"), x, y, None)
    y, x, count, options = struct.unpack_from("<hhhH", record)
    if not 0 < count <= _MAX_CHARACTERS or options & _GLYPHS:
        return None
    start = 16 if options & _HAS_BOX else 8
    text = record[start : start + count].decode(charset, "replace")
    advances = start + count + count % 2
    if advances + 2 * count > len(record):
        return _Shown(text, x, y, None)
    return _Shown(text, x, y, float(sum(struct.unpack_from(f"<{count}h", record, advances))))
