"""Turns the results of kreuzberg into documents: their text and pages, headings, titles and keywords.

Runs in the child process, used by `kreuzberg_parser`. Pure functions.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import Any

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.stated_metadata import keywords_of, title_of
from magicfs.text.extract.plain.plain_text import clean

_WITH_MARKDOWN_IMAGES = frozenset({"text/html", "application/xhtml+xml", "application/epub+zip", "message/rfc822"})
"""Formats whose plain text from kreuzberg still contains images in Markdown syntax."""

_SLIDES = frozenset(
    {
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    }
)
"""Formats whose slides are pages. The pages of a text document depend on the program that lays it out."""

_MARKDOWN_IMAGE = re.compile(r"!\[([^\]\n]{0,500})\]\([^)\s]{0,2000}\)")

_MAX_HEADINGS = 20_000
"""More would not fit into the head of an answer."""


def document_of(result: Any, mime_type: str) -> Document:
    """The document in a result of the library; its text may be blank."""
    if mime_type in _SLIDES:
        text, starts = _text_and_pages(result)
    else:
        text, starts = clean(result.content), ()
    if mime_type in _WITH_MARKDOWN_IMAGES:
        text = _MARKDOWN_IMAGE.sub(r"\1", text)
    metadata = result.metadata
    language = metadata.get("language")
    authors = metadata.get("authors") or [metadata.get("from_email") or metadata.get("author")]
    return Document(
        text=text,
        mime_type=mime_type,
        title=title_of(metadata),
        author=", ".join(str(author) for author in authors if author) or None,
        keywords=keywords_of(metadata),
        language=str(language) if language else None,
        page_starts=starts,
        headings=_heading_lines(result, text),
    )


def _heading_lines(result: Any, text: str) -> tuple[tuple[int, int], ...]:
    """The numbers of the lines that are headings, each with its rank. A heading that is no line of the text is none."""
    nodes = [node["content"] for node in (result.document or {}).get("nodes", ())]
    headings = [node for node in nodes if node.get("node_type") in {"heading", "title"}][:_MAX_HEADINGS]
    if not headings:
        return ()
    lines: dict[str, list[int]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        lines.setdefault(" ".join(line.split()), []).append(number)
    found: list[tuple[int, int]] = []
    for heading in headings:
        numbers = lines.get(" ".join(clean(str(heading.get("text") or "")).split()), [])
        last = found[-1][0] if found else 0
        place = bisect_right(numbers, last)
        if place < len(numbers):
            found.append((numbers[place], int(heading.get("level") or 1)))
    return tuple(found)


def _text_and_pages(result: Any) -> tuple[str, tuple[int, ...]]:
    """Clean text and the offsets in it at which pages start.

    The library gives offsets in UTF-8 bytes of its own text, which `clean` shortens, so each page is cleaned alone.
    """
    data = result.content.encode("utf-8", errors="replace")
    starts = [boundary["byte_start"] for boundary in (result.metadata.get("pages") or {}).get("boundaries") or ()]
    if not starts or starts != sorted(starts) or starts[0] != 0 or starts[-1] > len(data):
        return clean(result.content), ()
    pages = [clean(data[start:end].decode("utf-8", errors="replace")) for start, end in pairwise([*starts, len(data)])]
    return "".join(pages), tuple(accumulate((len(page) for page in pages[:-1]), initial=0))
