"""The charsets of texts that are not Unicode: what a text declares, what the detector says, and what it does not know.

Used by `plain_text`, and by `archives` for names. The detector is that of Firefox, for pages of the web: it has no code
pages of DOS, none of the Macintosh and not Latin-9, which old letters, tables and `.nfo` files are in. Pure functions;
any thread.
"""

from __future__ import annotations

import codecs
import re
from itertools import islice
from typing import Final

from chardetng_py import detect as detect_charset  # type: ignore[import-untyped]  # it has no marker

_DETECTION_BYTES: Final = 256 * 1024
"""The length of the part that the detector gets: more than it needs, and it reads a gigabyte in a minute."""

_LEGACY: Final = re.compile(
    r"(iso-?8859|latin|windows|cp\d|koi8|shift|sjis|ms932|euc|ks_?c|gb|big5|mac|iso-2022|johab|tis-?620|ibm\d)",
    re.IGNORECASE,
)
"""Names of legacy charsets. Other declared names are ignored: `utf-8`, because decoding as UTF-8 has failed, and codecs
of Python that are no charsets, such as `zip`."""

_DIRECTION: Final = re.compile("(?<=8859-[68])-[ie]$", re.IGNORECASE)
"""What names of Hebrew and Arabic charsets say about the order of letters."""

_WINDOWS_SUPERSETS: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
"""The encoding that software writes under a charset's name: a superset of it. Browsers decode the same way."""

_INSIDE_WORD: Final = re.compile(rb"(?<=[A-Za-z])[\x80-\xff](?=[a-z])|(?<=[A-Z])[\x80-\xff](?=[A-Z])")
"""A byte between two letters: in the right charset, it is a letter too, of the case of the next one."""
_MAX_INSIDE: Final = 1000
"""Such bytes that are looked at."""
_BETWEEN_WORDS: Final = frozenset("\u2013\u2014\u2026\u2019\u00b7\u00b4")
"""Dashes, dots and apostrophes, which stand between letters too."""
_LETTERS_AS_SIGNS: Final = frozenset("\u0192\u00aa\u00ba")
"""The sign of a currency and those of ordinal numbers, which are letters to Unicode, and stand in no word."""
OF_TWO_BYTES: Final = frozenset({"cp932", "gb18030", "big5", "cp949", "euc_jp", "euc_jis_2004", "iso2022_jp", "johab"})
"""Charsets in which a byte between letters is the first half of a character whose second half looks like one."""
_UNKNOWN_TO_DETECTOR: Final = ("cp850", "cp852", "mac_roman", "iso8859-15")
"""The first is taken if several fit."""
_KOREAN: Final = b"\x1b$)C"
_JAPANESE: Final = re.compile(rb"\x1b(\$[@B]|\([BJI])([^\x1b\r\n]*)")
"""Each line begins in ASCII."""
_ROWS_BEFORE_GAP: Final = 62
_MOST: Final = 0.9
_SOME: Final = 0.2
_FRAME: Final = re.compile(
    rb"[\xc4\xcd][\xb5-\xb8\xbd\xbe\xc6\xc7\xcf-\xd8]|[\xb5-\xb8\xbd\xbe\xc6\xc7\xcf-\xd8][\xc4\xcd]"
)
"""A horizontal line of a frame beside a corner or an end that `cp437` alone has; `cp850` has letters there."""


def codec_of(name: str) -> str | None:
    """Python's codec for the name of a legacy charset; None for any other name."""
    if not _LEGACY.match(name):
        return None
    try:
        codec = codecs.lookup(_DIRECTION.sub("", name)).name
    except LookupError:
        return None
    return _WINDOWS_SUPERSETS.get(codec, codec)


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
        moved.append(low + 0x7E if row % 2 else low + (0x1F if low < 0x60 else 0x20))  # noqa: PLR2004  (its gap)
    return bytes(moved)


def detected_charset(content: bytes) -> str | None:
    """Python's codec for the legacy charset that bytes are most probably in; None if they are in none."""
    sample = _sample(content)
    detected = codec_of(detect_charset(sample))
    return _better_than(detected, sample) or detected


def _sample(content: bytes) -> bytes:
    """The part that the detector gets: it begins shortly before the first byte beyond ASCII."""
    if len(content) <= _DETECTION_BYTES:
        return content
    first = re.search(rb"[\x80-\xff]", content)
    start = max(0, first.start() - 64) if first else 0
    return content[start : start + _DETECTION_BYTES]


def _better_than(detected: str | None, sample: bytes) -> str | None:
    """The code page in which the bytes inside of words are letters, where they are none in the detected charset."""
    if detected in OF_TWO_BYTES:
        return None
    found = islice(_INSIDE_WORD.finditer(sample), _MAX_INSIDE)
    inside = [(match[0], sample[match.end() : match.end() + 1].islower()) for match in found]
    if not inside or _share_of_others(inside, detected or "cp1252") < _SOME:
        return None
    best = max(_UNKNOWN_TO_DETECTOR, key=lambda charset: _share_of_letters(inside, charset))
    if _share_of_letters(inside, best) < _MOST:
        return None
    return "cp437" if best == "cp850" and _FRAME.search(sample) else best


def _share_of_letters(inside: list[tuple[bytes, bool]], charset: str) -> float:
    """The share of the bytes that are letters of the right case. Each comes with whether it is lower case."""
    return sum(_is_letter(byte.decode(charset, "replace"), is_lower) for byte, is_lower in inside) / len(inside)


def _share_of_others(inside: list[tuple[bytes, bool]], charset: str) -> float:
    """The share of the bytes that are signs, or letters of the other case."""
    decoded = [(byte.decode(charset, "replace"), is_lower) for byte, is_lower in inside]
    others = [char for char, is_lower in decoded if not _is_letter(char, is_lower) and char not in _BETWEEN_WORDS]
    return len(others) / len(inside)


def _is_letter(character: str, is_lower: bool) -> bool:  # noqa: FBT001
    if character in _LETTERS_AS_SIGNS or not character.isalpha():
        return False
    return character.islower() if is_lower else character.isupper()
