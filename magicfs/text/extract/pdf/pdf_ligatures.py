"""Corrects a ligature of Arabic in the text of PDF files, which one word of ten has, by another reading with pypdf.

Runs in the child process, called by `pdf_documents`. PDFium turns the two letters of the ligature lam-alif around.
pypdf is slow, so only pages with such words are read with it. Pure functions.
"""

from __future__ import annotations

import contextlib
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from magicfs.domain.contents import Document
from magicfs.text.extract.pdf.pdf_parts import opened
from magicfs.text.extract.plain.plain_text import clean
from magicfs.text.extract.plain.text_bytes import has_many_controls

_MAX_STREAM_BYTES: Final = 1 << 20
"""The instructions of a page that are read: a page of text has some thousand."""
_SHOWS_TEXT: Final = re.compile(rb"T[jJ]\b")
_LIGATURE: Final = re.compile("ل([اأإآ])")
_TURNED: Final = re.compile("[اأإآ]ل")
_ARABIC_WORD: Final = re.compile("[\u0621-\u064a]{3,40}")
_MIN_WORDS: Final = 5


def with_ligatures(document: Document, content: bytes, *, until: float) -> Document:
    """A document in Arabic letters with the ligatures of its words as they are written.

    Words are corrected by those that pypdf reads on the same page. May raise any exception of the library.
    """
    starts = document.page_starts or (0,)
    pages = [document.text[start:end] for start, end in pairwise([*starts, len(document.text)])]
    doubtful = [number for number, page in enumerate(pages) if len(_doubtful_words(page)) >= _MIN_WORDS]
    if not doubtful:
        return document
    for number, text in _texts(content, doubtful, until=until):
        pages[number] = _corrected(pages[number], frozenset(_ARABIC_WORD.findall(unicodedata.normalize("NFKC", text))))
    return _replaced(document, pages)


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
    reader = opened(content)
    if reader is None:
        return
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
