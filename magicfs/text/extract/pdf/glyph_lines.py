"""Puts the glyphs of a page of a PDF file together to words and lines, by where they are. Used by `pdf_text`.

The engine does the same, and well, for most pages; not where letters are spaced, turned or drawn twice, and not where
words are written from the right. Pure functions.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import quantiles
from typing import Final

from magicfs.text.extract.pdf.glyph_order import Direction, direction_of, reading_order
from magicfs.text.extract.pdf.page_glyphs import Glyph, is_from_right

_SAME_LINE: Final = 0.5
"""Glyphs of one line differ in height by less of a font size: letters are raised and lowered."""
_SAME_PLACE: Final = 0.1
"""A glyph that is drawn again, for a bold or a shadowed letter, is not farther away than this."""
_NEXT_COLUMN: Final = 2.5
"""The gap between columns is not smaller."""
_BACKWARDS: Final = 1.0
"""A line does not go back so far."""
# Gaps are shares of the size of the font.
_BLANK: Final = 0.2
"""The smallest gap between words."""
_LIKELY_BLANK: Final = 0.08
"""That where the engine has put a blank, too: words of narrow lines are close together."""
_UNSPACED_BLANK: Final = 0.6
"""That between letters of scripts without blanks between words."""
_SPACED: Final = 0.05
"""The smallest gap between letters that are spaced."""
_WIDELY_SPACED: Final = 0.3
"""Letters that are spaced more, without a wider gap between some of them, may be words."""
_MIN_GAPS: Final = 4
_MIN_DIFFERENT: Final = 5
"""The different letters of a spaced word that is alone on its line: a row of a table has single letters too."""
_UPSIDE_DOWN: Final = 180
_BOTH: Final = {Direction.LEFT_TO_RIGHT, Direction.RIGHT_TO_LEFT}
UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f]")
"""Letters of scripts without blanks between words."""


def text_of_glyphs(glyphs: Sequence[Glyph]) -> str:
    """The text of a page, a line for each of its lines."""
    counts = Counter(direction_of(glyph.text) for glyph in glyphs)
    from_right = counts[Direction.RIGHT_TO_LEFT] > counts[Direction.LEFT_TO_RIGHT]
    lines: list[list[Glyph]] = []
    for glyph in glyphs:
        if not lines or not _continues(glyph, lines[-1][-1], from_right=from_right):
            lines.append([])
        if not _is_again(glyph, lines[-1]):
            lines[-1].append(glyph)
    return "\n".join(text for line in lines if (text := _text_of_line(line, from_right=from_right)))


def _continues(glyph: Glyph, last: Glyph, *, from_right: bool) -> bool:
    """Whether a glyph is on the same line as the last one."""
    size = max(last.size, glyph.size)
    if glyph.turns != last.turns or abs(glyph.base - last.base) > _SAME_LINE * size:
        return False
    may_go_back = from_right or glyph.turns == _UPSIDE_DOWN or is_from_right(glyph.text) or is_from_right(last.text)
    return may_go_back or glyph.start > last.start - _BACKWARDS * size


def _is_again(glyph: Glyph, before: Sequence[Glyph]) -> bool:
    most = _SAME_PLACE * glyph.size
    return any(
        glyph.text == other.text and abs(glyph.start - other.start) < most and abs(glyph.base - other.base) < most
        for other in before[-3:]
    )


def _text_of_line(glyphs: list[Glyph], *, from_right: bool) -> str:
    if glyphs[0].is_askew:
        return "".join(" " * glyph.is_apart + glyph.text for glyph in glyphs).strip()
    is_mixed = any(is_from_right(glyph.text) for glyph in glyphs)
    if is_mixed:
        glyphs = _with_marks(glyphs)
    if is_mixed or glyphs[0].turns:
        glyphs = sorted(glyphs, key=lambda glyph: glyph.start)
    texts = []
    for piece in _pieces(glyphs):
        units = list(_units(piece))
        texts.append("".join(reading_order(units, from_right=from_right) if is_mixed else units).strip())
    if is_mixed and from_right:
        texts.reverse()
    return " ".join(filter(None, texts))


def _with_marks(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """The glyphs with their marks, such as vowels of Hebrew: a mark belongs to the letter over or under it."""
    letters = [glyph for glyph in glyphs if unicodedata.category(glyph.text[0]) != "Mn"]
    if len(letters) == len(glyphs) or not letters:
        return list(glyphs)
    letters.sort(key=_middle)
    texts = [glyph.text for glyph in letters]
    for mark in glyphs:
        if unicodedata.category(mark.text[0]) == "Mn":
            behind = bisect_left(letters, _middle(mark), key=_middle)
            around = range(max(behind - 1, 0), min(behind + 1, len(letters)))
            nearest = min(around, key=lambda at: abs(_middle(letters[at]) - _middle(mark)))
            texts[nearest] += mark.text.strip()
    return [replace(letter, text=text) for letter, text in zip(letters, texts, strict=True)]


def _middle(glyph: Glyph) -> float:
    return (glyph.start + glyph.end) / 2


def _pieces(glyphs: Sequence[Glyph]) -> Iterator[list[Glyph]]:
    piece: list[Glyph] = []
    for glyph in glyphs:
        if piece and glyph.start - piece[-1].end > _NEXT_COLUMN * glyph.size:
            yield piece
            piece = []
        piece.append(glyph)
    yield piece


def _units(glyphs: Sequence[Glyph]) -> Iterator[str]:
    """The texts of the glyphs with blanks between words."""
    spacing = _spacing(glyphs)
    last: Glyph | None = None
    for glyph in glyphs:
        if last is not None and not last.text.isspace() and not glyph.text.isspace():
            gap = (glyph.start - last.end) / max(glyph.size, last.size, 1)
            if _is_unspaced(glyph) and _is_unspaced(last):
                is_blank = gap > _UNSPACED_BLANK
            elif spacing:
                is_blank = gap > spacing + max(_BLANK, spacing / 2)
            elif {direction_of(last.text), direction_of(glyph.text)} == _BOTH:
                is_blank = True
            else:
                behind = last if is_from_right(last.text) else glyph
                is_blank = gap > (_LIKELY_BLANK if behind.is_apart else _BLANK)
            if is_blank:
                yield " "
        yield glyph.text
        last = glyph


def _spacing(glyphs: Sequence[Glyph]) -> float:
    """How far apart the letters of words are spaced, as a share of the font size; 0 for most texts."""
    gaps = [
        (right.start - left.end) / max(left.size, right.size, 1)
        for left, right in pairwise(glyphs)
        if left.text.isalnum() and right.text.isalnum()
    ]
    letters = [glyph.text for glyph in glyphs if glyph.text.isalpha()]
    if len(gaps) < _MIN_GAPS or 2 * len(letters) < len(glyphs):
        return 0.0
    spacing = quantiles(gaps, n=4)[0]
    if spacing < _SPACED:
        return 0.0
    is_blank_seen = any(glyph.text.isspace() for glyph in glyphs) or max(gaps) > spacing + max(_BLANK, spacing / 2)
    is_one_word = spacing < _WIDELY_SPACED and len(set(letters)) >= _MIN_DIFFERENT
    return spacing if is_blank_seen or is_one_word else 0.0


def _is_unspaced(glyph: Glyph) -> bool:
    return bool(UNSPACED.match(glyph.text))
