"""Reads what a document in a compound file (OLE) says of itself: title, author, what it is about.

Runs in the child process, used by `old_office`. Pure functions.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from magicfs.text.extract.documents.stated_metadata import title_of
from magicfs.text.extract.office.excel_records import charset_of
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.plain.plain_text import clean

_STREAM: Final = "\x05SummaryInformation"
_SECTION: Final = 44
"""Where the stream says where its properties are."""
_CODE_PAGE, _TITLE, _SUBJECT, _AUTHOR, _KEYWORDS, _COMMENTS = 1, 2, 3, 4, 5, 6
_MAX_PROPERTIES: Final = 100
_BYTES, _WIDE_TEXT = 0x1E, 0x1F
"""Kinds of values: a text in the code page, and one in UTF-16."""


@dataclass(frozen=True, slots=True)
class Properties:
    """None for each that the document does not state."""

    title: str | None = None
    """Its subject if it has no title, and none that a program gives to all."""
    author: str | None = None
    keywords: str | None = None


def stated_properties(ole: OleFile) -> Properties:
    """The properties of a document; none of one whose properties are damaged."""
    if _STREAM not in ole:
        return Properties()
    try:
        texts = _texts(ole.read(_STREAM))
    except (struct.error, IndexError):
        return Properties()
    keywords = filter(None, (texts.get(number) for number in (_SUBJECT, _KEYWORDS, _COMMENTS)))
    title = title_of({"title": texts.get(_TITLE), "subject": texts.get(_SUBJECT)})
    return Properties(title, texts.get(_AUTHOR) or None, ", ".join(keywords) or None)


def _texts(stream: bytes) -> dict[int, str]:
    section = struct.unpack_from("<I", stream, _SECTION)[0]
    count = min(struct.unpack_from("<I", stream, section + 4)[0], _MAX_PROPERTIES)
    places = {}
    for number in range(count):
        name, place = struct.unpack_from("<II", stream, section + 8 + 8 * number)
        places[name] = section + place
    page = struct.unpack_from("<H", stream, places[_CODE_PAGE] + 4)[0] if _CODE_PAGE in places else 0
    charset = charset_of(page) if page else "cp1252"
    found = {}
    for name in (_TITLE, _SUBJECT, _AUTHOR, _KEYWORDS, _COMMENTS):
        if name in places:
            kind, size = struct.unpack_from("<II", stream, places[name])
            if kind in {_BYTES, _WIDE_TEXT}:
                is_wide = kind == _WIDE_TEXT
                data = stream[places[name] + 8 :][: size * (2 if is_wide else 1)]
                text = data.decode("utf-16-le" if is_wide else charset, "replace")
                found[name] = clean(text.partition("\0")[0]).strip()
    return found
