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
_SPACE: Final = re.compile(rb"\s+")


def rtf_pictures(content: bytes) -> Iterator[tuple[bytes, None]]:
    """Yield the bytes of each picture, in the order of the document, which does not say its pages."""
    for kind, found in _found(content, _PICTURE):
        yield as_bitmap_file(found) if kind == b"dibitmap" else found, None


def rtf_drawings(content: bytes) -> Iterator[bytes]:
    """Yield the bytes of each drawing of Windows (EMF, WMF)."""
    return (found for _, found in _found(content, _DRAWING))


def _found(content: bytes, wanted: re.Pattern[bytes]) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while match := wanted.search(content, place):
        properties = _PROPERTIES.match(content, match.end())
        begin = place = properties.end() if properties else match.end()
        if counted := _BYTES.match(content, begin):
            place = counted.end() + int(counted[1])
            yield match[1], content[counted.end() : place]
        elif digits := _DIGITS.match(content, begin):
            place = digits.end()
            written = _SPACE.sub(b"", digits[0])
            yield match[1], bytes.fromhex(written[: len(written) // 2 * 2].decode("ascii"))
