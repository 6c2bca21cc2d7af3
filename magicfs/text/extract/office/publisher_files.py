"""Reads the texts of Publisher (`.pub`) of 98 and later, and of letters of Works (`.wps`) of 2000 and later.

Runs in the child process, called by `own_readers`. Both programs write texts in the same form. Pure functions.
"""

from __future__ import annotations

import struct
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.ole_properties import stated_properties
from magicfs.text.extract.plain.plain_text import clean

PUBLISHER_TYPE: Final = "application/x-mspublisher"

PUBLISHER_TEXTS: Final = "Quill/QuillSub/CONTENTS"
"""All texts of a publication, with a table of what is where."""
WORKS_TYPE: Final = "application/vnd.ms-works"
WORKS_TEXTS: Final = "CONTENTS"
WORKS_SIGNATURE: Final = b"CHNK"
"""How the texts of a letter begin: other programs have a stream of this name too."""
_TABLE: Final = 32
_ENTRY: Final = struct.Struct("<H4s6s4sII")
_MAX_ENTRIES: Final = 1000
_TEXT: Final = b"TEXT"


def read_publication(content: bytes, *, mime_type: str) -> Document | Unreadable:
    """The texts of a publication or a letter. Raises one of `DAMAGE`."""
    ole = OleFile(content)
    data = ole.read(WORKS_TEXTS if mime_type == WORKS_TYPE else PUBLISHER_TEXTS)
    texts: list[str] = []
    left = len(data)
    for number in range(min(_MAX_ENTRIES, (len(data) - _TABLE) // _ENTRY.size)):
        length, kind, _, form, begin, size = _ENTRY.unpack_from(data, _TABLE + number * _ENTRY.size)
        if length != _ENTRY.size:
            break
        if kind == form == _TEXT:
            # Texts lie apart from one another, so that they are no longer than all that there is.
            part = data[begin : begin + min(size, left)]
            left -= len(part)
            texts.append(part.decode("utf-16-le", "replace"))
    text = clean("\n".join(texts).replace("\r", "\n").replace("\x0b", "\n")).strip()
    if not text:
        return Unreadable(SkipReason.NO_TEXT)
    stated = stated_properties(ole)
    return Document(text=text, mime_type=mime_type, title=stated.title, author=stated.author)
