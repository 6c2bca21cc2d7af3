"""Reads messages of Outlook (`.msg`, `.oft`), its appointments, tasks and contacts too, with what is attached to them.

Runs in the child process, called by `own_readers`. A message, a receiver and an attached file are each a storage of a
compound file: a stream lists its properties, and texts and bytes are in streams of their own. One thread.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.mail.outlook_items import SUBJECT, ItemReader, senders
from magicfs.text.extract.mail.outlook_properties import BYTES, NAME_PROPERTIES, Names, Properties
from magicfs.text.extract.office.ole_files import OleFile

OUTLOOK_TYPE: Final = "application/vnd.ms-outlook"

_ATTACHED, _RECEIVER = "__attach_version1.0_", "__recip_version1.0_"
_STREAM: Final = "__substg1.0_"
_LIST: Final = "__properties_version1.0"
_NAMES: Final = "__nameid_version1.0/"
_ENTRY: Final = struct.Struct("<HHI8s")
_SEVERAL: Final = 0x1000
_MAX_VALUES: Final = 100
"""The texts of one property that are read, such as categories."""
_HEAD_BYTES, _INNER_HEAD_BYTES, _PART_HEAD_BYTES = 32, 24, 8
"""The bytes before the first property of a message, of a message in a message, and of what is in a message."""
_INNER: Final = f"{_STREAM}3701000D/"
"""The storage of a message in the one of what is attached."""
_FILE: Final = 0x3701


def read_outlook(content: bytes, *, parts: FileParts) -> Document:
    """The text of a message and of its attached files; of those for which there is no time, the names.

    Raises one of `DAMAGE` for a message of which nothing can be read.
    """
    ole = OleFile(content)
    streams = (f"{_NAMES}{_STREAM}{number:04X}{BYTES:04X}" for number in NAME_PROPERTIES)
    message = _Message(ole, "", Names(*(ole.read(stream) if stream in ole else b"" for stream in streams)))
    return Document(
        text="\n\n".join(filter(str.strip, ItemReader(parts).texts(message))),
        mime_type=OUTLOOK_TYPE,
        title=message.properties.text(SUBJECT).strip() or None,
        author=next(iter(senders(message.properties)), None),
    )


class _Storage(Properties):
    """The properties of one storage, which is found by its path: empty, or one that ends with `/`."""

    def __init__(self, ole: OleFile, folder: str, *, charset: str | None = None) -> None:
        self._ole = ole
        self._folder = folder
        self._listed = self._read_list()
        super().__init__(charset=charset)

    def _stored(self, number: int, kind: int) -> bytes | None:
        return self._stream(f"{self._folder}{_STREAM}{number:04X}{kind:04X}")

    def _several(self, number: int, kind: int) -> list[bytes]:
        path = f"{self._folder}{_STREAM}{number:04X}{kind | _SEVERAL:04X}"
        return [value for one in range(_MAX_VALUES) if (value := self._stream(f"{path}-{one:08X}"))]

    def _value(self, number: int) -> bytes | None:
        return self._listed.get(number)

    def _stream(self, path: str) -> bytes | None:
        return self._ole.read(path) if path in self._ole else None

    def _read_list(self) -> dict[int, bytes]:
        """The values of the properties that are in the list itself, by their numbers."""
        data = self._stream(self._folder + _LIST) or b""
        head = _PART_HEAD_BYTES if self._folder else _HEAD_BYTES
        if self._folder.endswith(f"/{_INNER}"):
            head = _INNER_HEAD_BYTES
        entries = data[head : head + (len(data) - head) // _ENTRY.size * _ENTRY.size]
        return {number: value for _, number, _, value in _ENTRY.iter_unpack(entries)}


class _Message:
    """A message in a folder of a compound file."""

    def __init__(self, ole: OleFile, folder: str, names: Names) -> None:
        self._ole = ole
        self._folder = folder
        self.names = names
        self.properties = _Storage(ole, folder)

    def receivers(self) -> Iterator[Properties]:
        for folder in self._storages(_RECEIVER):
            yield _Storage(self._ole, folder, charset=self.properties.charset)

    def attached(self) -> Iterator[_Attached]:
        for folder in self._storages(_ATTACHED):
            yield _Attached(self._ole, folder, self)

    def _storages(self, kind: str) -> list[str]:
        """The storages of a kind in this one, in order."""
        start = self._folder + kind
        inside = {path[len(self._folder) :].partition("/")[0] for path in self._ole.paths if path.startswith(start)}
        return [f"{self._folder}{name}/" for name in sorted(inside)]


class _Attached:
    """What is attached to a message."""

    def __init__(self, ole: OleFile, folder: str, message: _Message) -> None:
        self._ole = ole
        self._folder = folder
        self._names = message.names
        self.properties = _Storage(ole, folder, charset=message.properties.charset)

    def content(self) -> bytes:
        return self.properties.data(_FILE) or b""

    def message(self) -> _Message | None:
        is_file = self.properties.data(_FILE) is not None
        return None if is_file else _Message(self._ole, self._folder + _INNER, self._names)
