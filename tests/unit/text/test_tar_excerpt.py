"""The small archive of a large one has its names, and what may have text of few members."""

from __future__ import annotations

import io
import tarfile

import pytest

from magicfs.text.extract.documents import zip_excerpt
from magicfs.text.extract.documents.tar_excerpt import excerpt_of_tar
from magicfs.text.extract.documents.zip_excerpt import ContainerExcerpt

LONG = "folder/" * 30 + "Ж" * 120 + ".txt"


def made(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def excerpt(content: bytes, max_bytes: int = 10_000) -> ContainerExcerpt | None:
    return excerpt_of_tar(lambda offset, length: content[offset : offset + length], len(content), max_bytes=max_bytes)


def contents(small: ContainerExcerpt | None) -> dict[str, bytes]:
    assert small is not None
    with tarfile.open(fileobj=io.BytesIO(small.content)) as archive:
        return {member.name: file.read() if (file := archive.extractfile(member)) else b"" for member in archive}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_names_are_kept_and_texts_with_their_bytes(form: int) -> None:
    files = {"a.txt": b"one " * 99, "b.jpg": b"\xff" * 99_999, LONG: b"two", "large.txt": b"x" * 20_000}
    small = excerpt(made(files, form))
    assert contents(small) == files | {"b.jpg": b"", "large.txt": b""}
    assert small is not None
    assert small.left_out == 20_000


def test_of_many_files_the_names_are_kept() -> None:
    files = {f"{number}.txt": b"text" for number in range(zip_excerpt.MAX_READ_MEMBERS + 1)}
    small = excerpt(made(files))
    assert contents(small) == dict.fromkeys(files, b"")
    assert small is not None
    assert small.left_out == 0


def test_nothing_is_read_between_headers() -> None:
    content = made({"a.jpg": bytes(1 << 20), "b.jpg": bytes(1 << 20)})
    read: list[int] = []
    small = excerpt_of_tar(
        lambda offset, length: (read.append(length), content[offset : offset + length])[1], len(content), max_bytes=100
    )
    assert list(contents(small)) == ["a.jpg", "b.jpg"]
    assert sum(read) < 20_000


@pytest.mark.parametrize("length", [700, 5000, 11_000, 12_000])
def test_of_an_archive_that_is_cut_the_names_before_are_kept_and_the_rest_is_told(length: int) -> None:
    small = excerpt(made({"a.jpg": bytes(5000), "b.jpg": bytes(5000), "c.jpg": bytes(5000)})[:length])
    assert small is not None
    assert "a.jpg" in contents(small)
    assert small.left_out > 0


def test_what_is_no_archive_has_none() -> None:
    assert excerpt(b"a text " * 1000) is None
    assert excerpt(bytes(10_000)) is None


def test_a_header_without_an_end_is_not_read() -> None:
    content = bytearray(made({LONG: b"x"}))
    content[124:136] = b"77777777777\0"
    field = bytes(content[:148]) + b" " * 8 + bytes(content[156:512])
    content[148:156] = b"%06o\0 " % sum(field)
    assert excerpt(bytes(content)) is None
