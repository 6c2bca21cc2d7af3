"""Tells whether bytes are text: how many control characters they have, and whether a character takes several bytes.

Used by `plain_text` and `text_pieces`, and by `detect` for files of unknown types. Pure functions; any thread.
"""

from __future__ import annotations

import codecs
import contextlib
import re
import unicodedata
from collections import Counter
from typing import NamedTuple

CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\v\r\f\b\x1b\x0e\x0f")) + b"\x7f"
"""Bytes that text does not contain. Terminal logs contain backspace and escape, ISO-2022 contains SO and SI, and what
is copied from presentations and spreadsheets has vertical tabs for line ends."""

_END_OF_DOS_FILE = b"\x1a"
_TERMINAL_COMMAND = b"\x1b]"
"""How a link or a title begins in the output of a program."""

_MAX_CONTROL_SHARE = 0.02
"""Bytes with a larger share of control characters are not text. Random bytes have 0.1, damaged text far less."""

_WIDE_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_UTF16_BYTES = 4096
"""Bytes in which NULs are counted."""

_EAST_ASIAN = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff00-\uffef]")
_BLANKS = str.maketrans(dict.fromkeys("\t\n\r\f\u3000", " "))
_MIN_WORDS = 2
_MIN_LETTER_SHARE = 0.6
_NATIONAL_OF_ONE_BYTE = ("cp1251", "cp1253", "cp1255", "cp1256", "cp874")
_NATIONAL_OF_TWO_BYTES = ("gb2312", "big5", "shift_jis", "euc_kr")
"""Charsets that have the usual characters of a language. Of random pairs of bytes, one in five is such a character."""
_MIN_CHARACTERS, _MIN_CHARACTERS_OF_ASCII = 4, 6
"""The length of a text without blanks in UTF-16, also where all its bytes are ASCII. Shorter ones may be others."""
_NOT_IN_LINE = bytes(set(range(0x20)) - set(b"\t\n\r\x1b"))
"""Bytes that a line of text does not contain, but for halves of characters."""
_FEW_NULS = 0.25
"""The share of NULs in a text of which less than half is ASCII."""
_MOST_OF_SCRIPT = 0.9
"""The share of letters that two blocks of 256 characters have, where all are of one script."""


def has_many_controls(content: bytes) -> bool:
    """Whether the content has more control characters than a text, in any encoding of single bytes.

    The bell that ends a command to a terminal, such as a link or a title, is none, nor is the end of a file of DOS.
    """
    content = content.rstrip(_END_OF_DOS_FILE)
    controls = len(content) - len(content.translate(None, CONTROLS))
    if controls <= len(content) * _MAX_CONTROL_SHARE:
        return False
    commands = min(content.count(_TERMINAL_COMMAND), content.count(b"\a"))
    return controls - commands > len(content) * _MAX_CONTROL_SHARE


class WideEncoding(NamedTuple):
    """An encoding in which each character takes two or four bytes."""

    bom: bytes
    """The bytes with which a text in it may begin."""
    codec: str

    @property
    def unit_bytes(self) -> int:
        """The bytes of an ASCII character."""
        return 4 if self.codec.startswith("utf-32") else 2


def wide_encoding(content: bytes) -> WideEncoding | None:
    """The encoding of a text in UTF-16 or UTF-32; None for any other content."""
    for bom, codec in _WIDE_BOMS:
        if content.startswith(bom):
            return WideEncoding(bom, codec)
    utf32 = _utf32_without_bom(content)
    if utf32 is not None:
        return WideEncoding(codecs.BOM_UTF32_LE if utf32 == "utf-32-le" else codecs.BOM_UTF32_BE, utf32)
    head = content[:_UTF16_BYTES]
    of_line = _utf16_without_blanks(head) if head.count(0) < _FEW_NULS * len(head) else None
    utf16 = of_line or _utf16_without_bom(content)
    return WideEncoding(codecs.BOM_UTF16_LE if utf16 == "utf-16-le" else codecs.BOM_UTF16_BE, utf16) if utf16 else None


def _utf32_without_bom(content: bytes) -> str | None:
    """The codec of UTF-32 text, or None: of each four bytes, one is zero, and all are characters that are printed."""
    head = content[:_UTF16_BYTES]
    if len(content) % 4 or not head:
        return None
    for codec, highest in (("utf-32-le", 3), ("utf-32-be", 0)):
        if not any(head[highest::4]):
            with contextlib.suppress(UnicodeDecodeError):
                if _is_printed(head.decode(codec).translate(_BLANKS)):
                    return codec
    return None


def _utf16_without_bom(content: bytes) -> str | None:
    """The codec of UTF-16 text, or None.

    In Latin letters, all NULs are on the same side; in others, those of spaces and newlines alone.
    """
    head = content[:_UTF16_BYTES]
    if b"\0" not in head or len(content) % 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    for codec, many, few in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if many > len(head) * 0.1 and few * 20 < many:
            return None if has_many_controls(head.decode(codec, "replace").encode("utf-8")) else codec
    return next((codec for codec in ("utf-16-le", "utf-16-be") if _is_one_script(head, codec)), None)


def _utf16_without_blanks(head: bytes) -> str | None:
    """The codec of a text in UTF-16 that has neither blanks nor line ends, such as a single line of Chinese, or None.

    It has hardly a NUL, so it is one only if it has other control characters, and all its characters are usual ones.
    """
    if len(head) % 2 or len(head) < 2 * _MIN_CHARACTERS or len(head.translate(None, _NOT_IN_LINE)) == len(head):
        return None
    is_short = head.isascii() and len(head) < 2 * _MIN_CHARACTERS_OF_ASCII
    charsets = _NATIONAL_OF_ONE_BYTE if is_short else (*_NATIONAL_OF_ONE_BYTE, *_NATIONAL_OF_TWO_BYTES)
    for codec in ("utf-16-le", "utf-16-be"):
        with contextlib.suppress(UnicodeDecodeError):
            text = head.decode(codec)
            letters = sum(character.isalpha() and character > "\x7f" for character in text)
            if letters >= _MIN_LETTER_SHARE * len(text) and _is_printed(text) and _is_in_one_of(charsets, text):
                return codec
    return None


def _is_in_one_of(charsets: tuple[str, ...], text: str) -> bool:
    """Whether one of these charsets has all characters of a text."""
    for charset in charsets:
        with contextlib.suppress(UnicodeEncodeError):
            text.encode(charset)
            return True
    return False


def _is_one_script(head: bytes, codec: str) -> bool:
    """Whether bytes are words of one script or of Chinese, Japanese and Korean in a codec of UTF-16."""
    try:
        text = head[: _UTF16_BYTES - 2].decode(codec)  # no surrogate is cut off
    except UnicodeDecodeError:
        return False
    words = text.translate(_BLANKS).split(" ")
    letters = [character for word in words for character in word if character.isalpha()]
    if len(words) < _MIN_WORDS or len(letters) < _MIN_LETTER_SHARE * sum(map(len, words)):
        return False
    blocks = Counter("CJK" if _EAST_ASIAN.match(letter) else ord(letter) >> 8 for letter in letters)
    most = sum(count for _, count in blocks.most_common(2))
    return _is_printed("".join(words)) and most >= _MOST_OF_SCRIPT * len(letters)


def _is_printed(text: str) -> bool:
    """Whether all characters are printed or say how others are, such as joiners and the direction of Arabic."""
    return all(character.isprintable() or unicodedata.category(character) == "Cf" for character in text)
