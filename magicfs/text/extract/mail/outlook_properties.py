"""Reads the properties of messages of Outlook: texts in the code page of a system, moments, and named ones.

Runs in the child process, used by `outlook_files`, `outlook_stores` and `outlook_items`. A message, a receiver and an
attached file have each properties of their own; how a file keeps them is known by a class for each kind of file. One
thread.
"""

from __future__ import annotations

import contextlib
import struct
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Final

from magicfs.text.extract.plain.charsets import codec_of, detected_charset
from magicfs.text.extract.plain.plain_text import clean, decode

NAME_PROPERTIES: Final = (0x0002, 0x0003, 0x0004)
PUBLIC_NAMES: Final = bytes.fromhex("2903020000000000c000000000000046")
_KNOWN_SETS: Final = (b"", b"", PUBLIC_NAMES)
"""The sets of names that a message does not list, by number. The first two are of no interest here."""
"""The set of names, as a number, of properties that are known by a text, such as `Keywords`."""

_NAME: Final = struct.Struct("<IHH")
_FIRST_NAMED: Final = 0x8000
TEXT, TEXT_OF_SYSTEM, BYTES = 0x001F, 0x001E, 0x0102
"""The kinds of properties that are read: a text in UTF-16, one in a code page, and bytes."""
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER: Final = (datetime(4500, 1, 1, tzinfo=UTC) - _EPOCH).days * 86_400 * 10_000_000
"""The tenths of microseconds from which on a moment stands for none."""

_CODE_PAGE_OF_TEXTS, _CODE_PAGE_OF_SENDER, _LANGUAGE = 0x3FFD, 0x3FDE, 0x3FF1
_DETECTED_FROM: Final = (0x0037, 0x1000, 0x0C1A, 0x0E04, 0x3001)
"""Subject, text and names, by which the charset of a message is detected."""
_CODE_PAGES: Final = {
    20127: "ascii", 20866: "koi8-r", 21866: "koi8-u", 54936: "gb18030", 51949: "cp949", 51932: "euc-jp",
    50220: "iso-2022-jp", 50221: "iso-2022-jp", 50222: "iso-2022-jp", 50225: "iso-2022-kr",
    65001: "utf-8", 10000: "mac-roman", **{28590 + part: f"iso8859-{part}" for part in range(1, 17)},
}  # fmt: skip
"""The charsets of numbers that are not in their names."""
_OF_SYSTEM: Final = {
    **dict.fromkeys(("koi8-r", "koi8-u", "iso8859-5"), "cp1251"),
    "iso8859-2": "cp1250", "iso8859-7": "cp1253", "iso8859-8": "cp1255", "iso8859-9": "cp1254", "iso8859-6": "cp1256",
    "iso8859-13": "cp1257", "iso8859-4": "cp1257", "euc_jp": "cp932", "iso2022_jp": "cp932", "iso2022_kr": "cp949",
}  # fmt: skip
"""The charset of the systems of people who send mail in another one."""
_SYSTEMS_BY_LANGUAGE: Final = {
    **dict.fromkeys((0x05, 0x0E, 0x15, 0x18, 0x1A, 0x1B, 0x1C, 0x24), "cp1250"),
    **dict.fromkeys((0x02, 0x19, 0x22, 0x23, 0x2F, 0x3F), "cp1251"),
    **dict.fromkeys((0x25, 0x26, 0x27), "cp1257"),
    **dict.fromkeys((0x01, 0x20, 0x29), "cp1256"),
    **dict.fromkeys((0x1F, 0x2C), "cp1254"),
    0x08: "cp1253", 0x0D: "cp1255", 0x1E: "cp874", 0x2A: "cp1258", 0x11: "cp932", 0x12: "cp949",
}  # fmt: skip
"""The charset of a system by the lower ten bits of the number of its language."""
_CHINESE, _SIMPLIFIED = 0x04, frozenset({0x0804, 0x1004})


