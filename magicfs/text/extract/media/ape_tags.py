"""Reads the tags at the end of songs of Monkey's Audio, WavPack and Musepack (APE), which some MP3 files have too.

Runs in the child process, called by `recordings`: tinytag reads none. Untrusted bytes; pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

_MARK: Final = b"APETAGEX"
_FOOTER: Final = struct.Struct("<8s4I")
_FOOTER_BYTES: Final = 32
_TAIL_BYTES: Final = 128 << 10
"""Tags stand in the last ones of a file, before those of other formats."""
_IS_HEADER: Final = 1 << 29
_KIND: Final = 0b110
"""The bits of an entry that are 0 for a text, and not for a picture or an address."""
_MAX_ENTRIES: Final = 200
_MAX_KEY_BYTES: Final = 255


def read_ape_tags(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the fields. Damage ends them early."""
    place = content.rfind(_MARK, max(0, len(content) - _TAIL_BYTES))
    if place < 0 or place + _FOOTER_BYTES > len(content):
        return
    _, _, size, _, flags = _FOOTER.unpack_from(content, place)
    if flags & _IS_HEADER:
        place, end = place + _FOOTER_BYTES, place + _FOOTER_BYTES + size
    else:
        place, end = max(0, place + _FOOTER_BYTES - size), place
    for _ in range(_MAX_ENTRIES):
        key_end = content.find(b"\0", place + 8, min(place + 8 + _MAX_KEY_BYTES, end))
        if key_end < 0:
            return
        length, kind = struct.unpack_from("<II", content, place)
        key, place = content[place + 8 : key_end], key_end + 1 + length
        if not kind & _KIND and place <= end:
            for text in content[key_end + 1 : place].decode("utf-8", "replace").split("\0"):
                yield key.decode("ascii", "replace"), text
