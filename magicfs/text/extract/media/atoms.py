"""Splits files of the ISO base media format into their atoms: MP4, QuickTime, HEIC, raw files of Canon.

Used by the readers of films and pictures, and in the worker itself by `detect` and `recording_excerpt`. Untrusted
bytes; pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_HEADER_BYTES: Final = 8


_OLD_FILM: Final = re.compile(rb"[\0-\x1f]...mdat|\0...(?:free|skip|wide|pnot|moov....(?:mvhd|cmov|rmra))", re.DOTALL)


def is_old_film(head: bytes) -> bool:
    """Whether these are the first bytes of a film of QuickTime that does not say what it is, as many cameras made."""
    return _OLD_FILM.match(head) is not None


def atoms(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the kinds and the data of the atoms of a file, or of an atom."""
    position = 0
    while position + _HEADER_BYTES <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        header = _HEADER_BYTES
        if size == 1:
            header = 2 * _HEADER_BYTES
            size = int.from_bytes(data[position + _HEADER_BYTES : position + header], "big")
        elif size == 0:
            size = len(data) - position
        if size < header:
            return
        yield bytes(data[position + 4 : position + 8]), data[position + header : position + size]
        position += size
