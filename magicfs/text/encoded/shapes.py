"""A quick look at a text: which kinds of encoded data it may have. Most texts have none, and need no further look.

Used by `strip`. The text is mapped to a few letters, in which a run of encoded data is a run of one letter: both take
C about two milliseconds for a megabyte, where a regular expression takes forty. Pure; any thread.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from magicfs.text.encoded import coordinates

_BASE64 = (string.ascii_letters + string.digits + "+/").encode()
_HEX = string.hexdigits.encode()

_MIN_LINE = 56
"""Signs of base64 in a row: shorter than the lines of encoded texts, longer than most words, paths and hashes."""
_MIN_RUN = 100
"""Signs of base64, or of its variant for addresses, in a row. The variant has `-`, which rulers and titles have too."""


def _table(**letters: bytes) -> bytes:
    """A translation of bytes: those of each argument become its letter, all others a dot, but for a few signs."""
    table = bytearray(byte if byte in b" ,:\\" else ord(".") for byte in range(256))
    for letter, members in letters.items():
        for member in members:
            table[member] = ord(letter)
    return bytes(table)


_LINES = _table(w=_BASE64)
_RUNS = _table(w=_BASE64 + b"-_")
_BYTES = _table(h=_HEX, x=b"xX")

_DUMPS = (b"hh hh hh hh hh hh ", b"hhhh hhhh hhhh hhhh", b"hh:hh:hh:hh:hh:hh:hh:hh:hh:hh:", b":hhhhhhhhhhhhhhhh")
_ANNOUNCEMENTS = (b"-----BEGIN ", b"begin 6", b"GIT binary", b'"mappings"')
_ARRAYS = (b"hxhh, hxhh, hxhh, hxhh, ", b"hxhh,hxhh,hxhh,hxhh,", rb"\xhh\xhh\xhh\xhh")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a text may have. A kind that is not set is certainly absent, or too short to matter."""

    runs: bool
    """Base64 or hexadecimal digits without a break."""
    data_urls: bool
    announced: bool
    """Lines or keys that say what follows, such as `-----BEGIN CERTIFICATE-----`."""
    dumps: bool
    """Bytes as pairs of hexadecimal digits."""
    arrays: bool
    """Bytes as numbers or escapes of a programming language."""
    coordinates: bool
    """Lines and areas of maps."""

    @property
    def is_plain(self) -> bool:
        """Whether the text has none of them."""
        return not (self.runs or self.data_urls or self.announced or self.dumps or self.arrays or self.coordinates)


def shape_of(text: str) -> Shape:
    """What a text may have, by a quick look."""
    data = text.encode("utf-8", "replace")
    digits = data.translate(_BYTES)
    return Shape(
        runs=b"w" * _MIN_LINE in data.translate(_LINES) or b"w" * _MIN_RUN in data.translate(_RUNS),
        data_urls=b"data:" in data,
        announced=any(sign in data for sign in _ANNOUNCEMENTS),
        dumps=any(pattern in digits for pattern in _DUMPS),
        arrays=any(pattern in digits for pattern in _ARRAYS),
        coordinates=any(sign in data for sign in coordinates.ANNOUNCEMENTS),
    )
