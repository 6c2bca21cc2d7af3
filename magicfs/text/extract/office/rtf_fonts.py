"""The fonts of RTF documents: which charset the bytes of each are in, and what those of fonts of signs show.

Used by `rtf_files`. Pure.
"""

from __future__ import annotations

import codecs
import contextlib
from typing import Final

_CHARSETS: Final = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "big5", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""The charsets of fonts, by the number that states them. Other fonts have the charset of the document."""
_SYMBOLS: Final = 2
"""The charset of fonts of signs, whose bytes are no letters."""
SIGN_BLOCK: Final = 0xF0
"""The upper half of the private characters that stand for them in Unicode."""
_BULLET: Final = 0xB7
_ASCII_END: Final = 0x7F
_DOCUMENT_CHARSETS: Final = {b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}


class Fonts:
    """The charsets that a document states for itself and for its fonts. Unknown ones count as none."""

    def __init__(self) -> None:
        self.document_charset = "cp1252"
        """Python's codec for the text of fonts that state no charset."""
        self.default = 0
        """The number of the font of text that names none."""
        self.described = 0
        """The number of the font about which the document says something next."""
        self._charsets: dict[int, int] = {}
        self._code_pages: dict[int, str] = {}

    def set_document_charset(self, word: bytes, code_page: int) -> None:
        """Take the charset of the document from a word for one, or from the number of a code page."""
        self.document_charset = _known(_DOCUMENT_CHARSETS.get(word, f"cp{code_page}"), self.document_charset)

    def set_charset(self, number: int) -> None:
        """Give the described font the charset with this number."""
        self._charsets[self.described] = number

    def set_code_page(self, code_page: int) -> None:
        """Give the described font a code page, which goes before its charset."""
        self._code_pages[self.described] = _known(f"cp{code_page}", self.document_charset)

    def charset(self, font: int) -> str:
        """Python's codec for the bytes of a font."""
        number = self._charsets.get(font, 0)
        return self._code_pages.get(font) or _CHARSETS.get(number, self.document_charset)

    def has_signs(self, font: int) -> bool:
        """Whether a font has signs in the place of letters."""
        return self._charsets.get(font, 0) == _SYMBOLS


def charset_of_font(number: int) -> str:
    """Python's codec for a font of Windows with this charset; empty for one of signs, that of the West for others."""
    return "" if number == _SYMBOLS else _CHARSETS.get(number, "cp1252")


def shown_signs(data: bytes) -> str:
    """What is known of the bytes of a font of signs: bullets and ASCII."""
    return "".join("\u2022" if byte == _BULLET else chr(byte) for byte in data if byte < _ASCII_END or byte == _BULLET)


def _known(charset: str, otherwise: str) -> str:
    with contextlib.suppress(LookupError):
        return codecs.lookup(charset).name
    return otherwise
