"""Reads the files in which Outlook keeps mail (`.pst`, `.ost`): messages, appointments, tasks, notes and contacts.

Runs in the child process, called by `document_parser`. libpff reads the file by ranges: memory grows with the number of
items alone, and the time to open it with its square. Messages that are attached to messages are found by their names:
the library does not give them. Untrusted bytes. One thread.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

import pypff

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.mail.outlook_items import SUBJECT, ItemReader
from magicfs.text.extract.mail.outlook_properties import BYTES, NAME_PROPERTIES, TEXT, Names, Properties
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

STORE_TYPE: Final = "application/vnd.ms-outlook-pst"

_MAX_DEPTH: Final = 50
"""Folders in folders that are read."""
_MAX_FILE_BYTES: Final = 64 << 20
"""The size of an attached file that is read."""
_FILE, _PASSWORD, _MAIL_FOLDER = 0x3701, 0x67FF, 0x35E0
_SEVERAL: Final = 0x1000
_MAX_VALUES: Final = 100
"""The texts of one property that are read, such as categories."""
_VALUE_BYTES: Final = 8
_PREFIX: Final = 0x01
"""How a subject begins, before a character that counts those of a prefix such as `RE: `."""
_NAMELESS: Final = Names(b"", b"", b"")
_DAMAGE: Final = (OSError, AttributeError, TypeError, ValueError)
"""What the library raises about a damaged folder or item, and what follows from one that it does not give."""


class _Place(NamedTuple):
    """Where an item is."""

    identifier: int
    """What is made later has a higher one."""
    folder: Any
    path: str
    """The names of the folders around it."""
    number: int


def read_store(source: bytes | OpenFile, *, parts: FileParts, max_bytes: int, until: float) -> Document | Unreadable:
    """The texts of the items of a file of Outlook, each one a page: those of the newest ones, if there are too many.

    Items are read until a moment on the monotonic clock; attached files while there is time for parts. `max_bytes` is
    the limit of a text. Raises `OSError` at damage.
    """
    store = pypff.file()
    store.open_file_object(io.BytesIO(source) if isinstance(source, bytes) else source)
    if _has_password(store):
        return Unreadable(SkipReason.ENCRYPTED, "a password protects it")
    names = _names(store)
    reader = ItemReader(parts)
    places = sorted(_places(_mail_folder(store), parts), key=lambda place: place.identifier)
    pages: list[str] = []
    size = 0
    for place in reversed(places):
        page = _page(place, names, reader, parts).rstrip() + PAGE_SEPARATOR
        size += len(page.encode("utf-8"))
        if pages and size > max_bytes:
            break
        pages.append(page)
        if time.monotonic() > until:
            break
    pages.reverse()
    left_out = len(places) - len(pages)
    return Document(
        text="".join(pages),
        mime_type=STORE_TYPE,
        page_starts=tuple(accumulate((len(page) for page in pages[:-1]), initial=0)) if pages else (),
        first_page=left_out + 1,
        # The items have no size without being read: each one is taken for as large as the others.
        cut_bytes=store.size * left_out // max(len(places), 1),
    )


def _has_password(store: Any) -> bool:
    try:
        return bool(_Record.of(store.message_store).number(_PASSWORD))
    except _DAMAGE:
        return False


def _mail_folder(store: Any) -> Any:
    """The folder that a person sees as the uppermost one; the one around it if the file does not say which that is."""
    root = store.root_folder
    try:
        identifier = int.from_bytes((_Record.of(store.message_store).data(_MAIL_FOLDER) or b"")[-4:], "little")
        folders = (root.get_sub_folder(index) for index in range(root.number_of_sub_folders))
        return next((folder for folder in folders if folder.identifier == identifier), root)
    except _DAMAGE:
        return root


def _places(folder: Any, parts: FileParts, path: str = "", *, depth: int = 0) -> Iterator[_Place]:
    """Yield the places of all items in a folder and the folders in it, but for those that are damaged."""
    for index in range(_count(folder, "number_of_sub_messages", path, parts)):
        if parts.is_time_over:
            parts.add_unread(path or "a folder", SkipReason.TIMEOUT)
            return
        try:
            yield _Place(folder.get_sub_message(index).identifier, folder, path, index)
        except _DAMAGE:
            parts.add_unread(f"{path}: item {index + 1}")
    count = _count(folder, "number_of_sub_folders", path, parts) if depth < _MAX_DEPTH else 0
    for index in range(count):
        try:
            inner = folder.get_sub_folder(index)
        except _DAMAGE:
            parts.add_unread(f"{path}: folder {index + 1}")
            continue
        yield from _places(inner, parts, f"{path}/{_name(inner)}".lstrip("/"), depth=depth + 1)


def _count(folder: Any, attribute: str, path: str, parts: FileParts) -> int:
    """How many items or folders a folder has: none where its list of them is damaged."""
    try:
        return int(getattr(folder, attribute))
    except _DAMAGE:
        parts.add_unread(path or "a folder")
        return 0


def _name(folder: Any) -> str:
    try:
        return folder.name or ""
    except _DAMAGE:
        return "a folder"


def _page(place: _Place, names: Names, reader: ItemReader, parts: FileParts) -> str:
    """The text of an item under the names of its folders; empty for one that is damaged."""
    try:
        item = _Item(place.folder.get_sub_message(place.number), names)
        text = "\n\n".join(filter(str.strip, reader.texts(item)))
    except Exception:  # the library raises anything about a malformed item
        parts.add_unread(f"{place.path}: item {place.number + 1}")
        return ""
    parts.add()
    return f"Folder: {' '.join(clean(place.path).split())}\n{text}" if text and place.path else text


def _names(store: Any) -> Names:
    """The numbers of named properties, which are the same in all of a file."""
    try:
        mapping = _Record.of(store.name_to_id_map)
        return Names(*(mapping.data(number) or b"" for number in NAME_PROPERTIES))
    except _DAMAGE:
        return _NAMELESS


class _Record(Properties):
    """The properties of an item, a receiver or an attached file."""

    def __init__(self, record_set: Any, *, charset: str | None = None) -> None:
        self._entries = {(entry.entry_type, entry.value_type): entry for entry in record_set.entries}
        self._kinds: dict[int, int] = dict(self._entries.keys())
        super().__init__(charset=charset)

    @classmethod
    def of(cls, item: Any, *, charset: str | None = None) -> _Record:
        """The properties of an item of the library, which are its first set."""
        return cls(item.get_record_set(0), charset=charset)

    def has(self, number: int, kind: int) -> bool:
        """Whether there is a property of this number and kind."""
        return (number, kind) in self._entries

    def _stored(self, number: int, kind: int) -> bytes | None:
        entry = self._entries.get((number, kind))
        data: bytes | None = entry.data if entry is not None else None
        if number == SUBJECT and data and data[0] == _PREFIX:
            return data[4 if kind == TEXT else 2 :]
        return data

    def _several(self, number: int, kind: int) -> list[bytes]:
        data = self._stored(number, kind | _SEVERAL) or b""
        count = min(int.from_bytes(data[:4], "little"), _MAX_VALUES, len(data) // 4 - 1)
        places = [int.from_bytes(data[4 * one : 4 * one + 4], "little") for one in range(1, count + 1)]
        return [data[start:end] for start, end in pairwise([*places, len(data)])]

    def _value(self, number: int) -> bytes | None:
        kind = self._kinds.get(number)
        data = self._stored(number, kind) if kind is not None else None
        return data.ljust(_VALUE_BYTES, b"\0")[:_VALUE_BYTES] if data else None


class _Item:
    """A message, or anything else that a folder holds."""

    def __init__(self, item: Any, names: Names) -> None:
        self._item = item
        self.names = names
        self.properties = _Record.of(item)

    def receivers(self) -> Iterator[Properties]:
        found = getattr(self._item, "recipients", None)
        for record_set in found.record_sets if found is not None else ():
            yield _Record(record_set, charset=self.properties.charset)

    def attached(self) -> Iterator[_Attached]:
        for attached in getattr(self._item, "attachments", ()):
            yield _Attached(attached, self.properties.charset)


class _Attached:
    """What is attached to an item."""

    def __init__(self, attached: Any, charset: str | None) -> None:
        self._attached = attached
        self.properties = _Record.of(attached, charset=charset)

    def content(self) -> bytes | SkipReason:
        """The bytes of a file; why there are none of a message, or of a file that is too large."""
        if not self.properties.has(_FILE, BYTES):
            return SkipReason.BINARY
        size = self._attached.size or 0
        if size > _MAX_FILE_BYTES:
            return SkipReason.TOO_LARGE
        content: bytes = self._attached.read_buffer(size)
        return content

    def message(self) -> None:
        """None: messages are not read."""
