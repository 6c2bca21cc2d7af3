"""Archives that libarchive reads, for tests: it writes most of them, and cabinets are written by hand."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from magicfs.text.extract.archives.library_members import has_library


def seven_zip_of(files: Mapping[str, bytes]) -> bytes:
    """A 7z archive with these files."""
    return _written(files, "7zip")


def disc_of(files: Mapping[str, bytes]) -> bytes:
    """An image of a disc with these files (ISO 9660 with Joliet)."""
    return _written(files, "iso9660")


def cpio_of(files: Mapping[str, bytes]) -> bytes:
    """A cpio archive with these files."""
    return _written(files, "cpio")


def binary_cpio_of(files: Mapping[str, bytes]) -> bytes:
    """A cpio archive with these files, in the format that GNU's program writes unless told otherwise."""
    return b"".join(_binary_cpio_member(*file) for file in [*files.items(), ("TRAILER!!!", b"")])


def _binary_cpio_member(name: str, data: bytes) -> bytes:
    stored, size = name.encode() + b"\0", len(data)
    numbers = (0o070707, 0, 1, 0o100644, 0, 0, 1, 0, 0, 0, len(stored), size >> 16, size & 0xFFFF)
    padded = (part + bytes(len(part) % 2) for part in (stored, data))
    return struct.pack("<13H", *numbers) + b"".join(padded)


def lha_of(files: Mapping[str, bytes]) -> bytes:
    """An archive of LHA with these files, which are not compressed; their names are in the charset of Japanese."""
    return b"".join(_lha_member(name.encode("cp932"), data) for name, data in files.items()) + b"\0"


def _lha_member(name: bytes, data: bytes) -> bytes:
    body = struct.pack("<5sIIIBBB", b"-lh0-", len(data), len(data), 0x58EF4DC0, 0x20, 0, len(name))
    body += name + struct.pack("<H", _crc16(data))
    return bytes((len(body), sum(body) & 0xFF)) + body + data


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def compressed_by_compress(data: bytes) -> bytes:
    """A file of the program `compress`."""
    return _written({"": data}, "raw", "compress")


def _written(files: Mapping[str, bytes], format_name: str, filter_name: str | None = None) -> bytes:
    assert has_library()
    import libarchive

    blocks: list[bytes] = []

    def keep(block: bytes) -> int:
        blocks.append(bytes(block))
        return len(block)

    with libarchive.custom_writer(keep, format_name, filter_name) as archive:
        for name, data in files.items():
            archive.add_file_from_memory(name, len(data), data)
    return b"".join(blocks)


def cabinet_of(files: Mapping[str, bytes]) -> bytes:
    """A cabinet with these files, which are not compressed and together of less than 32 KB."""
    data = b"".join(files.values())
    names = [name.encode() + b"\0" for name in files]
    entries, offset = b"", 0
    for name, content in zip(names, files.values(), strict=True):
        entries += struct.pack("<IIHHHH", len(content), offset, 0, 0x58EF, 0x4DC0, 0xA0) + name
        offset += len(content)
    first_file = 36 + 8
    first_block = first_file + len(entries)
    size = first_block + 8 + len(data)
    head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, size, 0, first_file, 0, 3, 1, 1, len(files), 0, 1, 0)
    folder = struct.pack("<IHH", first_block, 1, 0)
    return head + folder + entries + struct.pack("<IHH", 0, len(data), len(data)) + data
