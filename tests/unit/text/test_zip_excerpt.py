"""The small container of a large one is a container that every reader takes."""

from __future__ import annotations

import io
import zipfile

import pytest

from magicfs.text.extract.documents import archive_members, archives, zip_excerpt
from magicfs.text.extract.documents.zip_excerpt import ContainerExcerpt, excerpt_of_zip


def made(files: dict[str, bytes], *, before: bytes = b"", comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    file.write(before)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def excerpt(content: bytes, max_bytes: int = 10_000) -> ContainerExcerpt | None:
    return excerpt_of_zip(lambda offset, length: content[offset : offset + length], len(content), max_bytes=max_bytes)


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


def test_what_is_read_of_an_archive_is_kept() -> None:
    assert (zip_excerpt.MAX_NAMES, zip_excerpt.MAX_READ_MEMBERS) == (
        archive_members.MAX_NAMES,
        archives.MAX_READ_MEMBERS,
    )


def test_members_at_one_place_take_no_more_room_than_others() -> None:
    content = bytearray(made({"a.txt": b"one", "b.txt": b"x" * 5000}))
    second = content.rfind(b"PK\x01\x02")
    content[second + 42 : second + 46] = bytes(4)  # at the place of the first one
    content[second + 20 : second + 24] = (1 << 31).to_bytes(4, "little")
    small = excerpt(bytes(content))
    assert contents(small) == {"a.txt": b"one", "b.txt": b""}
    assert small is not None
    assert small.left_out == 1 << 31


def test_damage_is_no_container_or_costs_what_is_damaged() -> None:
    content = made({"a.txt": b"one", "b.txt": b"two"})
    for at in range(len(content)):
        damaged = content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]
        small = excerpt(damaged)
        assert small is None or len(small.content) < 1000
        small = excerpt(content[:at])
        assert small is None or len(small.content) < 1000
