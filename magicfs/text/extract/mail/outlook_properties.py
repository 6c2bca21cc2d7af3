"""Reads the properties of messages of Outlook (`.msg`): texts in the code page of a system, moments, and named ones.

Runs in the child process, used by `outlook_files`. A message, a receiver and an attached file are each a storage of a
compound file: a stream lists its properties, and texts and bytes are in streams of their own. One thread.
"""

from __future__ import annotations

import contextlib
import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.plain.charsets import codec_of, detected_charset
from magicfs.text.extract.plain.plain_text import clean, decode

PUBLIC_NAMES: Final = bytes.fromhex("2903020000000000c000000000000046")
_KNOWN_SETS: Final = (b"", b"", PUBLIC_NAMES)
"""The sets of names that a message does not list, by number. The first two are of no interest here."""
"""The set of names, as a number, of properties that are known by a text, such as `Keywords`."""

_STREAM: Final = "__substg1.0_"
_LIST: Final = "__properties_version1.0"
_NAMES: Final = "__nameid_version1.0/__substg1.0_"
_ENTRY: Final = struct.Struct("<HHI8s")
_NAME: Final = struct.Struct("<IHH")
_FIRST_NAMED: Final = 0x8000
_TEXT, _TEXT_OF_SYSTEM, _BYTES, _MOMENT = 0x001F, 0x001E, 0x0102, 0x0040
_SEVERAL: Final = 0x1000
_MAX_VALUES: Final = 100
"""The texts of one property that are read, such as categories."""
_HEAD_BYTES, _INNER_HEAD_BYTES, _PART_HEAD_BYTES = 32, 24, 8
"""The bytes before the first property of a message, of a message in a message, and of what is in a message."""
_INNER: Final = "_3701000D/"
"""How the path of a message in a message ends."""
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


class Properties:
    """The properties of one storage, which is found by its path: empty, or one that ends with `/`."""

    def __init__(self, ole: OleFile, folder: str, *, charset: str | None = None) -> None:
        """`charset` is that of the message to which a receiver or an attached file belongs."""
        self._ole = ole
        self._folder = folder
        self._fixed = self._read_list()
        self.charset = charset or self._charset_of_texts()

    def text(self, number: int) -> str:
        """A text; empty if there is none."""
        return self._text_at(f"{self._folder}{_STREAM}{number:04X}")

    def texts(self, number: int) -> list[str]:
        """The texts of a property that has several."""
        found = (self._text_at(f"{self._folder}{_STREAM}{number:04X}", f"-{one:08X}") for one in range(_MAX_VALUES))
        return [text for text in found if text]

    def data(self, number: int) -> bytes | None:
        """The bytes of a property; None if there are none."""
        path = f"{self._folder}{_STREAM}{number:04X}{_BYTES:04X}"
        return self._ole.read(path) if path in self._ole else None

    def number(self, number: int) -> int | None:
        """A number or a truth, up to four bytes; None if there is none."""
        value = self._fixed.get(number)
        return struct.unpack_from("<I", value)[0] if value else None

    def moment(self, number: int) -> datetime | None:
        """A moment, in UTC; None if there is none, or the one that stands for none."""
        value = self._fixed.get(number)
        ticks = struct.unpack("<Q", value)[0] if value else 0
        return _EPOCH + timedelta(microseconds=ticks // 10) if 0 < ticks < _NEVER else None

    @property
    def charset_of_sender(self) -> str | None:
        """The charset in which a message was sent; None where it states none that is known."""
        return charset_of_code_page(self.number(_CODE_PAGE_OF_SENDER))

    def _read_list(self) -> dict[int, bytes]:
        """The values of the properties that are in the list itself, by their numbers."""
        if self._folder + _LIST not in self._ole:
            return {}
        data = self._ole.read(self._folder + _LIST)
        head = _INNER_HEAD_BYTES if self._folder.endswith(_INNER) else _PART_HEAD_BYTES if self._folder else _HEAD_BYTES
        entries = data[head : head + (len(data) - head) // _ENTRY.size * _ENTRY.size]
        return {number: value for _, number, _, value in _ENTRY.iter_unpack(entries)}

    def _text_at(self, path: str, end: str = "") -> str:
        several = _SEVERAL if end else 0
        if (wide := f"{path}{_TEXT | several:04X}{end}") in self._ole:
            return clean(self._ole.read(wide).decode("utf-16-le", "replace").strip("\0"))
        narrow = f"{path}{_TEXT_OF_SYSTEM | several:04X}{end}"
        data = self._ole.read(narrow).strip(b"\0") if narrow in self._ole else b""
        for charset in filter(None, ("utf-8", self.charset)):
            with contextlib.suppress(UnicodeDecodeError):
                return clean(data.decode(charset))
        return decode(data) or ""

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
        paths = [f"{self._folder}{_STREAM}{number:04X}{_TEXT_OF_SYSTEM:04X}" for number in _DETECTED_FROM]
        sample = b"\n".join(self._ole.read(path) for path in paths if path in self._ole)
        detected = None if sample.isascii() else detected_charset(sample)
        return detected if detected in candidates else candidates[0]


class Names:
    """The numbers that the properties of a message have whose names are long: sets of names, and a number or a text."""

    def __init__(self, ole: OleFile) -> None:
        sets, entries, texts = (
            ole.read(_NAMES + stream) if _NAMES + stream in ole else b""
            for stream in ("00020102", "00030102", "00040102")
        )
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
