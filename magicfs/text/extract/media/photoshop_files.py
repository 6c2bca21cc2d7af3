"""Reads what a picture of Photoshop says: the texts and the names of its layers, and what is stated of it in XMP.

Runs in the child process, used by `picture_metadata`. Layers are found by their marks, wherever they stand. Untrusted
bytes; pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

_XMP_BEGIN: Final = b"<x:xmpmeta"
_XMP_END: Final = b"</x:xmpmeta>"
_MAX_XMP_BYTES: Final = 1_000_000
_TEXT: Final = re.compile(rb"/Text \(\xfe\xff((?:[^\\)]|\\.){2,20000}+)(\)?)", re.DOTALL)
"""The text of a layer, in UTF-16 with escaped brackets. One that does not end is passed over in one go."""
_NAME: Final = re.compile(rb"8BIMluni\0\0..(\0\0..)", re.DOTALL)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_MAX_LAYERS: Final = 1000
_GIVEN_NAME: Final = re.compile(
    r"(?:Layer|Ebene|Calque|Capa|Livello|Background|Hintergrund|Group|</?Layer (?:group|set)>) ?\d*"
)
"""A name that nobody has given."""


def xmp_of(content: bytes) -> bytes:
    """What is stated of the picture; empty if nothing is."""
    place = 0
    while (end := content.find(_XMP_END, place)) >= 0:
        begin = content.find(_XMP_BEGIN, max(place, end - _MAX_XMP_BYTES), end)
        place = end + len(_XMP_END)
        if begin >= 0:
            return content[begin:place]
    return b""


def layer_lines(content: bytes) -> Iterator[str]:
    """Yield the texts of layers, then the names that people have given to layers."""
    for match in islice((found for found in _TEXT.finditer(content) if found[2]), _MAX_LAYERS):
        yield _ESCAPED.sub(rb"\1", match[1]).decode("utf-16-be", "replace")
    for match in islice(_NAME.finditer(content), _MAX_LAYERS):
        length = int.from_bytes(match[1], "big")
        name = content[match.end() : match.end() + 2 * length].decode("utf-16-be", "replace").strip("\0")
        if not _GIVEN_NAME.fullmatch(name):
            yield f"Layer: {name}"
