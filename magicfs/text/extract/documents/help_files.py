"""Reads the help and the books of Windows (`.chm`): topics in the order of the table of contents, each one a page.

Runs in the child process, called by `own_readers`. Topics are compressed as in cabinets (LZX), so libarchive
decompresses them from a cabinet that is made of them here. Untrusted bytes. One thread.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple
from urllib.parse import unquote

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.archives.library_members import has_library, library_members
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean, decode

HELP_TYPE: Final = "application/vnd.ms-htmlhelp"

_CABINET_TYPE: Final = "application/vnd.ms-cab-compressed"
_TOPIC: Final = re.compile(r"/.+\.(?:html?|xhtml|txt)", re.IGNORECASE)
_IN_CONTENTS: Final = re.compile(rb'name="Local"\s+value="([^"#]{1,1000})', re.IGNORECASE)
"""The address of a topic in the table of contents."""
_STORAGE: Final = "::DataSpace/Storage/MSCompressed/"
_RESET_TABLE: Final = f"{_STORAGE}Transform/{{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}}/InstanceData/ResetTable"
_SYSTEM, _TITLE = "/#SYSTEM", 3
_FRAME_BYTES: Final = 0x8000
"""The bytes that are decompressed at once."""
_LZX: Final = 3
_CABINET_BYTES, _FOLDER_BYTES, _FILE_BYTES, _ANY_NAME = 36, 8, 16, b"a\0"
"""The sizes of the headers of a cabinet, and a name that each file in it has."""
_MAX_BYTES: Final = 256 << 20
"""The bytes of all topics, as they are decompressed."""
_MAX_ENTRIES: Final = 100_000
_MAX_NUMBER_BYTES: Final = 9


class _Entry(NamedTuple):
    """Where a file in the help is: in its compressed section, or outside of it."""

    is_compressed: bool
    offset: int
    size: int


def read_help(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """The texts of the topics; of those for which there is no time, the names.

    Raises one of `DAMAGE` for a file of which nothing can be read.
    """
    if not has_library():
        return Unreadable(SkipReason.BINARY, "help is read where libarchive is installed")
    help_file = _HelpFile(content, parts)
    pages = []
    for name in help_file.topics():
        if parts.is_time_over:
            parts.add_unread(name, SkipReason.TIMEOUT)
            continue
        text = parts.read(help_file.read(name), name.rpartition("/")[2].encode("utf-8", "replace"))
        if text.strip():
            pages.append(text.rstrip() + PAGE_SEPARATOR)
    return Document(
        text="".join(pages).rstrip(),
        mime_type=HELP_TYPE,
        title=help_file.title(),
        page_starts=tuple(accumulate(map(len, pages[:-1]), initial=0)) if pages else (),
    )


class _HelpFile:
    """The files in a help file, by their names."""

    def __init__(self, content: bytes, parts: FileParts) -> None:
        self._content = content
        self._parts = parts
        directory, _, self._start = struct.unpack_from("<QQQ", content, 0x48)
        self._entries = dict(_entries(content, directory, parts))
        self._section = self._decompressed()

    def read(self, name: str) -> bytes:
        """The bytes of a file; empty if there is none of this name."""
        entry = self._entries.get(name, _Entry(is_compressed=False, offset=0, size=0))
        if entry.is_compressed:
            return self._section[entry.offset : entry.offset + entry.size]
        return self._content[self._start + entry.offset :][: entry.size]

    def topics(self) -> list[str]:
        """The names of topics: first those in the table of contents."""
        tables = [self.read(name) for name in self._entries if name.lower().endswith(".hhc")]
        listed = (decode(address) or "" for table in tables for address in _IN_CONTENTS.findall(table))
        names = {name.lower(): name for name in self._entries if _TOPIC.fullmatch(name)}
        first = (names.get("/" + unquote(address).replace("\\", "/").lstrip("./").lower(), "") for address in listed)
        return list(filter(None, dict.fromkeys([*first, *names.values()])))

    def title(self) -> str | None:
        """The title of the window that shows the help."""
        system, place = self.read(_SYSTEM), 4
        while place + 4 <= len(system):
            kind, size = struct.unpack_from("<HH", system, place)
            if kind == _TITLE:
                return clean(decode(system[place + 4 : place + 4 + size].rstrip(b"\0")) or "").strip() or None
            place += 4 + size
        return None

    def _decompressed(self) -> bytes:
        """The compressed section, up to `_MAX_BYTES` and to damage in it."""
        control, table = self.read(f"{_STORAGE}ControlData"), self.read(_RESET_TABLE)
        if not control or not table:
            return b""
        version, interval, window = struct.unpack_from("<III", control, 8)
        unit = _FRAME_BYTES if version > 1 else 1
        count, _, start, size = struct.unpack_from("<IIIQ", table, 4)
        places = struct.unpack_from(f"<{min(count, _MAX_BYTES // _FRAME_BYTES)}Q", table, start)
        compressed = self.read(f"{_STORAGE}Content")
        frames = [compressed[place:end] for place, end in zip(places, [*places[1:], len(compressed)], strict=True)]
        frames_at_once = max(interval * unit // _FRAME_BYTES, 1)
        cabinet = _cabinet(
            frames, frames_at_once, size=min(size, _MAX_BYTES), window_bits=(window * unit).bit_length() - 1
        )
        section = bytearray()
        try:
            for member in library_members(cabinet, _CABINET_TYPE):
                section += member.read()
        except ValueError:
            self._parts.add_unread("the topics behind the damage")
        return bytes(section)


def _entries(content: bytes, directory: int, parts: FileParts) -> Iterator[tuple[str, _Entry]]:
    """Yield the names of the files, and where they are, but for those in a part of the list that is damaged."""
    header, _, chunk_bytes = struct.unpack_from("<III", content, directory + 8)
    count = struct.unpack_from("<I", content, directory + 0x2C)[0]
    left = _MAX_ENTRIES
    for number in range(min(count, len(content))):
        start = directory + header + number * chunk_bytes
        chunk = content[start : start + chunk_bytes]
        if not chunk.startswith(b"PMGL"):
            continue
        try:
            for entry in _entries_of(chunk):
                if left <= 0:
                    return
                left -= 1
                yield entry
        except (IndexError, ValueError):
            parts.add_unread("the topics in a damaged part of the list")


def _entries_of(chunk: bytes) -> Iterator[tuple[str, _Entry]]:
    """Yield what a part of the list has. Raises `IndexError` or `ValueError` at damage."""
    place, end = 0x14, len(chunk) - int.from_bytes(chunk[4:8], "little")
    while place < end:
        length, place = _number(chunk, place)
        name = chunk[place : place + length].decode("utf-8", "replace")
        section, place = _number(chunk, place + length)
        offset, place = _number(chunk, place)
        size, place = _number(chunk, place)
        yield name, _Entry(section == 1, offset, size)
    if place != end:
        raise ValueError("an entry that is longer than its part of the list")


def _number(chunk: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends. Raises `IndexError` where the chunk ends before."""
    value = 0
    for byte_place in range(place, place + _MAX_NUMBER_BYTES):
        value = value << 7 | chunk[byte_place] & 0x7F
        if not chunk[byte_place] & 0x80:
            return value, byte_place + 1
    raise ValueError("a number without an end")


def _cabinet(frames: list[bytes], frames_at_once: int, *, size: int, window_bits: int) -> bytes:
    """A cabinet with a folder, and a file in it, for the frames between two resets of the decompression."""
    groups = [frames[start : start + frames_at_once] for start in range(0, len(frames), frames_at_once)]
    folders, files, blocks = bytearray(), bytearray(), bytearray()
    files_at = _CABINET_BYTES + len(groups) * _FOLDER_BYTES
    blocks_at = files_at + len(groups) * (_FILE_BYTES + len(_ANY_NAME))
    left = size
    for number, group in enumerate(groups):
        folders += struct.pack("<IHH", blocks_at + len(blocks), len(group), window_bits << 8 | _LZX)
        before = left
        for frame in group:
            unpacked = min(left, _FRAME_BYTES)
            left -= unpacked
            blocks += struct.pack("<IHH", 0, len(frame), unpacked) + frame
        files += struct.pack("<IIHHHH", before - left, 0, number, 0, 0, 0) + _ANY_NAME
    total = blocks_at + len(blocks)
    counts = (len(groups), len(groups), 0, 0, 0)
    head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, total, 0, files_at, 0, 3, 1, *counts)
    return bytes(head + folders + files + blocks)
