"""Books of Mobipocket and databases of the Palm, written by hand for tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def book(
    records: Sequence[bytes], *, compression: int = 1, protection: int = 0, flags: int = 0, length: int = 0
) -> bytes:
    """A book with a title, an author and these records of text."""
    title = "Der Krähenturm".encode()
    stated = struct.pack(">II", 100, 8 + 3) + b"Ada" + struct.pack(">II", 105, 8 + 5) + b"tower"
    table = b"EXTH" + struct.pack(">II", 12 + len(stated), 2) + stated
    header = bytearray(b"MOBI" + struct.pack(">III", 232, 2, 65001)).ljust(232, b"\0")
    struct.pack_into(">II", header, 84 - 16, 16 + 232 + len(table), len(title))
    struct.pack_into(">H", header, 242 - 16, flags)
    first = struct.pack(">HHIHHHH", compression, 0, length, len(records), 4096, protection, 0)
    return database([first + bytes(header) + table + title, *records], b"BOOKMOBI")


def database(records: Sequence[bytes], kind: bytes) -> bytes:
    """A database of the Palm with these records."""
    start = 78 + 8 * len(records) + 2
    head = b"A name".ljust(32, b"\0") + bytes(28) + kind + bytes(8) + struct.pack(">H", len(records))
    offsets = b"".join(struct.pack(">II", start + sum(map(len, records[:n])), n) for n in range(len(records)))
    return head + offsets + b"\0\0" + b"".join(records)
