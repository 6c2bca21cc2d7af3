"""Headings that a text states, and the chunks below them."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest

from magicfs.domain.contents import Document
from magicfs.text.chunking import TokenChunker
from magicfs.text.outline import outline_of
from magicfs.text.units import Boundary, units_of
from tests.unit.text.lexemes import positions

PROSE = "Things of no interest are said here at length, about how they are kept and who is asked about them. " * 5


@pytest.mark.parametrize(
    ("mime_type", "text", "headings"),
    [
        (
            "text/markdown",
            "---\ntitle: x\n---\n# One\n\n```\n# no\n```\n\n### Deep ##\n#no\n",
            [(4, 1, "One"), (10, 3, "Deep")],
        ),
        (
            "text/markdown",
            "# One\n````\n```\n# no\n```\n````\n~~~ x\n```\n# no\n~~~\n# Two\n",
            [(1, 1, "One"), (11, 1, "Two")],
        ),
        ("text/markdown", "``` `code` ```\n# One\n", [(2, 1, "One")]),
        ("text/markdown", "Title\n=====\n\nSub\n---\n\n- item\n---\n", [(1, 1, "Title"), (4, 2, "Sub")]),
        ("text/x-rst", "Top\n===\n\nSub\n~~~\n\nNext\n====\n", [(1, 1, "Top"), (4, 2, "Sub"), (7, 1, "Next")]),
        ("text/x-org", "* One\n** Two\n*bold* no\n", [(1, 1, "One"), (2, 2, "Two")]),
        ("text/x-asciidoc", "= One\n\n== Two\n", [(1, 1, "One"), (3, 2, "Two")]),
        ("text/x-wiki", "== One ==\n=== Two ===\n", [(1, 2, "One"), (2, 3, "Two")]),
        (
            "text/x-tex",
            "\\section{On \\emph{snails}}\n\\subsection*{Shells}\n",
            [(1, 3, "On snails"), (2, 4, "Shells")],
        ),
        ("text/markdown", f"# a{' ' * 200_000}b\n## Short\n", [(2, 2, "Short")]),
        ("text/x-tex", f"\\section{{a}}{' x' * 100_000}{{\n", []),
        ("text/plain", "Name Value\n----------\n", []),
    ],
)
def test_the_markup_of_a_text_states_its_headings(
    mime_type: str, text: str, headings: list[tuple[int, int, str]]
) -> None:
    found = outline_of(Document(text=text, mime_type=mime_type)).headings
    assert [(heading.line, heading.rank, heading.text) for heading in found] == headings


def test_chunks_of_markdown_are_found_by_the_headings_above(tokenizer_path: Path) -> None:
    text = "# Manual\n\n" + "".join(
        f"## {name}\n\n### Costs\n\n{PROSE}\n\n{PROSE}\n\nThe amount is {name[0]}.\n\n" for name in ("Chimney", "Roof")
    )
    chunks = TokenChunker(tokenizer_path, max_tokens=120).chunks(Document(text=text, mime_type="text/markdown"))
    (chimney,) = [chunk for chunk in chunks if "amount is C" in chunk.text]
    (roof,) = [chunk for chunk in chunks if "amount is R" in chunk.text]
    assert chimney.headings.splitlines() == ["Manual", "Chimney", "Costs"]
    assert roof.headings.splitlines() == ["Manual", "Roof", "Costs"]
    assert "roof" in positions(roof.words)
    assert "roof" not in positions(chimney.words)


def test_a_fence_that_code_shows_does_not_end_the_code() -> None:
    text = "````\n```\n\n# a comment\n\n```\n\n````\n# Heading\n"
    assert boundaries(text, "text/markdown") == [9]


def boundaries(text: str, mime_type: str) -> list[int]:
    """The lines before which a chunk ends if it can."""
    lines = outline_of(Document(text=text, mime_type=mime_type)).lines
    units = units_of(text, mime_type=mime_type, heading_lines=lines, bounds=(), max_characters=100)
    return [unit.line for unit in units if unit.boundary is Boundary.HEADING]


@pytest.mark.parametrize(
    ("mime_type", "text", "ends"),
    [
        ("text/markdown", "a\n# One\nb\n\nTwo\n---\nc\n\n  ## Three\nd\n", [2, 5, 9]),
        ("text/markdown", "---\ntitle: x\n# a comment\n---\nText\n", []),
        ("text/markdown", "# One\n\n## Two\nb\n", [1]),
        ("text/x-rst", "a\n\n===\nOne\n===\nb\n\nTwo\n~~~\nc\n", [3, 8]),
        ("text/x-org", "a\n* One\nb\n*bold* no\n", [2]),
        ("text/x-tex", "a\n\\section{One}\\label{x}\nb\n\\section\n", [2]),
        ("text/x-wiki", "a\n== One ==\nb\n", [2]),
        ("text/plain", "a\n\nOne\n===\nb\nc\n----\nd\n", [3]),
        ("text/x-python", "a = 1\n# One\nb\n\nTwo\n---\n", []),
    ],
)
def test_a_chunk_ends_before_each_heading_that_is_recognised(mime_type: str, text: str, ends: list[int]) -> None:
    assert boundaries(text, mime_type) == ends


def test_the_headings_of_a_parser_end_chunks_and_stay_with_what_follows(tokenizer_path: Path) -> None:
    lines = [
        line for name in ("Antwerp", "Oslo", "Porto") for line in (name, "Rent", PROSE, PROSE, f"Deposit {name[0]}.")
    ]
    headings = tuple((number, 1 + place) for start in (1, 6, 11) for place, number in enumerate((start, start + 1)))
    document = Document(text="\n".join(lines), mime_type="application/msword", headings=headings)
    chunks = TokenChunker(tokenizer_path, max_tokens=120).chunks(document)
    for name in ("Antwerp", "Oslo", "Porto"):
        (chunk,) = [chunk for chunk in chunks if f"Deposit {name[0]}." in chunk.text]
        assert chunk.headings.splitlines() == [name, "Rent"]
        assert any(chunk.text.startswith(f"{name}\nRent\n") for chunk in chunks)


def test_slides_and_messages_are_chunks_of_their_own(tokenizer_path: Path) -> None:
    pages = ["A slide on rivers.\n\n", "A slide on lakes.\n\n", "A slide on seas.\n\n"]
    starts = tuple(accumulate((len(page) for page in pages[:-1]), initial=0))
    document = Document(text="".join(pages), mime_type="application/mbox", page_starts=starts)
    chunks = TokenChunker(tokenizer_path, max_tokens=120).chunks(document)
    assert [(chunk.page, chunk.text) for chunk in chunks] == [(n, page.strip()) for n, page in enumerate(pages, 1)]
