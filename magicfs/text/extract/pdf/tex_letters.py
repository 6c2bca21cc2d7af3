"""Reads letters as TeX draws them: accents apart from their letters, and ligatures whose names programs change.

Used by `pdf_text`. Of documents with the oldest fonts of TeX, the text layer has `G¨odel` where a person sees `Gödel`,
or the accent at the end of the line. Pure functions.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from magicfs.text.extract.pdf.page_glyphs import Glyph

_MARKS: Final = dict(
    zip(
        "`\u00b4\u02c6^\u02dc~\u00a8\u00af\u02d8\u02d9\u02da\u02dd\u02c7\u00b8\u02db",
        "\u0300\u0301\u0302\u0302\u0303\u0303\u0308\u0304\u0306\u0307\u030a\u030b\u030c\u0327\u0328",
        strict=True,
    )
)
"""The marks that join letters, by the accents that stand alone."""
_ACCENT: Final = re.compile(
    "[\u00b4\u02c6\u02dc\u00a8\u00af\u02d8-\u02db\u02dd\u02c7\u00b8]|(?<=[a-zA-Z])`(?=[a-zA-Z])"
)
_WITHOUT_DOT: Final = {"\u0131": "i", "\u0237": "j"}
_BUCKET: Final = 16.0
"""Glyphs are looked up by their place along the line, in points."""
_LINES: Final = 32.0
"""And by the height of their line; an accent is not that far from its letter."""
_MAX_ACCENTS: Final = 2000
_HIGHEST: Final = 0.6
"""The accent of a capital is drawn higher than its letter by a smaller share of the size of the font."""
_PAIR: Final = 2
_LIGATURE: Final = re.compile("(?<=[a-z])(?:\u21b5|\u270f(?=[a-z]))(?![A-Z0-9])")
_IN_WORDS: Final = re.compile(r"(?<=[a-z])\u21b5(?=[a-z])|\b(?:o|sta|stu|cli|di|tari)\u21b5(?!\w)")
"""A ligature inside of a word, or at the end of one that is known: manuals have the sign of a key behind a command."""
_LIGATURES: Final = {"\u21b5": "ff", "\u270f": "ffl"}
"""The characters that programs of macOS give ligatures when they save a document of TeX again."""
_NAMELESS_LIGATURE: Final = re.compile("(?<=[a-z])\0(?=[a-z])")
"""The ligature of `ffi` in such a document, to which they give none."""


def has_tex_ligatures(text: str) -> bool:
    """Whether a text has ligatures under other names."""
    return "\u21b5" in text and _IN_WORDS.search(text) is not None


def with_tex_ligatures(text: str) -> str:
    """The text with the letters of such ligatures."""
    if not has_tex_ligatures(text):
        return text
    return _LIGATURE.sub(lambda match: _LIGATURES[match[0]], _NAMELESS_LIGATURE.sub("ffi", text))


def has_accents_apart(text: str) -> bool:
    """Whether a text has accents that are no part of a letter."""
    return _ACCENT.search(text) is not None


def with_accents(glyphs: Sequence[Glyph]) -> list[Glyph] | None:
    """The glyphs with the accents in the letters over or under which they are drawn; None if there are no such."""
    glyphs, is_changed = _with_accents_of_same_place(glyphs)
    accents = [at for at, glyph in enumerate(glyphs) if glyph.text in _MARKS and not glyph.is_askew]
    letters = _letters_by_place(glyphs) if len(accents) <= _MAX_ACCENTS else {}
    composed: dict[int, str] = {}
    joined = set()
    for at in accents:
        accent = glyphs[at]
        along, across = int(_middle(accent) // _BUCKET), int(accent.base // _LINES)
        near = (letters.get((accent.turns, along, line), ()) for line in (across - 1, across, across + 1))
        for letter in sorted(chain(*near), key=lambda letter: abs(_middle(glyphs[letter]) - _middle(accent))):
            text = _composed(composed.get(letter, glyphs[letter].text), accent.text)
            if _is_over(accent, glyphs[letter]) and text is not None:
                composed[letter] = text
                joined.add(at)
                break
    if not joined and not is_changed:
        return None
    return list(_without(glyphs, joined, composed))


def _without(glyphs: Sequence[Glyph], joined: set[int], composed: Mapping[int, str]) -> Iterator[Glyph]:
    """Yield the glyphs without accents that were joined, and with the blanks of the engine that are not beside one."""
    before: Glyph | None = None
    for at, glyph in enumerate(glyphs):
        if at in joined:
            before = None
            continue
        if before is not None and glyph.is_apart:
            yield replace(before, text=" ", start=before.end, is_apart=False)
        before = glyph
        yield replace(glyph, text=composed.get(at, glyph.text))


def _with_accents_of_same_place(glyphs: Sequence[Glyph]) -> tuple[Sequence[Glyph], bool]:
    """The glyphs with accents in letters of the same width, with which they are one glyph, and if there are any."""
    changed = {}
    for at, glyph in enumerate(glyphs):
        if len(glyph.text) == _PAIR and glyph.text[0] in _MARKS and (text := _composed(glyph.text[1], glyph.text[0])):
            changed[at] = replace(glyph, text=text)
    return [changed.get(at, glyph) for at, glyph in enumerate(glyphs)] if changed else glyphs, bool(changed)


def _letters_by_place(glyphs: Sequence[Glyph]) -> dict[tuple[int, int, int], list[int]]:
    """The numbers of the glyphs that are letters, by the places that they cover."""
    letters: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for at, glyph in enumerate(glyphs):
        if glyph.text.isalpha() and glyph.text not in _MARKS and not glyph.is_askew:
            for place in {int(glyph.start // _BUCKET), int(glyph.end // _BUCKET)}:
                letters[glyph.turns, place, int(glyph.base // _LINES)].append(at)
    return letters


def _is_over(accent: Glyph, letter: Glyph) -> bool:
    height = (accent.base - letter.base) / max(letter.size, 1)
    return letter.start < _middle(accent) < letter.end and abs(height) < _HIGHEST


def _composed(letter: str, accent: str) -> str | None:
    """The letter with the accent; None where no language has such a one, as in mathematics."""
    text = unicodedata.normalize("NFC", _WITHOUT_DOT.get(letter, letter) + _MARKS[accent])
    return text if len(text) == 1 else None


def _middle(glyph: Glyph) -> float:
    return (glyph.start + glyph.end) / 2
