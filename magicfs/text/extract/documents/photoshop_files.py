"""Reads what a picture of Photoshop says: the texts and the names of its layers, and what is stated of it in XMP.

Runs in the child process, used by `picture_metadata`. Layers are found by their marks, wherever they stand. Untrusted
bytes; pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

_XMP: Final = re.compile(rb"<x:xmpmeta\b.{1,1000000}?</x:xmpmeta>", re.DOTALL)
_TEXT: Final = re.compile(rb"/Text \(\xfe\xff((?:[^\\)]|\\.){2,20000})\)", re.DOTALL)
"""The text of a layer, in UTF-16 with escaped brackets."""
_NAME: Final = re.compile(rb"8BIMluni\0\0..(\0\0..)", re.DOTALL)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_MAX_LAYERS: Final = 1000
_GIVEN_NAME: Final = re.compile(
    r"(?:Layer|Ebene|Calque|Capa|Livello|Background|Hintergrund|Group|</?Layer (?:group|set)>) ?\d*"
)
"""A name that nobody has given."""


def xmp_of(content: bytes) -> bytes:
    """What is stated of the picture; empty if nothing is."""
    match = _XMP.search(content)
    return match[0] if match else b""


def layer_lines(content: bytes) -> Iterator[str]:
    """Yield the texts of layers, then the names that people have given to layers."""
    for match in islice(_TEXT.finditer(content), _MAX_LAYERS):
        yield _ESCAPED.sub(rb"\1", match[1]).decode("utf-16-be", "replace")
    for match in islice(_NAME.finditer(content), _MAX_LAYERS):
        length = int.from_bytes(match[1], "big")
        name = content[match.end() : match.end() + 2 * length].decode("utf-16-be", "replace").strip("\0")
        if not _GIVEN_NAME.fullmatch(name):
            yield f"Layer: {name}"
