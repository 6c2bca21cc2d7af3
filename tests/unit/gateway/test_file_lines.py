"""Numbered lines out of chunks."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.db.search.file_text import PlacedText
from magicfs.domain.contents import Document
from magicfs.gateway.file_lines import numbered_lines
from magicfs.text.chunking import TokenChunker

ALL = 10**9
DOCS = Path(__file__).parents[3] / "docs"


def shown(*chunks: PlacedText, first: int = 1, last: int = ALL, most: int = ALL) -> str:
    return numbered_lines(chunks, first_line=first, last_line=last, max_characters=most).text


def test_lines_have_their_numbers_and_empty_ones_between_chunks_are_left_out() -> None:
    assert shown(PlacedText(1, None, "one\ntwo"), PlacedText(5, None, "five")) == "1\tone\n2\ttwo\n5\tfive\n"


def test_a_line_that_two_chunks_share_is_one() -> None:
    chunks = PlacedText(1, None, "one\ntwo begins"), PlacedText(2, None, "and ends\nthree"), PlacedText(3, None, "too")
    assert shown(*chunks) == "1\tone\n2\ttwo begins and ends\n3\tthree too\n"


def test_pages_are_named_where_they_begin() -> None:
    text = shown(PlacedText(1, 1, "one"), PlacedText(2, 1, "two"), PlacedText(3, 2, "three"))
    assert text == "[page 1]\n1\tone\n2\ttwo\n[page 2]\n3\tthree\n"


def test_a_range_of_lines() -> None:
    chunk = PlacedText(10, None, "ten\neleven\ntwelve")
    assert shown(chunk, first=11, last=11) == "11\televen\n"
    assert shown(chunk, first=20) == ""


def test_what_has_no_room_is_said() -> None:
    lines = numbered_lines([PlacedText(1, None, "a\nb\nc")], first_line=1, last_line=ALL, max_characters=8)
    assert (lines.text, lines.first_line, lines.last_line, lines.next_line) == ("1\ta\n2\tb\n", 1, 2, 3)


def test_a_line_longer_than_all_is_cut_and_the_next_ones_follow_in_the_next_part() -> None:
    chunk = PlacedText(1, None, "x" * 100 + "\nnext")
    lines = numbered_lines([chunk], first_line=1, last_line=ALL, max_characters=20)
    assert lines.text.startswith("1\txxx")
    assert "cut here" in lines.text
    assert len(lines.text) < 60
    assert lines.next_line == 2


@pytest.mark.parametrize(("page", "mime_type"), [("search.md", "text/markdown"), ("found.md", "text/plain")])
def test_the_chunks_of_a_text_have_its_lines(tokenizer_path: Path, page: str, mime_type: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    chunks = TokenChunker(tokenizer_path, max_tokens=200).chunks(Document(text, mime_type))
    assert len(chunks) > 10
    found = shown(*(PlacedText(chunk.first_line, chunk.page, chunk.text) for chunk in chunks))
    expected = [f"{number}\t{line}" for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    assert [line for line in found.splitlines() if line.partition("\t")[2].strip()] == expected


def test_a_line_of_many_chunks_is_one(tokenizer_path: Path) -> None:
    text = "first\n" + " ".join(f"Sentence {number} is here." for number in range(500)) + "\nlast"
    chunks = TokenChunker(tokenizer_path, max_tokens=100).chunks(Document(text, "text/plain"))
    found = shown(*(PlacedText(chunk.first_line, chunk.page, chunk.text) for chunk in chunks))
    assert found == "".join(f"{number}\t{line}\n" for number, line in enumerate(text.split("\n"), start=1))
