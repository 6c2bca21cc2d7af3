"""The small container of a large one is a container that every reader takes."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from magicfs.text.extract.archives import zip_excerpt
from magicfs.text.extract.archives.zip_excerpt import ContainerExcerpt, excerpt_of_zip


def made(files: dict[str, bytes], *, before: bytes = b"", comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    file.write(before)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def excerpt(content: bytes, max_bytes: int = 10_000) -> ContainerExcerpt | None:
    def read(offset: int, length: int) -> bytes:
        assert 0 <= offset <= len(content), "the system takes no offset of more than 63 bits"
        return content[offset : offset + length]

    return excerpt_of_zip(read, len(content), max_bytes=max_bytes)


def with_large_number(content: bytes, field: int, number: int) -> bytes:
    """A container whose last member has a number of eight bytes in place of one of four."""
    entry, end = content.rfind(b"PK\x01\x02"), content.rfind(b"PK\x05\x06")
    extra = struct.pack("<2HQ", 1, 8, number)
    changed = bytearray(content[:end] + extra + content[end:])
    changed[entry + field : entry + field + 4] = b"\xff" * 4
    changed[entry + 30 : entry + 32] = len(extra).to_bytes(2, "little")
    length = int.from_bytes(content[end + 12 : end + 16], "little") + len(extra)
    changed[end + len(extra) + 12 : end + len(extra) + 16] = length.to_bytes(4, "little")
    return bytes(changed)


def contents(small: ContainerExcerpt | None) -> dict[str, bytes]:
    assert small is not None
    with zipfile.ZipFile(io.BytesIO(small.content)) as archive:
        assert archive.testzip() is None
        return {member.filename: archive.read(member) for member in archive.infolist()}


@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n" * 50], ids=["plain", "behind a program"])
@pytest.mark.parametrize("comment", [b"", b"PK\x05 a comment"])
def test_all_names_are_kept_in_order_and_texts_with_their_bytes(before: bytes, comment: bytes) -> None:
    files = {"a.txt": b"one " * 99, "folder/": b"", "b.jpg": b"\xff" * 999, "Ж.xml": b"<two/>", "c.TTF": b"font"}
    small = excerpt(made(files, before=before, comment=comment))
    assert list(contents(small)) == list(files)
    assert contents(small) == files | {"b.jpg": b"", "c.TTF": b""}
    assert small is not None
    assert small.left_out == 0


def test_the_largest_parts_are_left_out_and_told() -> None:
    files = {f"{size}.txt": bytes(range(256)) * size for size in (30, 1, 20)}
    with_room = dict.fromkeys(files, zipfile.ZIP_STORED)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content, with_room[name])
    small = excerpt(file.getvalue(), max_bytes=256 * 21)
    assert contents(small) == files | {"30.txt": b""}
    assert small is not None
    assert small.left_out == 30 * 256


@pytest.mark.parametrize(("mark", "are_read"), [("mimetype", True), ("readme", False)])
def test_of_archives_of_many_files_the_names_are_kept_and_of_documents_all(mark: str, are_read: bool) -> None:
    files = {mark: b"x", **{f"{number}.html": b"text" for number in range(zip_excerpt.MAX_READ_MEMBERS)}}
    found = contents(excerpt(made(files), max_bytes=1 << 20))
    assert list(found) == list(files)
    assert (found == files) is are_read


def test_members_at_one_place_take_no_more_room_than_others() -> None:
    content = bytearray(made({"a.txt": b"one", "b.txt": b"x" * 5000}))
    second = content.rfind(b"PK\x01\x02")
    content[second + 42 : second + 46] = bytes(4)  # at the place of the first one
    content[second + 20 : second + 24] = (1 << 31).to_bytes(4, "little")
    small = excerpt(bytes(content))
    assert contents(small) == {"a.txt": b"one", "b.txt": b""}
    assert small is not None
    assert small.left_out == len(content), "no more than all"


@pytest.mark.parametrize("size", [(64 << 20) + 1, 5 << 30, 1 << 63])
def test_members_that_nothing_reads_are_left_out(size: int) -> None:
    small = excerpt(with_large_number(made({"a.txt": b"one", "b.txt": b"two"}), 24, size))
    assert contents(small) == {"a.txt": b"one", "b.txt": b""}
    assert small is not None
    assert 0 < small.left_out < 10


@pytest.mark.parametrize(("size", "is_kept"), [(400 << 20, True), ((1 << 30) + 1, False)])
def test_a_document_may_have_larger_parts(size: int, is_kept: bool) -> None:
    small = excerpt(with_large_number(made({"mimetype": b"x", "content.xml": b"two"}), 24, size))
    assert small is not None
    assert (small.left_out == 0) is is_kept


@pytest.mark.parametrize("offset", [1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_an_offset_outside_of_the_file_is_damage(offset: int) -> None:
    content = made({"a.txt": b"one", "b.txt": b"two"})
    assert contents(excerpt(with_large_number(content, 42, offset))) == {"a.txt": b"one", "b.txt": b""}
    end = content.rfind(b"PK\x05\x06")
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, offset, 1)
    assert excerpt(content[:end] + locator + content[end:]) is None
    large_end = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, 100, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    assert excerpt(content[:end] + large_end + locator + content[end:]) is None


def test_damage_is_no_container_or_costs_what_is_damaged() -> None:
    content = made({"a.txt": b"one", "b.txt": b"two"})
    for at in range(len(content)):
        damaged = content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]
        small = excerpt(damaged)
        assert small is None or len(small.content) < 1000
        small = excerpt(content[:at])
        assert small is None or len(small.content) < 1000
