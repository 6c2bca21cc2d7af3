"""Files in which Outlook keeps mail (`.pst`), of the version in Unicode and without encryption."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count

Properties = Mapping[int, bytes | int]
"""Texts, bytes, moments and numbers by their tags: the number of a property, and its kind."""

CATEGORIES = 0x8000101F
"""The tag of the categories of an item."""

_FIXED_BYTES = {0x0003: 4, 0x000B: 1, 0x0040: 8}
_STORE, _NAMES, _ROOT = 0x21, 0x61, 0x122
_ATTACHED_TABLE, _RECEIVERS_TABLE = 0x671, 0x692
_FOLDER, _MESSAGE, _ATTACHED, _FOLDERS_TABLE, _ITEMS_TABLE = 0x02, 0x04, 0x05, 0x0D, 0x0E
_CONTENT = 0x3701
_NAME, _MAIL_FOLDER, _CLASS = 0x3001001F, 0x35E00102, 0x001A001F
_ROW_ID = 0x67F20003
_KEYWORDS = "Keywords".encode("utf-16-le")
_NAMED: Properties = {
    0x00010003: 1,
    0x00020102: bytes(16),
    0x00030102: struct.pack("<IHH", 0, 2 << 1 | 1, 0),
    0x00040102: struct.pack("<I", len(_KEYWORDS)) + _KEYWORDS,
}
"""The mapping of names: categories have the first number of named properties."""
_BLOCK_BYTES = 8176
_PAGE_BYTES = 512


@dataclass(frozen=True)
class Item:
    """A message or another item."""

    properties: Properties
    receivers: Sequence[Properties] = ()
    attached: Sequence[Properties] = ()


@dataclass(frozen=True)
class Folder:
    """A folder with items and other folders."""

    name: str
    items: Sequence[Item] = ()
    folders: Sequence[Folder] = ()


def wide(text: str) -> bytes:
    """A text as the version in Unicode has it."""
    return text.encode("utf-16-le")


def outlook_store(*folders: Folder, more: Properties | None = None, damaged: str = "") -> bytes:
    """A file with these folders; `more` are properties of the store.

    `damaged` is what cannot be read: the name of a folder, `items of` one, `first letter`, or `store`.
    """
    writer = _Writer(damaged)
    writer.add_folder(Folder("", folders=(Folder("Top of file", folders=folders),)), parent=_ROOT, identifier=_ROOT)
    uppermost = writer.folders[1]
    entry = bytes(20) + struct.pack("<I", uppermost)
    writer.add_node(_STORE, {_MAIL_FOLDER: entry, **(more or {})}, parent=0)
    writer.damage("store", _STORE)
    writer.add_node(_NAMES, _NAMED, parent=0)
    return writer.file()


@dataclass
class _Writer:
    damaged: str = ""
    content: bytearray = field(default_factory=lambda: bytearray(1024))
    blocks: list[tuple[int, int, int]] = field(default_factory=list)
    nodes: list[tuple[int, int, int, int]] = field(default_factory=list)
    folders: list[int] = field(default_factory=list)
    numbers: count[int] = field(default_factory=lambda: count(0x400))
    block_numbers: count[int] = field(default_factory=lambda: count(4, 4))

    def add_folder(self, folder: Folder, *, parent: int, identifier: int) -> None:
        self.folders.append(identifier)
        self.add_node(identifier, {_NAME: wide(folder.name)}, parent=parent)
        items = [next(self.numbers) << 5 | _MESSAGE for _ in folder.items]
        inner_folders = [next(self.numbers) << 5 | _FOLDER for _ in folder.folders]
        for kind, members in ((_FOLDERS_TABLE, inner_folders), (_ITEMS_TABLE, items)):
            self.nodes.append((identifier - _FOLDER + kind, *self.table({member: {} for member in members}), parent))
        self.damage(folder.name, identifier)
        self.damage(f"items of {folder.name}", identifier - _FOLDER + _ITEMS_TABLE)
        for number, item in zip(items, folder.items, strict=True):
            self.add_item(item, parent=identifier, identifier=number)
            self.damage("first letter", number)
        for number, each in zip(inner_folders, folder.folders, strict=True):
            self.add_folder(each, parent=identifier, identifier=number)

    def add_item(self, item: Item, *, parent: int, identifier: int) -> None:
        inner: dict[int, tuple[int, int]] = {}
        for table, rows in ((_RECEIVERS_TABLE, item.receivers), (_ATTACHED_TABLE, item.attached)):
            if rows:
                inner[table] = self.table({number << 5 | _ATTACHED: row for number, row in enumerate(rows)})
        for number, attached in enumerate(item.attached):
            inner[number << 5 | _ATTACHED] = self.record(attached)
        self.add_node(identifier, {_CLASS: wide("IPM.Note"), **item.properties}, parent=parent, inner=inner)

    def damage(self, name: str, identifier: int) -> None:
        """Overwrite a node, if this is the name of what cannot be read; only the first one of a name."""
        if name and name == self.damaged:
            block = next(data for node, data, *_ in self.nodes if node == identifier)
            place, size = next((place, size) for number, place, size in self.blocks if number == block)
            self.content[place : place + size] = b"\xaa" * size
            self.damaged = ""

    def add_node(
        self,
        identifier: int,
        properties: Properties,
        *,
        parent: int,
        inner: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        data, sub = self.record(properties, inner=inner)
        self.nodes.append((identifier, data, sub, parent))

    def record(self, properties: Properties, *, inner: Mapping[int, tuple[int, int]] | None = None) -> tuple[int, int]:
        """The blocks of a set of properties, and of what is inside of it."""
        heap: list[bytes] = [b"", b""]
        nodes = dict(inner or {})
        entries = b""
        for tag, value in sorted(properties.items(), key=lambda item: item[0] >> 16):
            data = _bytes(tag, value)
            place = int.from_bytes(data, "little")
            if len(data) > 4 or tag & 0xFFFF not in _FIXED_BYTES:
                if len(data) > 3000:
                    place = len(nodes) << 5 | 0x100001F
                    nodes[place] = (self.data(data), 0)
                else:
                    heap.append(data)
                    place = len(heap) << 5
            entries += struct.pack("<HHI", tag >> 16, tag & 0xFFFF, place)
        heap[:2] = [struct.pack("<BBBBI", 0xB5, 2, 6, 0, 2 << 5), entries]
        return self.data(_heap(heap, 0xBC)), self.inner(nodes)

    def table(self, rows: Mapping[int, Properties]) -> tuple[int, int]:
        """The blocks of a table, whose rows have these numbers."""
        tags = [_ROW_ID, *sorted({tag for row in rows.values() for tag in row if tag >> 16 != _CONTENT})]
        sizes = [_FIXED_BYTES.get(tag & 0xFFFF, 4) for tag in tags]
        assert all(size == 4 for size in sizes)
        ends = list(accumulate(sizes))
        heap: list[bytes] = [b""] * 4
        index = data = b""
        for number, (identifier, row) in enumerate(rows.items()):
            cells = b""
            for tag in tags:
                value = _bytes(tag, identifier if tag == _ROW_ID else row.get(tag, b""))
                if tag & 0xFFFF not in _FIXED_BYTES:
                    heap.append(value)
                    value = struct.pack("<I", len(heap) << 5)
                cells += value
            data += cells + b"\xff" * -(-len(tags) // 8)
            index += struct.pack("<II", identifier, number)
        offsets = (ends[-1], ends[-1], ends[-1], ends[-1] + -(-len(tags) // 8))
        columns = b"".join(
            struct.pack("<IHBB", tag, end - size, size, bit)
            for bit, (tag, size, end) in enumerate(zip(tags, sizes, ends, strict=True))
        )
        heap[0] = struct.pack("<BB4HIII", 0x7C, len(tags), *offsets, 2 << 5, 4 << 5 if rows else 0, 0) + columns
        heap[1:4] = [struct.pack("<BBBBI", 0xB5, 4, 4, 0, 3 << 5 if rows else 0), index, data]
        return self.data(_heap(heap, 0x7C)), 0

    def inner(self, nodes: Mapping[int, tuple[int, int]]) -> int:
        entries = b"".join(struct.pack("<QQQ", number, *blocks) for number, blocks in sorted(nodes.items()))
        return self.block(struct.pack("<BBHI", 2, 0, len(nodes), 0) + entries, is_inner=True) if nodes else 0

    def data(self, data: bytes) -> int:
        pieces = [self.block(data[start : start + _BLOCK_BYTES]) for start in range(0, len(data) or 1, _BLOCK_BYTES)]
        if len(pieces) == 1:
            return pieces[0]
        head = struct.pack("<BBHI", 1, 1, len(pieces), len(data))
        return self.block(head + struct.pack(f"<{len(pieces)}Q", *pieces), is_inner=True)

    def block(self, data: bytes, *, is_inner: bool = False) -> int:
        number = next(self.block_numbers) | (2 if is_inner else 0)
        place = len(self.content)
        self.blocks.append((number, place, len(data)))
        padding = bytes(-(len(data) + 16) % 64)
        trailer = struct.pack("<HHIQ", len(data), _signature(place, number), _checksum(data), number)
        self.content += data + padding + trailer
        return number

    def tree(self, kind: int, entries: Sequence[bytes]) -> tuple[int, int]:
        """The number and the place of the root of a tree of pages."""
        level, fitting = 0, 488 // len(entries[0])
        while True:
            pages = [entries[start : start + fitting] for start in range(0, len(entries), fitting)]
            roots = [(page[0][:8], *self.page(kind, level, page)) for page in pages]
            if len(roots) == 1:
                return roots[0][1:]
            entries = [key + struct.pack("<QQ", number, place) for key, number, place in roots]
            level, fitting = level + 1, 488 // 24

    def page(self, kind: int, level: int, entries: Sequence[bytes]) -> tuple[int, int]:
        self.content += bytes(-len(self.content) % _PAGE_BYTES)
        number, place = next(self.block_numbers), len(self.content)
        size = len(entries[0])
        data = b"".join(entries).ljust(488, b"\0") + struct.pack("<BBBBI", len(entries), 488 // size, size, level, 0)
        self.content += data + struct.pack("<BBHIQ", kind, kind, _signature(place, number), _checksum(data), number)
        return number, place

    def file(self) -> bytes:
        blocks = [struct.pack("<QQHHI", number, place, size, 2, 0) for number, place, size in sorted(self.blocks)]
        nodes = [struct.pack("<QQQII", *node, 0) for node in sorted(self.nodes)]
        roots = *self.tree(0x81, nodes), *self.tree(0x80, blocks)
        root = struct.pack("<IQQQQQQQQBBH", 0, len(self.content), 0, 0, 0, *roots, 2, 0, 0)
        middle = struct.pack("<HHHBBIIQQI128xQ", 0x4D53, 23, 19, 1, 1, 0, 0, 0, 1000, 1, 0) + root
        middle += bytes(4) + b"\xff" * 256 + struct.pack("<BBHQ", 0x80, 0, 0, 4000)
        head = struct.pack("<4sI", b"!BDN", _checksum(middle[:471])) + middle
        head += struct.pack("<I", _checksum(middle[:516]))
        self.content[: len(head)] = head
        return bytes(self.content)


def _heap(allocations: Sequence[bytes], kind: int) -> bytes:
    """Allocations in one block, which must hold them."""
    places = list(accumulate(map(len, allocations), initial=12))
    body = b"".join(allocations)
    padding = bytes(len(body) % 2)
    pages = struct.pack(f"<HH{len(places)}H", len(allocations), 0, *places)
    head = struct.pack("<HBBII", 12 + len(body) + len(padding), 0xEC, kind, 1 << 5, 0)
    data = head + body + padding + pages
    assert len(data) <= _BLOCK_BYTES
    return data


def _bytes(tag: int, value: bytes | int) -> bytes:
    return value if isinstance(value, bytes) else value.to_bytes(_FIXED_BYTES[tag & 0xFFFF], "little")


def _signature(place: int, number: int) -> int:
    mixed = (place ^ number) & 0xFFFFFFFF
    return (mixed >> 16 ^ mixed) & 0xFFFF


def _checksum(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF) ^ 0xFFFFFFFF