class Properties(ABC):
    """The properties of a message, a receiver or an attached file."""

    def __init__(self, *, charset: str | None = None) -> None:
        """`charset` is that of the message to which a receiver or an attached file belongs."""
        self.charset = charset or self._charset_of_texts()

    @abstractmethod
    def _stored(self, number: int, kind: int) -> bytes | None:
        """The bytes of a text or of bytes; None if there is no property of this number and kind."""

    @abstractmethod
    def _several(self, number: int, kind: int) -> list[bytes]:
        """The bytes of the texts of a property that has several."""

    @abstractmethod
    def _value(self, number: int) -> bytes | None:
        """The eight bytes of a number, a truth or a moment; None if there is none."""

    def text(self, number: int) -> str:
        """A text; empty if there is none."""
        wide = self._stored(number, TEXT)
        return self._in_unicode(self._stored(number, TEXT_OF_SYSTEM) or b"") if wide is None else _from_wide(wide)

    def texts(self, number: int) -> list[str]:
        """The texts of a property that has several."""
        wide = map(_from_wide, self._several(number, TEXT))
        return [text for text in (*wide, *map(self._in_unicode, self._several(number, TEXT_OF_SYSTEM))) if text]

    def data(self, number: int) -> bytes | None:
        """The bytes of a property; None if there are none."""
        return self._stored(number, BYTES)

    def number(self, number: int) -> int | None:
        """A number or a truth, up to four bytes; None if there is none."""
        value = self._value(number)
        return struct.unpack_from("<I", value)[0] if value else None

    def moment(self, number: int) -> datetime | None:
        """A moment, in UTC; None if there is none, or the one that stands for none."""
        value = self._value(number)
        ticks = struct.unpack("<Q", value)[0] if value else 0
        return _EPOCH + timedelta(microseconds=ticks // 10) if 0 < ticks < _NEVER else None

    @property
    def charset_of_sender(self) -> str | None:
        """The charset in which a message was sent; None where it states none that is known."""
        return charset_of_code_page(self.number(_CODE_PAGE_OF_SENDER))

    def _in_unicode(self, narrow: bytes) -> str:
        """A text that is in some charset of the message."""
        narrow = narrow.strip(b"\0")
        for charset in filter(None, ("utf-8", self.charset)):
            with contextlib.suppress(UnicodeDecodeError):
                return clean(narrow.decode(charset))
        return decode(narrow) or ""

    def _charset_of_texts(self) -> str | None:
        """The charset of the texts of a message: of those that it states, the one that they look like."""
        language = self.number(_LANGUAGE)
        sent = self.charset_of_sender
        stated = (
            charset_of_code_page(self.number(_CODE_PAGE_OF_TEXTS)),
            _charset_of_language(language) if language else None,
            _OF_SYSTEM.get(sent, sent) if sent else None,
        )
        candidates = [charset for charset in stated if charset and charset != "utf-8"]
        if len(set(candidates)) <= 1:
            return candidates[0] if candidates else None
        sample = b"\n".join(filter(None, (self._stored(number, TEXT_OF_SYSTEM) for number in _DETECTED_FROM)))
        detected = None if sample.isascii() else detected_charset(sample)
        return detected if detected in candidates else candidates[0]


class Names:
    """The numbers that the properties of a message have whose names are long: sets of names, and a number or a text."""

    def __init__(self, sets: bytes, entries: bytes, texts: bytes) -> None:
        """The properties with the numbers in `NAME_PROPERTIES` of what maps names to numbers."""
        self._numbers: dict[tuple[bytes, int | str], int] = {}
        for value, kind, index in _NAME.iter_unpack(entries[: len(entries) // _NAME.size * _NAME.size]):
            chosen = kind >> 1
            name_set = _KNOWN_SETS[chosen] if chosen < len(_KNOWN_SETS) else sets[(chosen - 3) * 16 :][:16]
            name = _name_at(texts, value) if kind & 1 else value
            self._numbers.setdefault((name_set, name), _FIRST_NAMED + index)

    def number(self, name_set: bytes, name: int | str) -> int | None:
        """The number of a property in this message; None if it has none of this name."""
        return self._numbers.get((name_set, name))


def _name_at(texts: bytes, place: int) -> str:
    length = int.from_bytes(texts[place : place + 4], "little")
    return texts[place + 4 : place + 4 + length].decode("utf-16-le", "replace")


def _from_wide(wide: bytes) -> str:
    return clean(wide.decode("utf-16-le", "replace").strip("\0"))


def charset_of_code_page(code_page: int | None) -> str | None:
    """Python's codec for the number of a code page; None for those that are not known."""
    if not code_page:
        return None
    name = _CODE_PAGES.get(code_page, f"cp{code_page}")
    return name if name in {"utf-8", "ascii"} else codec_of(name)


def _charset_of_language(language: int) -> str:
    primary = language & 0x3FF
    if primary == _CHINESE:
        return "gb18030" if language in _SIMPLIFIED else "big5hkscs"
    return _SYSTEMS_BY_LANGUAGE.get(primary, "cp1252")
