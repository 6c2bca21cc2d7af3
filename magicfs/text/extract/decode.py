"""From bytes to clean text: encoding, newlines, and whether it is text at all.

Runs in the worker's own process on every text file, so it is written for speed: valid UTF-8, the usual case,
costs a decode and three scans at C speed. Pure functions; any thread.
"""

from __future__ import annotations

import codecs
import re

from chardetng_py import detect as detect_charset  # type: ignore[import-untyped]  # it has no marker

_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\f\b\x1b\x0e\x0f")) + b"\x7f"
"""What text does not hold. Backspace and escape are left out (terminal logs), as are SO and SI (ISO-2022)."""

_JAPANESE_SHIFT = b"\x1b$"
"""Begins Japanese letters in ISO-2022-JP, whose bytes are all ASCII. No terminal has a sequence like it."""

_CONTROL_SHARE = 0.02
"""More control characters than this and it is no text. Random bytes have 0.1; damaged text far less."""

_INVALID_SHARE = 0.1
"""UTF-8 with fewer broken sequences than this, of those that are not ASCII, is UTF-8 that was damaged."""

_DETECTION_BYTES = 256 * 1024
"""The detector reads a gigabyte in a minute; this much is more than it needs."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_DECLARATION = re.compile(rb"""(?:charset|coding)\s*[=:]\s*["']?\s*([A-Za-z][A-Za-z0-9_.:-]{1,30})""")
"""XML declarations, HTML `meta` elements, and the cookies of editors and Python."""

_DECLARATION_BYTES = 1024

_LEGACY = re.compile(
    r"(iso-?8859|latin|windows|cp\d|koi8|shift|sjis|ms932|euc|gb|big5|mac|iso-2022|johab|tis-?620|ibm\d)", re.IGNORECASE
)
"""Charset names that may be believed: UTF-8 has been ruled out by then, and Python also calls `zip` a codec."""

_AS_BROWSERS_DO = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
"""The encoding that is meant by a name: the superset that vendors' software has written under it."""


def decode(content: bytes) -> str | None:
    """Return the text of `content` with clean newlines, or None when it is no text."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return clean(content[len(bom) :].decode(encoding, errors="replace"))
    guess = _utf16_without_bom(content)
    if guess is not None:
        return clean(content.decode(guess, errors="replace"))
    if len(content) - len(content.translate(None, _CONTROLS)) > len(content) * _CONTROL_SHARE:
        return None
    try:
        return clean(content.decode("iso2022_jp" if _JAPANESE_SHIFT in content else "utf-8"))
    except UnicodeDecodeError:
        return clean(_decode_legacy(content))


def clean(text: str) -> str:
    r"""Make text fit for Postgres and for counting lines: no NUL, no lone surrogate, `\n` alone as newline."""
    if "\0" in text:
        text = text.replace("\0", "")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", errors="surrogatepass").decode("utf-16-le", errors="replace")
    return text


def cut(text: str, *, max_bytes: int) -> str:
    """Return as much of `text` as fits into `max_bytes` of UTF-8, ending at a line if one ends near there."""
    if len(text) * 4 <= max_bytes:
        return text
    data = text.encode("utf-8")
    if len(data) <= max_bytes:
        return text
    kept = data[:max_bytes].decode("utf-8", errors="ignore")
    line_end = kept.rfind("\n", len(kept) - 4096)
    return kept[: line_end + 1] if line_end > 0 else kept


def _utf16_without_bom(content: bytes) -> str | None:
    """Guess UTF-16 from where the NULs are: text of any script has ASCII blanks and newlines."""
    head = content[:4096]
    if b"\0" not in head or len(content) % 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) * 0.1 and even * 20 < odd:
        return "utf-16-le"
    if even > len(head) * 0.1 and odd * 20 < even:
        return "utf-16-be"
    return None


def _decode_legacy(content: bytes) -> str:
    """Decode what is not valid UTF-8: by what it declares, as damaged UTF-8, or by what it looks like."""
    found = _DECLARATION.search(content, 0, _DECLARATION_BYTES)
    declared = _codec(found[1].decode("ascii")) if found else None
    if declared:
        try:
            return content.decode(declared)
        except UnicodeDecodeError:
            pass
    damaged = content.decode("utf-8", errors="replace")
    broken = damaged.count("\ufffd")
    if broken < _INVALID_SHARE * (len(damaged) - len(damaged.encode("ascii", errors="ignore"))):
        return damaged
    return content.decode(_codec(detect_charset(_sample(content))) or "cp1252", errors="replace")


def _sample(content: bytes) -> bytes:
    """Return the part to show to the detector, starting where the first byte beyond ASCII is near."""
    if len(content) <= _DETECTION_BYTES:
        return content
    first = re.search(rb"[\x80-\xff]", content)
    start = max(0, first.start() - 64) if first else 0
    return content[start : start + _DETECTION_BYTES]


def _codec(name: str) -> str | None:
    """Return Python's name of a charset that is not Unicode, or None for any other word."""
    if not _LEGACY.match(name):
        return None
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        return None
    return _AS_BROWSERS_DO.get(codec, codec)
