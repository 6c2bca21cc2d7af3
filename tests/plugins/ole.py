"""Compound files (OLE) and the old documents of Office in them, as a test wants them."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping, Sequence

_SECTOR, _SMALL_SECTOR, _SMALL_STREAM = 512, 64, 4096
_FREE, _END, _FAT, _NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """A container of streams; a name such as `ObjectPool/Workbook` is that of a stream in a storage."""
    folders = sorted({path[:place] for path in streams for place, sign in enumerate(path) if sign == "/"})
    entries: list[tuple[str, int, bytes]] = [("Root Entry", 5, b"")]
    entries += [(folder, 1, b"") for folder in folders]
    entries += [(path, 2, content) for path, content in streams.items()]
    inside: dict[str, list[int]] = {"": [], **{folder: [] for folder in folders}}
    for number, (path, _, _) in enumerate(entries[1:], 1):
        inside[path.rpartition("/")[0]].append(number)
    after = {one: other for numbers in inside.values() for one, other in itertools.pairwise(numbers)}
    first = {folder: numbers[0] if numbers else _NONE for folder, numbers in inside.items()}

    body, small = _Sectors(_SECTOR), _Sectors(_SMALL_SECTOR)
    starts = {
        path: (small if len(content) < _SMALL_STREAM else body).add(content)
        for path, kind, content in entries
        if kind == 2
    }
    root_start, small_fat_start = body.add(small.data), body.add(_numbers(small.table))
    directory = b""
    for number, (path, kind, content) in enumerate(entries):
        child = first["" if kind == 5 else path] if kind != 2 else _NONE
        name = path.rpartition("/")[2].encode("utf-16-le") + b"\0\0"
        links = struct.pack("<III", _NONE, after.get(number, _NONE), child)
        head = struct.pack("<64sHBB", name, len(name), kind, 1)
        start, size = (root_start, len(small.data)) if kind == 5 else (starts.get(path, 0), len(content))
        directory += head + links + bytes(36) + struct.pack("<III", start, size, 0)
    while len(directory) % _SECTOR:
        directory += bytes(68) + struct.pack("<III", _NONE, _NONE, _NONE) + bytes(48)
    directory_start = body.add(directory)
    fats = (len(body.table) + 130) // 127
    fat_start = len(body.table)
    table = _numbers([*body.table, *[_FAT] * fats]).ljust(fats * _SECTOR, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    small_fats = (len(small.table) * 4 + _SECTOR - 1) // _SECTOR
    header += struct.pack("<6I", 0, fats, directory_start, 0, _SMALL_STREAM, small_fat_start)
    header += struct.pack("<3I", small_fats, _END, 0)
    header += struct.pack("<109I", *range(fat_start, fat_start + fats), *[_FREE] * (109 - fats))
    return header + body.data + table


class _Sectors:
    """Streams in sectors of one size, and the table that says which sector follows which."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.data = b""
        self.table: list[int] = []

    def add(self, content: bytes) -> int:
        """The number of the first sector of a stream that is added."""
        if not content:
            return _END
        start = len(self.table)
        self.data += content + bytes(-len(content) % self._size)
        self.table += [*range(start + 1, len(self.data) // self._size), _END]
        return start


def _numbers(table: Sequence[int]) -> bytes:
    content = struct.pack(f"<{len(table)}I", *table)
    return content + b"\xff" * (-len(content) % _SECTOR)


def word_97(
    *parts: str,
    marks: Mapping[str, int | bytes] | None = None,
    streams: Mapping[str, bytes] | None = None,
    authors: Mapping[int, str] | None = None,
) -> bytes:
    """A document of Word 97: its running text, then notes, headers, comments, end notes and boxes; and more streams.

    `marks` has the change of format (`sprm`) of some words, or the bytes of several; `authors` who wrote the comment
    that begins at a place in the text of all.
    """
    lengths = [len(part.encode("utf-16-le")) // 2 for part in parts] + [0] * (7 - len(parts))
    text = "".join(parts).encode("utf-16-le")
    main = bytearray(1024)
    struct.pack_into("<6H", main, 0, 0xA5EC, 0xC1, 0, 0x0409, 0, 0x0200)
    struct.pack_into("<3I4x4I", main, 76, *lengths)
    pieces = struct.pack("<IIHIH", 0, sum(lengths), 0, 1024, 0)
    blocks = struct.pack("<BI", 2, len(pieces)) + pieces
    struct.pack_into("<II", main, 418, 0, len(blocks))
    if authors:
        names = b"".join(struct.pack("<H", len(name)) + name.encode("utf-16-le") for name in authors.values())
        references = bytes(4 * len(authors) + 4)
        references += b"".join(bytes(20) + struct.pack("<H8x", number) for number in range(len(authors)))
        texts = struct.pack(f"<{len(authors) + 1}I", *authors, len(parts[3]))
        for place, part in ((186, references), (194, texts), (442, names)):
            struct.pack_into("<II", main, place, len(blocks), len(part))
            blocks += part
    body = bytes(main) + text
    if marks:
        body += bytes(-len(body) % 512)
        blocks += struct.pack("<III", 1024, 1024 + len(text), len(body) // 512)
        struct.pack_into("<II", main, 250, len(blocks) - 12, 12)
        body = bytes(main) + body[len(main) :] + _formats_page(text, marks)
    return compound_file({"WordDocument": body, "1Table": blocks, **(streams or {})})


def _formats_page(text: bytes, marks: Mapping[str, int | bytes]) -> bytes:
    """A page with the formats of words in a text that begins at place 1024."""
    places: list[int] = [1024]
    formats: list[int | bytes] = []
    for word, change in sorted(marks.items(), key=lambda item: text.index(item[0].encode("utf-16-le"))):
        first = 1024 + text.index(word.encode("utf-16-le"))
        places += [first, first + 2 * len(word)]
        formats += [0, change]
    places.append(1024 + len(text))
    formats.append(0)
    page = bytearray(512)
    struct.pack_into(f"<{len(places)}I", page, 0, *places)
    at = 496
    for number, change in enumerate(formats):
        if change:
            # Bold first: a change is found behind others.
            changes = struct.pack("<HB", 0x0835, 1)
            changes += change if isinstance(change, bytes) else struct.pack("<HB", change, 1)
            struct.pack_into(f"<B{len(changes)}s", page, at, len(changes), changes)
            page[4 * len(places) + number] = at // 2
            at -= 12
    page[-1] = len(formats)
    return bytes(page)


def word_6(text: bytes, *, language: int = 0x0409, flags: int = 0, magic: int = 0xA5DC) -> bytes:
    """A document of Word 6 or 95, whose text has a byte a character, but for East Asia."""
    main = bytearray(768)
    struct.pack_into("<6H", main, 0, magic, 101, 0, language, 0, flags)
    struct.pack_into("<II", main, 24, 768, 768 + len(text))
    struct.pack_into("<I", main, 52, len(text))
    return compound_file({"WordDocument": bytes(main) + text})


def record_of_excel(kind: int, content: bytes) -> bytes:
    """A record of a workbook."""
    return struct.pack("<HH", kind, len(content)) + content


def record(kind: int, content: bytes, *, instance: int = 0, version: int = 0) -> bytes:
    """A record of PowerPoint."""
    return struct.pack("<HHI", instance << 4 | version, kind, len(content)) + content


def holder(kind: int, *records: bytes, instance: int = 0) -> bytes:
    """A record of records."""
    return record(kind, b"".join(records), instance=instance, version=0xF)


def shape(text: str, *more: bytes) -> bytes:
    """A shape with a text."""
    return holder(0xF004, holder(0xF00D, record(4000, text.encode("utf-16-le"))), *more)


def drawn_word(text: str) -> bytes:
    """The properties of a shape that is a text (WordArt), among others."""
    value = text.encode("utf-16-le") + b"\0\0"
    name = "Arial\0".encode("utf-16-le")
    rows = ((0x0004, 90), (0xC0C0, len(value)), (0xC0C5, len(name)), (0x00FF, 1))
    properties = b"".join(struct.pack("<HI", *row) for row in rows)
    return record(0xF00B, properties + value + name, instance=len(rows), version=3)


def presentation_97(slides: Sequence[str], *, master: str, notes: str, saved_before: str = "") -> bytes:
    """A presentation of slides, with notes at the first, a master with an empty title, and perhaps an older slide."""
    parts = [holder(1006, shape(text)) for text in slides]
    parts.append(holder(1016, shape("Click to edit Master title style", record(3011, bytes(8))), shape(master)))
    parts.append(holder(1008, record(1009, struct.pack("<II", 256, 0)), shape(notes)))
    listed = [record(1011, struct.pack("<IIIII", 2 + n, 0, 0, 256 + n, 0)) for n in range(len(slides))]
    master_listed = record(1011, struct.pack("<IIIII", 2 + len(slides), 0, 0, 0, 0))
    notes_listed = record(1011, struct.pack("<IIIII", 3 + len(slides), 0, 0, 0, 0))
    lists = [
        holder(4080, *listed),
        holder(4080, master_listed, instance=1),
        holder(4080, notes_listed, instance=2),
    ]
    parts.insert(0, holder(1000, *lists))
    before = holder(1006, shape(saved_before)) if saved_before else b""
    return compound_file(streams_of_presentation(parts, before=before))


def streams_of_presentation(parts: Sequence[bytes], *, before: bytes = b"") -> dict[str, bytes]:
    """The streams of a presentation: what was saved before, its parts, the document first, and their directory."""
    data = before
    offsets: list[int] = []
    for part in parts:
        offsets.append(len(data))
        data += part
    directory = len(data)
    data += record(6002, struct.pack(f"<I{len(parts)}I", len(parts) << 20 | 1, *offsets))
    edit = len(data)
    data += record(4085, struct.pack("<7I", 0, 0, 0, directory, 1, 0, 0))
    user = struct.pack("<HHIIII", 0, 4086, 0, 0x14, 0xE391C05F, edit)
    return {"PowerPoint Document": data, "Current User": user}
