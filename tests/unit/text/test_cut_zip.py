"""What is left of a zip container that was cut is read."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.extract.cut_zip import whole_members

TEXTS = {"a/Müller.txt": b"first " * 50, "empty.txt": b"", "b.txt": b"second " * 500, "last.txt": b"third"}


class _Unseekable(io.BytesIO):
    """What a program that writes to a pipe writes to: lengths and checksums follow the members."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError


def zipped(*, compression: int = zipfile.ZIP_DEFLATED, to_pipe: bool = False) -> bytes:
    data = _Unseekable() if to_pipe else io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as file:
        for name, text in TEXTS.items():
            file.writestr(name, text)
    return data.getvalue()


def members(content: bytes) -> dict[str, bytes]:
    left = whole_members(content)
    if left is None:
        return {}
    with zipfile.ZipFile(io.BytesIO(left)) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_members_before_the_cut_are_whole(compression: int) -> None:
    content = zipped(compression=compression)
    cut = content[: content.index(b"last.txt")]
    assert members(cut) == {name: TEXTS[name] for name in ("a/Müller.txt", "b.txt")}


def test_lengths_may_follow_the_members() -> None:
    content = zipped(to_pipe=True)
    assert members(content[: content.rindex(b"PK\x01\x02") - 10])["b.txt"] == TEXTS["b.txt"]


def test_a_damaged_member_is_left_out() -> None:
    content = bytearray(zipped(compression=zipfile.ZIP_STORED))
    content[content.index(b"first ")] = ord("F")
    assert "a/Müller.txt" not in members(bytes(content))


def test_what_unpacks_to_too_much_is_left_out() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = squeeze.compress(bytes(70 << 20)) + squeeze.flush()
    assert whole_members(b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(20) + bomb) is None


def header(*, method: int = 8, flags: int = 0, name: bytes = b"", size: int = 0) -> bytes:
    return struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, flags, method, 0, 0, 0, size, size, len(name), 0) + name


def test_a_member_with_an_endless_name_is_left_out() -> None:
    content = header(method=0, flags=0x800, name=b"\xff" * 65_000, size=4) + b"text"
    assert whole_members(content) is None
    assert members(content + zipped()).keys() == TEXTS.keys() - {"empty.txt"}


def test_streams_without_an_end_are_read_a_few_times_and_no_more() -> None:
    endless = b"\0\0\0\xff\xff" * 20_000
    assert members(header() * 2 + endless + zipped())
    assert not members(header() * 50 + endless + zipped())


@given(content=st.binary(max_size=300), start=st.integers(min_value=0, max_value=200))
def test_any_bytes_have_an_end(content: bytes, start: int) -> None:
    whole_members(content + zipped()[start:] + content)
