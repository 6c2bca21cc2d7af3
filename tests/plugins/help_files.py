"""Help of Windows (`.chm`) for tests: its section is in the format of what is compressed, but takes no less room."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import accumulate

_FRAME_BYTES, _FRAMES_AT_ONCE = 0x8000, 2
_CHUNK_BYTES = 4096
_STORAGE = "::DataSpace/Storage/MSCompressed/"
_RESET_TABLE = f"{_STORAGE}Transform/{{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}}/InstanceData/ResetTable"


def help_of(files: Mapping[str, bytes], *, title: str = "") -> bytes:
    """Help with these files, whose names begin with a slash."""
    section = b"".join(files.values())
    frames = _compressed(section)
    places = [0, *accumulate(map(len, frames))]
    table = struct.pack("<IIIIQQQ", 2, len(frames), 8, 0x28, len(section), places[-1], _FRAME_BYTES)
    name = title.encode() + b"\0"
    outside = {
        "/#SYSTEM": struct.pack("<I", 3) + struct.pack("<HHI", 9, 4, 0) + struct.pack("<HH", 3, len(name)) + name,
        f"{_STORAGE}ControlData": struct.pack("<I4sIIIII", 6, b"LZXC", 2, _FRAMES_AT_ONCE, 2, 1, 0),
        _RESET_TABLE: table + struct.pack(f"<{len(frames)}Q", *places[:-1]),
        f"{_STORAGE}Content": b"".join(frames),
    }
    listed = sorted([*_entries(outside, section=0), *_entries(files, section=1)])
    chunks = _chunks([entry for _, entry in listed])
    directory = struct.pack("<4sIIIIIIIIIII", b"ITSP", 1, 0x54, 10, _CHUNK_BYTES, 2, 1, 0, 0, 0, 0, len(chunks))
    directory = directory.ljust(0x54, b"\0") + b"".join(chunks)
    head = struct.pack("<4sIIIII32x", b"ITSF", 3, 0x60, 1, 0, 0x409)
    start = 0x60 + len(directory)
    head += struct.pack("<QQQQQ", 0x60, 0, 0x60, len(directory), start)
    return head + directory + b"".join(outside.values())


def _compressed(section: bytes) -> list[bytes]:
    """The frames of a section: of the two between resets, the first one says that both are not compressed."""
    frames = []
    at_once = _FRAMES_AT_ONCE * _FRAME_BYTES
    for start in range(0, len(section), at_once):
        data = section[start : start + at_once]
        size = len(data)
        head = (3 << 24 | size) << 4
        data = struct.pack("<HHIII", head >> 16, head & 0xFFFF, 1, 1, 1) + data + b"\0" * (size % 2)
        first = _FRAME_BYTES + 16
        frames += [data[:first], data[first:]] if size > _FRAME_BYTES else [data]
    return frames


def _entries(files: Mapping[str, bytes], *, section: int) -> list[tuple[str, bytes]]:
    places = accumulate(map(len, files.values()), initial=0)
    return [
        (name, b"".join(map(_number, (len(name.encode()),))) + name.encode() + b"".join(map(_number, where)))
        for name, place, data in zip(files, places, files.values(), strict=False)
        for where in [(section, place, len(data))]
    ]


def _chunks(entries: list[bytes]) -> list[bytes]:
    chunks = [b""]
    for entry in entries:
        if len(chunks[-1]) + len(entry) > _CHUNK_BYTES - 0x14 - 2:
            chunks.append(b"")
        chunks[-1] += entry
    return [
        struct.pack("<4sIIii", b"PMGL", _CHUNK_BYTES - 0x14 - len(chunk), 0, -1, -1)
        + chunk.ljust(_CHUNK_BYTES - 0x14, b"\0")
        for chunk in chunks
    ]


def _number(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))
