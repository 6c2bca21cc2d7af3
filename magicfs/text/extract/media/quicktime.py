"""Reads what cameras and QuickTime write into a film, in fields that songs do not have: day, place, camera, title.

Runs in the child process, called by `recordings`; `spoken_texts` has chapters and subtitles. Untrusted bytes.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from magicfs.text.extract.media.atoms import atoms
from magicfs.text.extract.media.metadata_lines import date_line, place_line

QUICKTIME_TYPES: Final = frozenset({"video/mp4", "audio/mp4"})

_DATE: Final = "Date"
_MOVIE: Final = b"moov"
_KEYS: Final = re.compile(r"com\.apple\.quicktime\.(\w+)(?:\.\w+)*|com\.android\.(model|manufacturer)")
_OTHER_NAMES: Final = {"make": "camera", "model": "camera", "manufacturer": "camera", "displayname": "title"}
_USER_TEXTS: Final = {
    b"\xa9nam": "title", b"\xa9ART": "artist", b"\xa9des": "description", b"\xa9inf": "description",
    b"\xa9cmt": "comment", b"\xa9key": "keywords", b"\xa9dir": "director", b"\xa9mak": "camera", b"\xa9mod": "camera",
    b"\xa9xyz": "location", b"\xa9day": "creationdate", b"\xa9cpy": "copyright",
}  # fmt: skip
"""Fields beside the film, in the form that is older than that of songs."""
_PLACE: Final = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)")
_FIRST_DAY: Final = datetime(1904, 1, 1, tzinfo=UTC)
_FIRST_FILMS: Final = date(1991, 1, 1)
"""Clocks that were never set say an earlier day."""
_MAX_LATITUDE: Final = 90
_MAX_LONGITUDE: Final = 180


def read_quicktime(content: bytes, *, is_film: bool) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the fields. A day and a place are as in pictures. Damage ends it early.

    Of a film without a day, the one on which the file was made counts: cameras and most phones write no other.
    """
    data = memoryview(content)
    day: date | None = None
    is_dated = False
    for name, movie in atoms(data):
        if name != _MOVIE:
            continue
        for kind, atom in atoms(movie):
            if kind == b"mvhd":
                day = _day_made(atom)
            fields = _user_fields(atom) if kind == b"udta" else _keyed_fields(atom) if kind == b"meta" else ()
            for field, text in fields:
                if shown := _shown(field, text.strip("\0 ")):
                    is_dated = is_dated or shown[0] == _DATE
                    yield shown
    if day is not None and is_film and not is_dated:
        yield _parts(date_line(day))


def _day_made(header: memoryview) -> date | None:
    """The day in the header of a film, in universal time; None if there is none that can be."""
    seconds = int.from_bytes(header[4:12] if bytes(header[:1]) == b"\1" else header[4:8], "big")
    with contextlib.suppress(OverflowError):
        day = (_FIRST_DAY + timedelta(seconds=seconds)).date()
        return day if day >= _FIRST_FILMS else None
    return None


def _user_fields(data: memoryview) -> Iterator[tuple[str, str]]:
    """Yield the fields of user data: each text has its length and its language before it."""
    for kind, atom in atoms(data):
        if kind in _USER_TEXTS:
            length = int.from_bytes(atom[:2], "big")
            yield _USER_TEXTS[kind], _decoded(bytes(atom[4 : 4 + length]))


def _decoded(text: bytes) -> str:
    """A text in UTF-8, or in the charset of the Macintosh, in which old programs wrote."""
    with contextlib.suppress(UnicodeDecodeError):
        return text.decode("utf-8")
    return text.decode("mac-roman")


def _keyed_fields(data: memoryview) -> Iterator[tuple[str, str]]:
    """Yield the fields of metadata: a list of values, and of what each is called."""
    parts = dict(atoms(data))
    keys = [bytes(name).decode("utf-8", "replace") for _, name in atoms(parts.get(b"keys", memoryview(b""))[8:])]
    for number, value in atoms(parts.get(b"ilst", memoryview(b""))):
        index = int.from_bytes(number, "big") - 1
        key = _KEYS.fullmatch(keys[index]) if 0 <= index < len(keys) else None
        text = dict(atoms(value)).get(b"data")
        # The type of a text in UTF-8 is 1.
        if key is not None and text is not None and bytes(text[:4]) == b"\0\0\0\1":
            yield str(key[1] or key[2]), bytes(text[8:]).decode("utf-8", "replace")


def _shown(name: str, text: str) -> tuple[str, str] | None:
    """The field as it is shown; None if it says nothing to people."""
    if name == "creationdate":
        with contextlib.suppress(ValueError):
            return _parts(date_line(datetime.fromisoformat(text)))
        return None
    if name == "location":
        place = _PLACE.match(text)
        if place is None or abs(float(place[1])) > _MAX_LATITUDE or abs(float(place[2])) > _MAX_LONGITUDE:
            return None
        return _parts(place_line(float(place[1]), float(place[2])))
    return (_OTHER_NAMES.get(name, name), text) if any(map(str.isalpha, text)) else None


def _parts(line: str) -> tuple[str, str]:
    label, _, text = line.partition(": ")
    return label, text
