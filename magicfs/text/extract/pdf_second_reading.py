"""Reads with pypdf what kreuzberg loses: pages with a character that is none, cut ones, and the ligature of Arabic.

Runs in the child process, called by `pdf_documents`. The engine gives no text at all for a page with half of a
character beyond the Basic Multilingual Plane, and turns the two letters of the ligature lam-alif around, which one word
of ten has. kreuzberg looks for the text of a page between its lower left corner and its size, although a page that was
cut out of a larger one begins elsewhere. pypdf is slow, so only such pages are read with it. Pure functions.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import pypdf

from magicfs.domain.contents import Document
from magicfs.text.extract.answers import PartialDocument
from magicfs.text.extract.page_texts import MIN_PAGE_CHARACTERS, insert_page_texts, letters_of_pages
from magicfs.text.extract.plain_text import clean
from magicfs.text.extract.text_bytes import has_many_controls

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # a line for each fault of a damaged file

_MIN_LETTERS: Final = 20
"""A page that has fewer is left to OCR."""
_MAX_STREAM_BYTES: Final = 1 << 20
"""The instructions of a page that are read: a page of text has some thousand."""
_MAY_BE_CUT: Final = re.compile(rb"/(?:Media|Crop)Box\s{0,9}\[\s{0,9}(?!0(?:\.0*)?\s{1,9}0(?:\.0*)?\s)|/ObjStm")
"""A file whose pages may begin elsewhere than at zero; in an object stream, that is compressed."""
_MIN_SHIFT: Final = 1.0
"""By so many points a page begins elsewhere: fewer take no line away."""
_SHOWS_TEXT: Final = re.compile(rb"T[jJ]\b")
_LIGATURE: Final = re.compile("ل([اأإآ])")
_TURNED: Final = re.compile("[اأإآ]ل")
_ARABIC_WORD: Final = re.compile("[\u0621-\u064a]{3,40}")
_MIN_WORDS: Final = 5


def with_lost_pages(partial: PartialDocument, content: bytes, *, until: float) -> PartialDocument | Document:
    """A document with the texts of those pages without one that have one after all.

    Reading ends at a moment on the monotonic clock. May raise any exception of the library.
    """
    letters = letters_of_pages(partial.document, partial.pages)
    empty = [page for page, count in letters.items() if count < MIN_PAGE_CHARACTERS]
    texts = _texts(content, empty, until=until)
    found = {page: text for page, text in texts if sum(map(str.isalnum, text)) >= _MIN_LETTERS}
    if not found:
        return partial
    document = insert_page_texts(partial.document, found)
    others = tuple(page for page in partial.pages if page not in found)
    return PartialDocument(document, others) if others else document


def with_cut_pages(document: Document, content: bytes, *, until: float) -> Document:
    """A document with the lines of pages that were cut out of larger ones, where these have words of their own.

    Reading ends at a moment on the monotonic clock. May raise any exception of the library.
    """
    reader = opened(content) if _MAY_BE_CUT.search(content) else None
    if reader is None or not document.page_starts:
        return document
    last = len(document.page_starts) - 1
    cut: list[int] = []
    for number, page in enumerate(reader.pages):
        if number > last or time.monotonic() > until:
            break
        if _begins_elsewhere(page):
            cut.append(number)
    return insert_page_texts(document, dict(_texts_of(reader, cut, until=until)))


def _begins_elsewhere(page: Any) -> bool:
    corners = (min(box[axis], box[axis + 2]) for box in (page.mediabox, page.cropbox) for axis in (0, 1))
    return any(abs(float(corner)) >= _MIN_SHIFT for corner in corners)


def with_ligatures(document: Document, content: bytes, *, until: float) -> Document:
    """A document in Arabic letters with the ligatures of its words as they are written.

    Words are corrected by those that pypdf reads on the same page. May raise any exception of the library.
    """
    starts = document.page_starts or (0,)
    pages = [document.text[start:end] for start, end in pairwise([*starts, len(document.text)])]
    doubtful = [number for number, page in enumerate(pages) if len(_doubtful_words(page)) >= _MIN_WORDS]
    for number, text in _texts(content, doubtful, until=until):
        pages[number] = _corrected(pages[number], frozenset(_ARABIC_WORD.findall(unicodedata.normalize("NFKC", text))))
    return document if not doubtful else _replaced(document, pages)


def _doubtful_words(page: str) -> list[str]:
    return [word for word in _ARABIC_WORD.findall(page) if _TURNED.search(word)] if "ال" in page else []


def _corrected(page: str, words: frozenset[str]) -> str:
    """The page with words that only the other reader has instead of those that are the same but for a ligature."""
    meant = {_LIGATURE.sub(r"\1ل", word): word for word in words if _LIGATURE.search(word)}
    return _ARABIC_WORD.sub(lambda match: match[0] if match[0] in words else meant.get(match[0], match[0]), page)


def _replaced(document: Document, pages: list[str]) -> Document:
    # A corrected word is as long as before, so all pages begin where they did.
    return replace(document, text=document.text[: (document.page_starts or (0,))[0]] + "".join(pages))


def _texts(content: bytes, pages: Iterable[int], *, until: float) -> Iterator[tuple[int, str]]:
    wanted = list(pages)
    reader = opened(content) if wanted else None
    if reader is not None:
        yield from _texts_of(reader, wanted, until=until)


@lru_cache(maxsize=1)
def opened(content: bytes) -> pypdf.PdfReader | None:
    """The file, which is kept until `opened.cache_clear`: opening may take seconds. None where it needs a password."""
    reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
    return None if reader.is_encrypted and not reader.decrypt("") else reader


def _texts_of(reader: pypdf.PdfReader, pages: Iterable[int], *, until: float) -> Iterator[tuple[int, str]]:
    for number in pages:
        if time.monotonic() > until or number >= len(reader.pages):
            return
        # The library raises anything about damage; then the page stays as it is.
        with contextlib.suppress(Exception):
            yield number, _page_text(reader.pages[number])


def _page_text(page: Any) -> str:
    instructions = page.get_contents()
    data = instructions.get_data() if instructions is not None else b""
    if len(data) > _MAX_STREAM_BYTES or not _SHOWS_TEXT.search(data):
        return ""
    text = clean(page.extract_text())
    return "" if has_many_controls(text.encode("utf-8")) else text
