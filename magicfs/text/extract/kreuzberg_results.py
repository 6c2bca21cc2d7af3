"""Turns the results of kreuzberg into documents: their text and pages, headings, titles and keywords.

Runs in the child process, used by `kreuzberg_parser`. Pure functions.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate, pairwise
from typing import Any

from magicfs.domain.contents import Document
from magicfs.text.extract.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain_text import clean

_PDF = "application/pdf"
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

_PDF_CONTROLS = {code: " " for code in range(0x20) if chr(code) not in "\t\n\x02"}
"""Glyphs without a known meaning."""
_PDF_LINE_END_HYPHEN = re.compile("\x02\n?")
"""The PDF engine's hyphen at the end of a line, which goes on with the rest of the word."""

_GIVEN_TO_ALL = frozenset({"untitled", "powerpoint presentation", "unspecified"})
_NO_AUTHOR = "anonymous"
"""What programs that make PDF files state where nobody has: a title, a subject, an author."""

_MAX_HEADINGS = 20_000
"""More would not fit into the head of an answer."""


def document_of(result: Any, mime_type: str) -> Document:
    """The document in a result of the library; its text may be blank."""
    if mime_type == _PDF:
        text, starts = _pdf_text_and_pages(result)
    elif mime_type in _SLIDES:
        text, starts = _text_and_pages(result)
    else:
        text, starts = clean(result.content), ()
    if mime_type in _WITH_MARKDOWN_IMAGES:
        text = _MARKDOWN_IMAGE.sub(r"\1", text)
    metadata = result.metadata
    language = metadata.get("language")
    authors = metadata.get("authors") or [metadata.get("from_email") or metadata.get("author")]
    if mime_type == _PDF:
        authors = [author for author in authors if str(author).strip("() ").lower() != _NO_AUTHOR]
    return Document(
        text=text,
        mime_type=mime_type,
        title=_title(metadata.get("title") or metadata.get("subject")),
        author=", ".join(str(author) for author in authors if author) or None,
        keywords=_keywords(metadata),
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


def _pdf_text_and_pages(result: Any) -> tuple[str, tuple[int, ...]]:
    """The clean text of a PDF file and the offsets in it at which pages start.

    It is that of the pages: in `content`, the library leaves out what looks like tags, gives some passages twice, and
    has other offsets than those that it states.
    """
    pages = result.pages or ()
    if not pages or [page["page_number"] for page in pages] != list(range(1, len(pages) + 1)):
        return _text_and_pages(result)
    texts = [_pdf_page_text(page["content"]) + PAGE_SEPARATOR for page in pages]
    return "".join(texts), tuple(accumulate((len(text) for text in texts[:-1]), initial=0))


def _pdf_page_text(content: str) -> str:
    """The clean text of a page. A divided word stays divided, so that the analysis of words finds it either way."""
    return _PDF_LINE_END_HYPHEN.sub("-\n", clean(content).translate(_PDF_CONTROLS))


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


def _title(title: object) -> str | None:
    r"""A document's title; None for unparsed RTF escapes and for the default titles of word processors."""
    text = str(title or "").strip()
    return None if not text or "\\'" in text or _is_given_to_all(text) else text


def _is_given_to_all(text: str) -> bool:
    """Whether a program states this where nobody has: without or in parentheses."""
    return text.strip("() ").lower() in _GIVEN_TO_ALL


def _keywords(metadata: Mapping[str, Any]) -> str | None:
    """What a document says that it is about, without the title."""
    stated = metadata.get("keywords") or ()
    entries = [
        metadata.get("subject"),
        *([stated] if isinstance(stated, str) else stated),
        metadata.get("category"),
        metadata.get("description"),
        metadata.get("annotation"),
    ]
    texts = dict.fromkeys(str(entry).strip() for entry in entries if entry)
    texts.pop(str(metadata.get("title") or metadata.get("subject") or "").strip(), None)
    return ", ".join(text for text in texts if text and not _is_given_to_all(text)) or None
