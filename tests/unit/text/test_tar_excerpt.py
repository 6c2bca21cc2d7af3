"""The small archive of a large one has its names, and what may have text of few members."""

from __future__ import annotations

import io
import tarfile

import pytest

from magicfs.text.extract.archives import tar_excerpt, zip_excerpt
from magicfs.text.extract.archives.tar_excerpt import excerpt_of_tar
from magicfs.text.extract.archives.zip_excerpt import ContainerExcerpt

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
    def read(offset: int, length: int) -> bytes:
        assert 0 <= offset <= len(content), "the system takes no offset of more than 63 bits"
        return content[offset : offset + length]

    return excerpt_of_tar(read, len(content), max_bytes=max_bytes)


def header(name: str, kind: bytes, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT)


def described(content: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """A header that describes the next member."""
    return header("x", kind, len(content)) + content + bytes(-len(content) % 512)


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


BEFORE = made({"a.txt": b"one"})[:1024]


def test_a_size_beyond_the_file_leaves_out_no_more_than_the_file() -> None:
    for size in (1 << 40, 1 << 63, (1 << 70) - 1):
        content = BEFORE + header("b.txt", tarfile.REGTYPE, size) + b"two"
        small = excerpt(content)
        assert list(contents(small)) == ["a.txt", "b.txt"]
        assert small is not None
        assert 0 < small.left_out <= len(content)


def test_headers_that_describe_one_another_without_an_end_are_damage() -> None:
    content = BEFORE + described(b"name\0", tarfile.GNUTYPE_LONGNAME) * 3000 + header("b.txt", tarfile.REGTYPE, 0)
    small = excerpt(content)
    assert contents(small) == {"a.txt": b"one"}
    assert small is not None
    assert small.left_out == len(content) - len(BEFORE)


def test_only_so_much_is_read_of_headers() -> None:
    attributes = b"600010 comment=" + b"x" * 599_994 + b"\n"
    files = [described(attributes) + header(f"{number}.txt", tarfile.REGTYPE, 0) for number in range(100)]
    content = b"".join(files)
    read: list[int] = []
    small = excerpt_of_tar(
        lambda offset, length: (read.append(length), content[offset : offset + length])[1], len(content), max_bytes=100
    )
    assert list(contents(small)) == [f"{number}.txt" for number in range(27)]
    assert sum(read) < 17 << 20
    assert small is not None
    assert small.left_out > len(content) // 2


@pytest.mark.parametrize(
    "attributes",
    [b"3 x" * 1000 + b"=", b"1000 comment=x\n", b"11 comment=x\n", b"1" * 20_000, b"0 a=x\n", b"19 a" * 9],
    ids=["keys in keys", "too long", "too short", "digits", "no length", "no value"],
)
def test_attributes_that_are_none_are_damage(attributes: bytes) -> None:
    small = excerpt(BEFORE + described(attributes) + header("b.txt", tarfile.REGTYPE, 0) + bytes(1024))
    assert contents(small) == {"a.txt": b"one"}
    assert small is not None
    assert small.left_out > 1000


def test_headers_are_read_for_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_excerpt, "READ_SECONDS", 0)
    assert excerpt(BEFORE) is None
