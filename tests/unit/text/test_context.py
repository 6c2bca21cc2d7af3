"""A chunk's context is the title of its document."""

import pytest

from magicfs.domain.contents import Document
from magicfs.text.chunking import TokenChunker, context_of


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("On the theory of tides .\n  The moon attracts the sea.", "On the theory of tides ."),
        ("The moon attracts the sea. So there are tides. " + "They come twice a day. " * 9, ""),
        ("A long,\n  wrapped title\n\nand its text", "A long, wrapped title"),
        ("2026-01-31 12:00:01 INFO 17 23 42\n\nwords follow", ""),
        ("1,2,3\n4,5,6", ""),
        ("two words.", ""),
        ("", ""),
        ("word " * 100, ""),
    ],
)
def test_the_lines_above_a_text_are_its_title(text: str, context: str) -> None:
    assert context_of(Document(text=text, mime_type="text/plain")) == context


def test_a_stated_title_comes_first_and_code_has_none() -> None:
    text = "import os, and many other things that are needed here.\n"
    assert context_of(Document(text=text, mime_type="text/plain", title=" The\nTitle ")) == "The Title"
    assert context_of(Document(text=text, mime_type="text/x-python")) == ""


def test_only_chunks_that_do_not_contain_the_title_get_it(chunker: TokenChunker) -> None:
    text = "On the tides.\n\n" + "\n\n".join(
        f"Paragraph {n} says that the moon attracts the sea." * 8 for n in range(9)
    )
    first, *others = chunker.chunks(Document(text=text, mime_type="text/plain"))
    assert len(others) > 1
    assert first.context == ""
    assert {chunk.context for chunk in others} == {"On the tides."}


def test_an_edit_inside_leaves_all_other_chunks_alone(chunker: TokenChunker) -> None:
    paragraphs = [f"Paragraph {n} of a long text about the moon, the sea and the tides. " * 8 for n in range(30)]
    before = chunker.chunks(Document(text="\n\n".join(paragraphs), mime_type="text/plain"))
    paragraphs[15] = "Something else entirely. " * 20
    after = chunker.chunks(Document(text="\n\n".join(paragraphs), mime_type="text/plain"))
    old = {(chunk.context, chunk.text) for chunk in before}
    assert sum((chunk.context, chunk.text) not in old for chunk in after) <= 5
