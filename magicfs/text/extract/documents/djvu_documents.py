"""Reads books and papers in DjVu: the text layers of their pages, and what they say of themselves.

Runs in the child process, called by `own_readers`; `document_pictures` lists the pages without a text layer, which are
recognised later. Untrusted bytes. One thread.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from typing import Final

import djvu_rs
import xxhash
from PIL import Image

from magicfs.domain.contents import Document, Picture, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import Digest
from magicfs.text.extract.documents.extended_documents import append_to_pages
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.ocr.seen_pictures import png_of
from magicfs.text.extract.pdf.page_texts import MIN_PAGE_CHARACTERS, PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

DJVU_TYPE: Final = "application/x-djvu"

_ENDS: Final = re.compile(r"(?<![ \n])[ \n]*[\x0b\x1d\x1f][ \n\x0b\x1d\x1f]*")
"""The end of a column, a region or a paragraph in a text layer. A run of blanks is tried once, not at each of them."""
_BLANKS: Final = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_SUBJECTS: Final = ("subject", "keywords", "publisher", "year")
_MAX_TITLES: Final = 5000
_MAX_DEPTH: Final = 20
_DPI: Final = 200
_MAX_SIDE: Final = 3000
"""The longer side of a page that is recognised, in pixels: a larger one is drawn with less than `_DPI`."""


def read_djvu(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """The text of a document, page by page, with the titles of its outline on the first one.

    Raises `djvu_rs.Error`.
    """
    file = djvu_rs.Document.from_bytes(content)
    pages = [f"{layer.rstrip()}{PAGE_SEPARATOR}" for layer in _layers(file, parts)]
    text = "".join(pages)
    said = {name: clean(str(value)) for name, value in (file.metadata() or {}).items() if value}
    document = Document(
        text=text,
        mime_type=DJVU_TYPE,
        title=said.get("title"),
        author=said.get("author"),
        keywords=", ".join(said[name] for name in _SUBJECTS if name in said) or None,
        page_starts=tuple(accumulate(map(len, pages[:-1]), initial=0)),
    )
    titles = "\n".join(missing_texts(_titles(file.bookmarks()), in_text=text))
    if titles:
        return append_to_pages(document, {0: clean(titles)})
    return document if text.strip() or document.title else Unreadable(SkipReason.NO_TEXT)


def scanned_pages(content: bytes) -> Iterator[tuple[Picture, Callable[[], bytes]]]:
    """Yield the pages without a text layer, each with what draws it as a picture. Raises `djvu_rs.Error`."""
    file = djvu_rs.Document.from_bytes(content)
    digest = xxhash.xxh3_128_digest(content)
    for number, layer in enumerate(_layers(file, FileParts())):
        if sum(map(str.isalnum, layer)) < MIN_PAGE_CHARACTERS:
            page = Picture(Digest(xxhash.xxh3_128_digest(digest + struct.pack("<I", number))), number + 1)
            yield page, partial(_drawn, file, number)


def _layers(file: djvu_rs.Document, parts: FileParts) -> Iterator[str]:
    """Yield the text layer of each page; an empty one of a page that has none, or is damaged."""
    for number in range(file.page_count()):
        layer = ""
        try:
            layer = file.page(number).text() or ""
        except djvu_rs.Error:
            parts.add_unread(f"page {number + 1}")
        else:
            parts.add()
        yield _BLANKS.sub("", _ENDS.sub(PAGE_SEPARATOR, clean(layer)))


def _titles(bookmarks: list[djvu_rs.Bookmark]) -> list[str]:
    """The titles of an outline, in its order."""
    titles: list[str] = []
    waiting = [(bookmark, 0) for bookmark in reversed(bookmarks)]
    while waiting and len(titles) < _MAX_TITLES:
        bookmark, depth = waiting.pop()
        titles.append(" ".join(bookmark["title"].split()))
        if depth < _MAX_DEPTH:
            waiting.extend((child, depth + 1) for child in reversed(bookmark["children"]))
    return list(filter(None, titles))


def _drawn(file: djvu_rs.Document, number: int) -> bytes:
    """A page as a picture in the format PNG. Raises `djvu_rs.Error`."""
    page = file.page(number)
    most = page.dpi * _MAX_SIDE / max(page.width, page.height, 1)
    pixels = page.render(dpi=min(_DPI, most))
    return png_of(Image.frombytes("RGBA", (pixels.width, pixels.height), pixels.data()).convert("L"))
