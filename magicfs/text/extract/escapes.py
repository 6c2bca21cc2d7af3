r"""Replaces escapes of text formats by what they stand for: `\u00fc` in JSON, `&#252;` in XML, `\"u` in TeX.

Used by `FileExtractor` on decoded text. A line stays a line, so that line numbers are those that an editor shows. Pure
functions; any thread.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from typing import Final

_STRING_ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))"
)
"""An escape in a quoted string. The last group takes the character after a backslash, so that `\\\\u` is none."""

_JSON_SIGNS: Final = {"n": " ", "t": " ", "r": " ", "b": " ", "f": " ", '"': '"', "/": "/", "\\": "\\"}
"""What the short escapes of JSON stand for; a space for a line end, since the line goes on."""

_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")

_TEX_ACCENTS: Final = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331",
}  # fmt: skip
_TEX_LETTERS: Final = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "aa": "å", "AA": "Å",
    "i": "i", "j": "j", "dj": "đ", "DJ": "Đ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "ng": "ŋ", "NG": "Ŋ",
}  # fmt: skip
_TEX_ACCENT: Final = re.compile(
    r"""\{?\\(?:
        (?P<sign>["'`^~=.])\s*(?:\{\\?(?P<braced>[A-Za-z])\s*\}|\\?(?P<bare>[A-Za-z]))
      | (?P<letter>[uvHckrdb])(?:\{\\?(?P<braced2>[A-Za-z])\s*\}|[ \t]+(?P<bare2>[A-Za-z])(?![A-Za-z]))
    )\}?""",
    re.VERBOSE,
)
_TEX_LETTER: Final = re.compile(
    rf"\{{\\({'|'.join(_TEX_LETTERS)})\s*\}}|\\({'|'.join(_TEX_LETTERS)})(?:\{{\}}|(?![A-Za-z])[ \t]?)"
)
_TEX_HYPHENATION: Final = re.compile(r'\\-|(?<=[^\W\d_])"[-~=](?=[^\W\d_])')
"""Where TeX may divide a word: `\\-`, and the shorthands of its German style."""


def unescape(text: str, *, mime_type: str) -> str:
    """The text with the escapes of its format replaced; the same text for a format without any."""
    replace = _UNESCAPE.get(mime_type)
    return replace(text) if replace else text


def _unescape_json(text: str) -> str:
    return _join_surrogates(_STRING_ESCAPE.sub(_json_character, text)) if "\\" in text else text


def _unescape_code(text: str) -> str:
    r"""Only letters by number are replaced: what `\n` means depends on the language and on the kind of the string."""
    return _join_surrogates(_STRING_ESCAPE.sub(_letter_by_number, text)) if "\\u" in text.lower() else text


def _json_character(match: re.Match[str]) -> str:
    return _JSON_SIGNS.get(match[5], match[0]) if match[5] else _letter_by_number(match)


def _letter_by_number(match: re.Match[str]) -> str:
    """The letter of an escape with a number; anything else as it is, also what would divide a line."""
    digits = match[1] or match[2] or match[3]
    if digits is None or (code := int(digits, 16)) > 0x10FFFF:  # noqa: PLR2004
        return match[0]
    return chr(code) if code >= 0x20 else " "  # noqa: PLR2004


def _join_surrogates(text: str) -> str:
    """The text with each pair of surrogates as its character; a lone surrogate becomes U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _unescape_xml(text: str) -> str:
    return _REFERENCE.sub(_referenced, text) if "&" in text else text


def _referenced(match: re.Match[str]) -> str:
    character = html.unescape(match[0])
    return " " if character.isspace() and character != "\u00a0" else character


def _unescape_tex(text: str) -> str:
    if "\\" not in text and '"' not in text:
        return text
    text = _TEX_ACCENT.sub(_accented, text)
    text = _TEX_LETTER.sub(lambda match: _TEX_LETTERS[match[1] or match[2]], text)
    return _TEX_HYPHENATION.sub("", text)


def _accented(match: re.Match[str]) -> str:
    letter = match["braced"] or match["bare"] or match["braced2"] or match["bare2"]
    accent = _TEX_ACCENTS[match["sign"] or match["letter"]]
    text = unicodedata.normalize("NFC", letter + accent)
    # The braces of a group that holds more than the letter stay.
    opens, closes = match[0].startswith("{"), match[0].endswith("}") and not _ends_argument(match)
    if opens == closes:
        return text
    return "{" + text if opens else text + "}"


def _ends_argument(match: re.Match[str]) -> bool:
    """Whether the last brace of a match is the one of the accent's own argument."""
    inner = match["braced"] or match["braced2"]
    return inner is not None and not match[0].endswith("}}")


_UNESCAPE: Final[dict[str, Callable[[str], str]]] = {
    "application/json": _unescape_json,
    "application/yaml": _unescape_code,
    "application/toml": _unescape_code,
    "text/x-ini": _unescape_code,
    "application/xml": _unescape_xml,
    "text/x-tex": _unescape_tex,
    "text/x-bibtex": _unescape_tex,
    **dict.fromkeys(
        ("text/javascript", "text/x-typescript", "text/x-java", "text/x-kotlin", "text/x-csharp", "text/x-python",
         "text/x-vue", "text/x-swift", "text/x-go", "text/x-rust", "text/x-c", "text/x-c++"),
        _unescape_code,
    ),
}  # fmt: skip
