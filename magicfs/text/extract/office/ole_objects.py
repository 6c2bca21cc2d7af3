"""Reads the files that people put into documents of Office as objects: PDF files, packages of any kind, documents.

Runs in the child process, used by `office_parts`. Such a file is a stream of a compound file: a document of
before 2007 itself, or a member `oleObject1.bin` of a newer one. RTF has it as numbers. What only the program reads that
made it is left out.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.plain.plain_text import clean, decode

WITH_OBJECTS: Final = frozenset({"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"})
"""The documents that are compound files with objects."""
_IN_RTF: Final = re.compile(rb"\\objdata\s*([0-9A-Fa-f \t\r\n]*)")
_PACKED: Final = "\x01ole10native"
_WHOLE: Final = frozenset({"contents", "package"})
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_READ: Final = (b"%PDF-", b"{\\rtf", b"PK\x03\x04", _COMPOUND)
"""How files begin that are read; other programs have streams of these names too."""
_OF_A_FILE: Final = 2
"""What a package begins with that has a file in it."""
_MAX_OBJECTS: Final = 100
_MAX_DOCUMENTS: Final = 20
"""Each of them is read from a copy of the whole file."""
_MAX_BYTES: Final = 32 << 20
_SLIDES: Final = "PowerPoint Document"
_DOCUMENTS: Final = ("WordDocument", "Workbook", "Book", _SLIDES)
"""The streams of documents, which have files in them too."""
_OBJECT_RECORD: Final = 0x1011
"""A compound file in a presentation. Of its instance 1, the size precedes it, and it is compressed."""
_RECORD_HEAD_BYTES: Final = 8


class Embedded(NamedTuple):
    """A file inside of a document."""

    name: str
    content: bytes
    is_named: bool = False
    """Whether a person has given the name."""


def objects_in(document: bytes) -> Iterator[Embedded]:
    """Yield the files in a document. Raises `struct.error` for a content that is shorter than a header."""
    ole = OleFile(document)
    if _SLIDES in ole:
        yield from _objects_in_slides(ole.read(_SLIDES))
    else:
        yield from _files_in(ole)


def objects_in_rtf(document: bytes) -> Iterator[Embedded]:
    """Yield the files in a document of RTF, which has them as hexadecimal numbers."""
    for count, found in enumerate(itertools.islice(_IN_RTF.finditer(document), _MAX_OBJECTS), 1):
        digits = found[1].translate(None, b" \t\r\n")
        data = bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))
        with contextlib.suppress(struct.error):
            content = _of_old_object(data)
            if content.startswith(_COMPOUND):
                yield from files_of_object(content, f"object {count}")
            elif content.startswith(_READ):
                yield Embedded(f"object {count}", content)
            elif (file := _packed_file(bytes(4) + content)) is not None:
                yield file


def _of_old_object(data: bytes) -> bytes:
    """The data of an object: its version and format precede them, three texts with their lengths, and the size.

    Raises `struct.error` for a content that is too short.
    """
    place = 8
    for _ in range(3):
        place += 4 + struct.unpack_from("<I", data, place)[0]
    (size,) = struct.unpack_from("<I", data, place)
    return data[place + 4 : place + 4 + size]


def files_of_object(content: bytes, name: str) -> list[Embedded]:
    """The files in an object, or the object itself where it is a document. Raises `struct.error` as above."""
    ole = OleFile(content)
    is_document = any(stream in ole for stream in _DOCUMENTS)
    return (not is_document and list(_files_in(ole))) or [Embedded(name, content)]


def _files_in(ole: OleFile) -> Iterator[Embedded]:
    kinds = [(path, path.rpartition("/")[2].casefold()) for path in ole.paths]
    paths = [(path, kind) for path, kind in kinds if kind == _PACKED or kind in _WHOLE]
    for path, kind in paths[:_MAX_OBJECTS]:
        data = ole.read(path)
        if kind == _PACKED:
            file = _packed_file(data)
            if file is not None:
                yield file
        elif data.startswith(_READ):
            yield Embedded(path, data)
    for storage in _storages_of_documents(ole.paths):
        yield Embedded(storage, ole.with_root(storage))


def _storages_of_documents(paths: Iterable[str]) -> list[str]:
    """The storages that hold a document itself, such as a sheet in a letter; not those inside of one of them."""
    found: list[str] = []
    for storage in sorted(path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] in _DOCUMENTS):
        if storage and not any(storage == other or storage.startswith(f"{other}/") for other in found):
            found.append(storage)
    return found[:_MAX_DOCUMENTS]


def _objects_in_slides(stream: bytes) -> Iterator[Embedded]:
    place = count = 0
    while place + _RECORD_HEAD_BYTES <= len(stream) and count < _MAX_OBJECTS:
        instance, kind, length = struct.unpack_from("<HHI", stream, place)
        place += _RECORD_HEAD_BYTES
        if kind == _OBJECT_RECORD:
            count += 1
            data = stream[place : place + length]
            if instance >> 4 == 1:
                data = _inflated(data[4:])
            if data.startswith(_COMPOUND):
                yield from files_of_object(data, f"object {count}")
        place += length


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MAX_BYTES)
    except zlib.error:
        return b""


def _packed_file(data: bytes) -> Embedded | None:
    """The file in a package: its size, names in the charset of a system, its bytes, and names in UTF-16."""
    try:
        if struct.unpack_from("<H", data, 4)[0] != _OF_A_FILE:
            return None
        label_end = data.index(b"\0", 6)
        path_end = data.index(b"\0", label_end + 1)
        (length,) = struct.unpack_from("<I", data, path_end + 5)
        start = path_end + 9 + length
        (size,) = struct.unpack_from("<I", data, start)
        label = decode(data[6:label_end]) or ""
        place = start + 4 + size
        for _ in range(2):  # a path comes before the name
            if place + 4 <= len(data):
                (count,) = struct.unpack_from("<I", data, place)
                label_in_utf16 = clean(data[place + 4 : place + 4 + 2 * count].decode("utf-16-le", "replace"))
                place += 4 + 2 * count
                label = label_in_utf16.rpartition("\\")[2] or label
    except (struct.error, ValueError):
        return None
    name = " ".join(label.rpartition("\\")[2].split())[:255]
    return Embedded(name, data[start + 4 : start + 4 + size], is_named=bool(name))
