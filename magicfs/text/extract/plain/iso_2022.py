"""Decodes ISO-2022-KR and ISO-2022-JP, which change charsets by escape sequences and are ASCII otherwise.

Used by `plain_text`. Pure functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

_KOREAN: Final = b"\x1b$)C"
_JAPANESE: Final = re.compile(rb"\x1b(\$[@B]|\([BJI])([^\x1b\r\n]*)")
"""Each line begins in ASCII."""
_ROWS_BEFORE_GAP: Final = 62
"""Rows of the table before the gap that Shift-JIS leaves for kana of one byte."""
_FIRST_BEHIND_GAP: Final = 0x60
"""The first second byte behind 0x7F, which Shift-JIS leaves out."""


def decode_iso_2022(content: bytes) -> str:
    """A text in ISO-2022-KR or ISO-2022-JP, also with the signs that Windows adds, which no codec knows.

    Raises `UnicodeDecodeError` for what is in neither.
    """
    if _KOREAN in content:
        return content.decode("iso2022_kr")
    try:
        return content.decode("iso2022_jp")
    except UnicodeDecodeError:
        if not content.isascii():
            raise
    return _JAPANESE.sub(_as_shift_jis, content).translate(None, b"\x0e\x0f").decode("cp932", "replace")


def _as_shift_jis(match: re.Match[bytes]) -> bytes:
    """Characters of two bytes in the other encoding of the same table; of one byte, kana or ASCII."""
    charset, data = match[1], match[2]
    if charset == b"(I":
        return bytes(byte | 0x80 for byte in data)
    if not charset.startswith(b"$"):
        return data
    moved = bytearray()
    for high, low in zip(data[::2], data[1::2], strict=False):
        row = high - 0x21
        moved.append(row // 2 + (0x81 if row < _ROWS_BEFORE_GAP else 0xC1))
        moved.append(low + 0x7E if row % 2 else low + (0x1F if low < _FIRST_BEHIND_GAP else 0x20))
    return bytes(moved)
