"""Puts the words of Hebrew and Arabic lines into the order in which people read them.

Used by `pdf_documents`. A page of a PDF file has its words where they stand: the engine gives the letters of each word
in order, and the words of a line from left to right. Whether a page is so shows in its stops, which stand before the
words that they end. Pure functions, which keep the length of a text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Final

from magicfs.domain.contents import Document

_LETTER: Final = (
    "\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0710-\u072f\u0750-\u077f\u0780-\u07a5"
    "\ufb1d-\ufdfb\ufe70-\ufefc"
)
_LETTERS: Final = re.compile(f"[{_LETTER}]")
_OTHER_LETTERS: Final = re.compile(f"[^\\W\\d_{_LETTER}]")
_STOP: Final = ".,:;!?\u060c\u061b\u061f"
_BEFORE: Final = re.compile(f"(?<!\\S)[{_STOP}]+[()\\[\\]{{}}\"']?[{_LETTER}]")
_BEHIND: Final = re.compile(f"[{_LETTER}][()\\[\\]{{}}\"']?[{_STOP}]+(?!\\S)")
_SIGN: Final = "!-/:-@\\[-`{-~\u00ab\u00bb\u060c\u061b\u061f\u2010-\u203a"
_WORD: Final = re.compile(f"([{_SIGN}]*)(.*?)([{_SIGN}]*)", re.DOTALL)
_OPENING: Final = str.maketrans(")]}\u00bb\u203a", "([{\u00ab\u2039")
_CLOSING: Final = str.maketrans("([{\u00ab\u2039", ")]}\u00bb\u203a")


def in_reading_order(document: Document) -> Document:
    """A document with the words of its pages in order. A page without stops is as most others are."""
    if not _LETTERS.search(document.text):
        return document
    starts = [*(document.page_starts or (0,)), len(document.text)]
    pages = [document.text[start:end] for start, end in pairwise(starts)]
    of_document = _goes_left(document.text)
    ordered = [_ordered(page) if _goes_left(page, otherwise=of_document) else page for page in pages]
    return replace(document, text=document.text[: starts[0]] + "".join(ordered))


def _goes_left(text: str, *, otherwise: bool = False) -> bool:
    """Whether the words of lines stand from left to right: `otherwise` if the text does not tell."""
    before, behind = len(_BEFORE.findall(text)), len(_BEHIND.findall(text))
    return before > behind if before != behind else otherwise


def _ordered(page: str) -> str:
    return "\n".join(_ordered_line(line) if _LETTERS.search(line) else line for line in page.split("\n"))


def _ordered_line(line: str) -> str:
    """The line in reading order: from right to left if most of its words are read so, else those of its parts."""
    words = line.split(" ")
    if 2 * sum(_LETTERS.search(word) is not None for word in words) >= len(list(filter(str.strip, words))):
        turned = [word if _OTHER_LETTERS.search(word) else _turned(word) for word in reversed(words)]
        return " ".join(_with_runs_turned(turned, of_others=True))
    turned = [_turned(word) if _LETTERS.search(word) else word for word in words]
    return " ".join(_with_runs_turned(turned, of_others=False))


def _with_runs_turned(words: Sequence[str], *, of_others: bool) -> list[str]:
    """The words, where those that run the other way, several in a row, are turned around: `of_others`, or ours."""
    runs = [(runs, list(run)) for runs, run in groupby(words, lambda word: _runs_other_way(word, of_others=of_others))]
    return [word for runs_other_way, run in runs for word in (reversed(run) if runs_other_way else run)]


def _runs_other_way(word: str, *, of_others: bool) -> bool:
    return bool((_OTHER_LETTERS if of_others else _LETTERS).search(word))


def _turned(word: str) -> str:
    """A word that is read from right to left with the signs before it behind it, and the other way round."""
    match = _WORD.fullmatch(word)
    if match is None:
        return word
    before, inside, behind = match.groups()
    return behind[::-1].translate(_OPENING) + inside + before[::-1].translate(_CLOSING)
