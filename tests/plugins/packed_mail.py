"""Messages as Outlook packs them (`winmail.dat`), for tests, and the numbers of their attributes."""

from __future__ import annotations

import struct
from typing import Final

CODE_PAGE, PROPERTIES, NEXT_FILE, FILE_NAME, FILE_DATA = 0x69007, 0x69003, 0x69002, 0x18010, 0x6800F
SUBJECT, FILE_PROPERTIES = 0x18004, 0x69005
_OF_FILES: Final = {NEXT_FILE, FILE_NAME, FILE_DATA, FILE_PROPERTIES}


def tnef(*attributes: tuple[int, bytes]) -> bytes:
    """A packed message of these attributes."""
    rows = [
        struct.pack("<BII", 2 if name in _OF_FILES else 1, name, len(data))
        + data
        + struct.pack("<H", sum(data) & 0xFFFF)
        for name, data in attributes
    ]
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(rows)


def tnef_with_files(subject: str, **files: bytes) -> bytes:
    """A packed message with these files, in whose names an underscore stands for a point."""
    attributes = [(SUBJECT, subject.encode() + b"\0")]
    for name, content in files.items():
        attributes += [(NEXT_FILE, b"\1\0"), (FILE_NAME, name.replace("_", ".").encode() + b"\0"), (FILE_DATA, content)]
    return tnef(*attributes)
