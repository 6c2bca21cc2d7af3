"""Whether what OCR gives of a picture is text, or what it sees in drawings and photographs. Pure functions.

Used by `document_pictures` and `pdf_pages`, in the child process.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from magicfs.text.extract.pdf.glyph_lines import UNSPACED
from magicfs.text.extract.pdf.page_texts import MIN_PAGE_CHARACTERS

_MIN_SHARE_OF_LETTERS: Final = 0.6
"""The share of letters and digits in what is text: what OCR sees in a drawing or a photograph is mostly signs."""
_MIN_SHARE_OF_WORDS: Final = 0.4
"""The share of words with `_MIN_WORD` letters or digits: elsewhere it sees single letters."""
_MIN_WORD: Final = 3
_BLANK_IN_WORDS: Final = re.compile(rf"(?<={UNSPACED.pattern})[^\S\n](?={UNSPACED.pattern})")
"""What Tesseract puts between the letters of scripts without blanks."""


def is_text(text: str) -> bool:
    """Whether what was recognised is likely to be text."""
    pieces = _BLANK_IN_WORDS.sub("", text).split()
    letters = [sum(map(_is_letter, piece)) for piece in pieces]
    words = sum(count >= _MIN_WORD for count in letters)
    return sum(letters) >= max(
        MIN_PAGE_CHARACTERS, _MIN_SHARE_OF_LETTERS * sum(map(len, pieces))
    ) and words >= _MIN_SHARE_OF_WORDS * len(pieces)


def _is_letter(sign: str) -> bool:
    """Whether a sign is a letter or a digit, or a mark of one, as the vowels of the scripts of India are."""
    return sign.isalnum() or unicodedata.category(sign).startswith("M")
