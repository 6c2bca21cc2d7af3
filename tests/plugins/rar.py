"""Archives of rar of both formats, as a test wants them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping


def rar_4(names: Iterable[str], *, is_encrypted: bool = False, is_endless: bool = False) -> bytes:
    """An archive of the older format, perhaps with names that need a password, or a last member of 2^63 bytes."""
    main = _block_4(0x73, 0x0080 if is_encrypted else 0, bytes(6))
    last = _file_4("z", more=1 << 31) if is_endless else b""
    return b"Rar!\x1a\x07\0" + main + b"".join(map(_file_4, names)) + last


def rar_of(files: Mapping[str, bytes]) -> bytes:
    """An archive of the older format with these files, which are not compressed."""
    main = _block_4(0x73, 0, bytes(6))
    end = _block_4(0x7B, 0x4000, b"")
    return b"Rar!\x1a\x07\0" + main + b"".join(_file_4(name, data) + data for name, data in files.items()) + end


def _file_4(name: str, data: bytes = b"", *, more: int = 0) -> bytes:
    encoded = name.encode("utf-8")
    size, checksum = len(data), zlib.crc32(data)
    fields = struct.pack("<IIBIIBBHI", size, size, 2, checksum, 0x50000000, 29, 0x30, len(encoded), 0x20)
    if more:
        return _block_4(0x74, 0x8100, fields + struct.pack("<II", more, 0) + encoded)
    return _block_4(0x74, 0x8000, fields + encoded)


def _block_4(kind: int, flags: int, fields: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


def rar_5(names: Iterable[str]) -> bytes:
    """An archive of the newer format."""
    files = b"".join(_block_5(bytes([2, 2, 0, 0, 0, 0, 0, 0, len(name.encode())]) + name.encode()) for name in names)
    return b"Rar!\x1a\x07\1\0" + _block_5(b"\1\0\0") + files + _block_5(b"\5\0\0")


def _block_5(fields: bytes) -> bytes:
    """A block with its length in one byte."""
    head = bytes([len(fields)]) + fields
    return struct.pack("<I", zlib.crc32(head)) + head
