"""Chunks fit the model, know their lines, and stay the same where the text stays the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document, Omission
from magicfs.errors import ModelCorrupt
from magicfs.text.chunking import TokenChunker

WORDS = """wing flow pressure boundary layer heat transfer supersonic body shock wave theory the of and in for with
    is are measured given small large number ratio results method plate angle drag lift speed equation""".split()


def paragraphs(rng: random.Random, count: int) -> list[str]:
    return [
        " ".join(
            " ".join(rng.choices(WORDS, k=rng.randint(6, 20))).capitalize() + "." for _ in range(rng.randint(1, 6))
        )
        for _ in range(count)
    ]


def cut(chunker: TokenChunker, text: str, mime_type: str = "text/plain") -> list[Chunk]:
    return chunker.chunks(Document(text, mime_type))


def check_lines(text: str, chunks: list[Chunk]) -> None:
    """Check that each chunk is on the lines that it names, and that together they hold all that is not blank."""
    lines = text.split("\n")
    for chunk in chunks:
        assert chunk.text.strip()
        assert chunk.text in "\n".join(lines[chunk.first_line - 1 : chunk.last_line])
    assert "".join("".join(chunk.text for chunk in chunks).split()) == "".join(text.split())
    firsts = [chunk.first_line for chunk in chunks]
    assert firsts == sorted(firsts)


def test_a_small_file_is_one_chunk(chunker: TokenChunker) -> None:
    text = "\n\nFirst line.\n\n  Last line.\n\n"
    [chunk] = cut(chunker, text)
    assert (chunk.text, chunk.tokens) == ("First line.\n\n  Last line.", 6)
    assert (chunk.first_line, chunk.last_line) == (3, 5)


def test_nothing_gives_no_chunk(chunker: TokenChunker) -> None:
    assert cut(chunker, "") == []
    assert cut(chunker, " \n\n\t\n") == []


def test_chunks_are_full_but_not_too_full(chunker: TokenChunker, tokenizer_path: Path) -> None:
    text = "\n\n".join(paragraphs(random.Random(1), 300))
    chunks = cut(chunker, text)
    check_lines(text, chunks)
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counts = [len(encoding) for encoding in tokenizer.encode_batch([c.text for c in chunks], add_special_tokens=False)]
    assert counts == [chunk.tokens for chunk in chunks]
    assert max(counts) <= 200
    assert min(counts) >= 35
    assert sum(counts) / len(counts) > 120


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=600))
def test_any_text_is_covered(chunker: TokenChunker, text: str) -> None:
    for chunk in cut(chunker, text):
        assert chunk.text in text
        assert chunk.text.strip()
        assert 0 < chunk.tokens <= 200


def edited(rng: random.Random, parts: list[str]) -> list[str]:
    """Change one paragraph somewhere in the middle: reword, shorten or lengthen it."""
    changed = list(parts)
    at = rng.randrange(len(parts) // 4, 3 * len(parts) // 4)
    words = changed[at].split(" ")
    match rng.randrange(3):
        case 0:
            words[len(words) // 2] = "reworded"
        case 1:
            words = words[: len(words) // 2 + 1]
        case _:
            words += ["Another", "sentence", "was", "added."] * 5
    changed[at] = " ".join(words)
    return changed


@pytest.mark.parametrize("separator", ["\n\n", "\n", " "], ids=["paragraphs", "lines", "one line"])
def test_an_edited_paragraph_makes_few_new_chunks(chunker: TokenChunker, separator: str) -> None:
    rng = random.Random(2)
    parts = paragraphs(rng, 150)
    before = {chunk.text for chunk in cut(chunker, separator.join(parts))}
    assert len(before) > 50
    fresh = []
    for _ in range(12):
        after = cut(chunker, separator.join(edited(rng, parts)))
        fresh.append(sum(chunk.text not in before for chunk in after))
    assert sum(fresh) / len(fresh) <= 2
    assert max(fresh) <= 5


def test_a_paragraph_moved_to_another_file_keeps_its_chunks(chunker: TokenChunker) -> None:
    rng = random.Random(3)
    shared = paragraphs(rng, 60)
    first = {chunk.text for chunk in cut(chunker, "\n\n".join(paragraphs(rng, 7) + shared))}
    second = {chunk.text for chunk in cut(chunker, "\n\n".join(paragraphs(rng, 4) + shared))}
    assert len(first & second) >= 20


def test_headings_begin_chunks(chunker: TokenChunker) -> None:
    rng = random.Random(4)
    sections = [f"## Section {number}\n\n" + "\n\n".join(paragraphs(rng, 3)) for number in range(40)]
    chunks = cut(chunker, "\n\n".join(sections), "text/markdown")
    beginning = sum(chunk.text.startswith("## ") for chunk in chunks)
    ending = sum(chunk.text.split("\n")[-1].startswith("## ") for chunk in chunks)
    assert beginning >= 30
    assert ending == 0


def test_functions_stay_whole(chunker: TokenChunker) -> None:
    body = "\n".join(f"    value_{line} = compute(value_{line - 1}, {line})" for line in range(1, 7))
    source = "\n\n".join(f"def function_{number}(value_0):\n{body}\n\n    return value_6" for number in range(40))
    chunks = cut(chunker, source, "text/x-python")
    assert all(chunk.text.startswith("def function") for chunk in chunks)


def test_a_comment_in_a_code_block_is_no_heading(chunker: TokenChunker) -> None:
    steps = "\n".join(f"# step {number}\nrun --the-thing {number}" for number in range(6))
    text = "\n\n".join(f"# Part {part}\n\nWhat to do:\n\n```sh\n{steps}\n```" for part in range(12))
    assert all(chunk.text.startswith("# Part") for chunk in cut(chunker, text, "text/markdown"))


@pytest.mark.parametrize("mime_type", ["text/plain", "text/markdown"])
def test_lines_behind_what_is_left_out_have_the_numbers_of_the_file(chunker: TokenChunker, mime_type: str) -> None:
    rows = [f"Row {number} is of {random.Random(number).choice(WORDS)}." for number in range(1, 401)]
    kept = [*rows[:150], *rows[300:]]
    text = "# Title\n" + "\n".join(kept)
    omission = Omission(text.index("Row 301 "), line=302)
    chunks = chunker.chunks(Document(text, mime_type, omission=omission))
    numbered = {f"Row {number} ": number + 1 for number in range(1, 401)}
    for chunk in chunks:
        for row, line in numbered.items():
            if row in chunk.text:
                assert line == chunk.first_line + chunk.text.split(row)[0].count("\n")
        assert not ("Row 150 " in chunk.text and "Row 301 " in chunk.text), "no chunk goes over it"
        assert chunk.last_line == chunk.first_line + chunk.text.count("\n")
    assert [chunk.first_line for chunk in chunks if chunk.text.startswith("Row 301 ")] == [302]


def test_chunks_know_their_pages(chunker: TokenChunker) -> None:
    pages = ["\n\n".join(paragraphs(random.Random(page), 4)) + "\n" for page in range(10)]
    starts = tuple(sum(map(len, pages[:page])) for page in range(10))
    chunks = chunker.chunks(Document("".join(pages), "application/pdf", page_starts=starts))
    assert {chunk.page for chunk in chunks} == set(range(1, 11))
    for chunk in chunks:
        assert chunk.page is not None
        assert chunk.text.split("\n")[0] in pages[chunk.page - 1]


def test_data_without_words_is_measured_by_length(chunker: TokenChunker) -> None:
    chunks = cut(chunker, "QUJD" * 50_000)
    assert max(len(chunk.text) for chunk in chunks) <= 200 * 8


def test_a_script_without_blanks_is_cut(chunker: TokenChunker) -> None:
    text = "今日は天気がいいですね。明日も晴れるでしょう。" * 200 + "字" * 3000
    chunks = cut(chunker, text)
    check_lines(text, chunks)
    assert max(chunk.tokens for chunk in chunks) <= 200


def test_a_chunker_for_small_chunks(tokenizer_path: Path) -> None:
    text = "\n\n".join(paragraphs(random.Random(5), 20)) + "\n" + "字" * 500
    chunks = TokenChunker(tokenizer_path, max_tokens=32).chunks(Document(text, "text/plain"))
    check_lines(text, chunks)
    assert max(chunk.tokens for chunk in chunks) <= 32


def test_a_broken_tokenizer_says_the_fix(tmp_path: Path) -> None:
    broken = tmp_path / "tokenizer.json"
    broken.write_text("{")
    with pytest.raises(ModelCorrupt, match="run 'magicfs model pull'"):
        TokenChunker(broken, max_tokens=200)


def test_the_pieces_of_a_chunk_have_its_context_and_lines_of_their_own(tokenizer_path: Path) -> None:
    text = "\n".join(f"Line {number} is about the boundary layer of a wing." for number in range(1, 11))
    pieces = TokenChunker(tokenizer_path, max_tokens=40).pieces(text, context="A title")
    assert len(pieces) > 2
    check_lines(text, pieces)
    assert {piece.context for piece in pieces} == {"A title"}
    assert pieces[0].first_line == 1
    assert {piece.context for piece in TokenChunker(tokenizer_path, max_tokens=40).pieces(text, context="")} == {""}
