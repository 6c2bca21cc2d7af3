"""Finds the pictures and the drawings in RTF documents, which have them in hexadecimal digits or in bytes.

Runs in the child process, used by `document_pictures` and `drawings`; `rtf_files` reads the text. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.office.drawn_pictures import as_bitmap_file

_PICTURE: Final = re.compile(rb"\\(pngblip|jpegblip|dibitmap)[0-9]{0,3}(?![a-z])")
_DRAWING: Final = re.compile(rb"\\(emfblip|wmetafile)[0-9]{0,3}(?![a-z])")
_PROPERTIES: Final = re.compile(rb"(?:\s{1,9}|\\(?!bin[0-9])[a-z]{1,32}-?[0-9]{0,10}|\{[^{}]{0,2000}\}){0,200}+")
_BYTES: Final = re.compile(rb"\\bin([0-9]{1,10}) ?")
_DIGITS: Final = re.compile(rb"[0-9a-fA-F\s]{200,}+")
_FEWEST_BYTES: Final = 40
"""Those of a picture or a drawing, at least."""
_SPACE: Final = re.compile(rb"\s+")
_PICTURE_START: Final = b"\\pict"
_FOR_OLD_PROGRAMS: Final = re.compile(rb"\\nonshppict\s{0,9}\{\s{0,9}\Z")
"""What stands before a picture that Word writes a second time, as a drawing."""
_LONGEST_START: Final = 4000
"""The bytes between the beginning of a picture and its kind."""


def rtf_pictures(content: bytes) -> Iterator[tuple[bytes, None]]:
    """Yield the bytes of each picture, in the order of the document, which does not say its pages."""
    for kind, found in _found(content, _PICTURE):
        yield as_bitmap_file(found) if kind == b"dibitmap" else found, None


def rtf_drawings(content: bytes) -> Iterator[bytes]:
    """Yield the bytes of each drawing of Windows (EMF, WMF), but for those that repeat a picture for old programs."""
    return (found for _, found in _found(content, _DRAWING))


def _found(content: bytes, wanted: re.Pattern[bytes]) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while match := wanted.search(content, place):
        properties = _PROPERTIES.match(content, match.end())
        begin = place = properties.end() if properties else match.end()
        found = b""
        if counted := _BYTES.match(content, begin):
            place = counted.end() + int(counted[1])
            found = content[counted.end() : place]
        elif digits := _DIGITS.match(content, begin):
            place = digits.end()
            written = _SPACE.sub(b"", digits[0])
            found = bytes.fromhex(written[: len(written) // 2 * 2].decode("ascii"))
        if len(found) >= _FEWEST_BYTES and not _is_for_old_programs(content, match.start()):
            yield match[1], found


def _is_for_old_programs(content: bytes, kind: int) -> bool:
    """Whether the picture whose kind stands at a place repeats the one before it."""
    start = content.rfind(_PICTURE_START, max(kind - _LONGEST_START, 0), kind)
    return start >= 0 and _FOR_OLD_PROGRAMS.search(content, max(start - 40, 0), start) is not None
