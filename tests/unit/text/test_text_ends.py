"""Of a text that is too long, the beginning and the end are read, and their lines have the numbers of the file."""

from __future__ import annotations

import codecs

import pytest

from magicfs.domain.contents import Gap
from magicfs.text.extract.plain import text_pieces
from magicfs.text.extract.plain.line_ends import LineEndCounter, count_line_ends
from magicfs.text.extract.plain.plain_text import clean
from magicfs.text.extract.plain.text_bytes import wide_encoding
from magicfs.text.extract.plain.text_ends import TextEnds, read_ends

LIMIT = 5000


def lines(count: int, end: str = "\n") -> str:
    return "".join(f"{number}: a line of Käse and {number * 7919}{end}" for number in range(1, count + 1))


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_pieces, "PIECE_BYTES", 1000)
    monkeypatch.setattr(text_pieces, "LINE_END_BYTES", 300)


def read(content: bytes, gap: Gap | None = None, *, max_bytes: int = LIMIT) -> TextEnds:
    found = read_ends(content, mime_type="text/plain", max_bytes=max_bytes, gap=gap)
    assert found is not None
    return found


def with_gap(content: bytes, half: int) -> tuple[bytes, Gap]:
    """The content of a large file as it is read."""
    start = -(-(len(content) - half) // 4) * 4
    before = count_line_ends(content[:start], wide_encoding(content))
    return content[:half] + content[start:], Gap(half, start - half, before)


def assert_numbered(ends: TextEnds) -> None:
    """Each line begins with its number."""
    assert ends.omission is not None
    beginning, end = ends.text[: ends.omission.offset], ends.text[ends.omission.offset :]
    for first, part in ((1, beginning), (ends.omission.line, end)):
        numbers = [int(line.partition(":")[0]) for line in part.splitlines()]
        assert numbers == list(range(first, first + len(numbers)))
        assert len(numbers) > 20


ENCODINGS = [
    (b"", "utf-8"),
    (b"", "cp1252"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "macintosh"])
@pytest.mark.parametrize(("bom", "codec"), ENCODINGS)
def test_the_ends_of_a_text_have_their_lines(bom: bytes, codec: str, end: str) -> None:
    found = read(bom + lines(1000, end).encode(codec))
    assert_numbered(found)
    assert found.text.startswith("1: a line of Käse")
    assert "\n1000: a line of Käse" in found.text
    assert LIMIT * 0.9 < len(found.text.encode()) <= LIMIT


@pytest.mark.parametrize("half", [4000, 4004, 40_000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "macintosh"])
@pytest.mark.parametrize(("bom", "codec"), ENCODINGS)
def test_so_have_those_of_a_file_whose_middle_was_not_read(bom: bytes, codec: str, end: str, half: int) -> None:
    found = read(*with_gap(bom + lines(8000, end).encode(codec), half))
    assert_numbered(found)
    assert "\n8000: a line" in found.text
    assert len(found.text.encode()) <= LIMIT


@pytest.mark.parametrize("count", [1, 3, 100, 130, 140, 150, 200, 5000])
def test_nothing_is_lost_or_doubled(count: int) -> None:
    text = lines(count)
    found = read(text.encode())
    cut = found.omission.offset if found.omission else len(found.text)
    assert text.startswith(found.text[:cut])
    assert text.endswith(found.text[cut:])
    assert len(found.text.encode()) + found.cut_bytes == len(text.encode())
    assert (found.omission is None) == (len(text.encode()) <= LIMIT)


def test_a_gap_counts_as_left_out() -> None:
    text = lines(5000).encode()
    found = read(*with_gap(text, 8000))
    assert len(found.text.encode()) + found.cut_bytes == len(text)


def test_without_an_end_all_is_the_beginning() -> None:
    text = lines(5000)
    content = text.encode()[:20_000]
    found = read(content, Gap(len(content), 7, 0))
    assert found.omission is None
    assert text.startswith(found.text)
    assert 0.9 * LIMIT < len(found.text.encode()) <= LIMIT
    assert len(found.text.encode()) + found.cut_bytes == len(content) + 7


@pytest.mark.parametrize("letters", ["word ", "数据库", "x"], ids=["blanks", "no blank", "letters"])
def test_a_text_of_one_line(letters: str) -> None:
    content = ("first " + letters * 20_000 + " last").encode()
    for found in (read(content), read(*with_gap(content, 8000))):
        assert found.text.startswith("first ")
        assert found.text.endswith(" last")
        assert found.omission is not None
        assert found.omission.line == 1
        assert "\ufffd" not in found.text


def test_text_behind_encoded_data_is_reached() -> None:
    picture = "".join(f"{number:x}Ab9Qz7TeK" for number in range(4000, 8000))
    content = f'{{"picture": "{picture}",\n "words": "behind it"}}\n'.encode()
    found = read_ends(content, mime_type="application/json", max_bytes=1000)
    assert found is not None
    assert "behind it" in found.text
    assert found.cut_bytes == 0
    assert found.removed_characters > 0.95 * len(picture)


def test_what_is_no_text() -> None:
    binary = bytes(number * 7919 % 251 for number in range(40_000))
    assert read_ends(binary, mime_type="text/plain", max_bytes=LIMIT) is None
    assert read_ends(lines(20).encode() + binary, mime_type="text/plain", max_bytes=LIMIT) is None
    assert read_ends(bytes(40_000), mime_type="text/plain", max_bytes=LIMIT) is None


@pytest.mark.parametrize("size", [4, 8, 12, 100])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-32-be"])
def test_line_ends_are_those_that_are_left_in_any_blocks(codec: str, size: int) -> None:
    text = "one\ntwo\r\nthree\rfour\r\r\n\n\u0a0d\u0d0a\r\n" * 30
    content = text.encode(codec)
    counter = LineEndCounter(wide_encoding(content) if codec != "utf-8" else None)
    if codec != "utf-8":
        counter = LineEndCounter(wide_encoding("a line\n".encode(codec) * 8))
    for start in range(0, len(content), size):
        counter.add(content[start : start + size])
    assert counter.count == clean(text).count("\n")


@pytest.mark.parametrize(("bom", "codec"), ENCODINGS)
def test_a_line_end_that_goes_on_behind_a_cut_is_one(bom: bytes, codec: str) -> None:
    wide = wide_encoding(bom + lines(20).encode(codec))
    assert (wide is not None) is bool(bom)
    for before, rest, count in (
        ("one\r", "\ntwo", 0),
        ("one\r", "two", 1),
        ("one\r", "\rtwo", 1),
        ("one\r", "\u0a0a\u0a0d", 1),
        ("one\r", "", 1),
        ("one\n", "\ntwo", 1),
    ):
        counter = LineEndCounter(wide)
        counter.add(before.encode(codec, "replace"))
        assert counter.count_before(rest.encode(codec, "replace")) == count
