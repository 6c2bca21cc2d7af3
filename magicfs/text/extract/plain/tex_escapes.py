r"""Replaces what TeX and troff write instead of letters: `\"u`, `{\ss}`, `\(:u`.

Used by `escapes` on decoded text. A line stays a line. Pure functions; any thread.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Final

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
        (?P<sign>["'`^~=.])[^\S\n]*(?:\{\\?(?P<braced>[A-Za-z])[^\S\n]*\}
        |\\(?P<dotless>[ij])(?![A-Za-z])(?:\{\}|[ \t])?|\\?(?P<bare>[A-Za-z]))
      | (?P<letter>[uvHckrdb])(?:\{\\?(?P<braced2>[A-Za-z])[^\S\n]*\}
        |[ \t]+(?P<bare2>[A-Za-z])(?:(?![A-Za-z])|(?<=[A-Za-z]\\[uvHckr][ ].)))
    )\}?""",
    re.VERBOSE,
)
_TEX_LETTER: Final = re.compile(
    rf"\{{\\({'|'.join(_TEX_LETTERS)})[^\S\n]*\}}|\\({'|'.join(_TEX_LETTERS)})(?:\{{\}}|(?![A-Za-z])[ \t]?)"
)
_TEX_HYPHENATION: Final = re.compile(r'\\-|(?<=[^\W\d_])"[-~=](?=[^\W\d_])')
"""Where TeX may divide a word: `\\-`, and the shorthands of its German style."""

_TEX_CORRECTION: Final = re.compile(r"(?<!\\)\\/")
"""A little room behind slanted letters, also inside of a word."""
_TEX_SIGN: Final = re.compile(r"(?<!\\)\\(?:([%&#$])|,)")
"""A sign that is escaped since it has a meaning in TeX, or a narrow blank."""
_TEX_NOTHING: Final = re.compile(r"(?<![\\\w])([^\W\d_]+)\{\}(?=[^\W\d_])")
"""What keeps two letters of a word from being joined: `shelf{}ful`. Behind a command it ends that."""
_STYLE: Final = r"\\(?:text(?:bf|it|tt|sc|sf|rm|up|md|sl)|emph|underline)\{([^{}\\\n]{1,200})\}"
_TEX_STYLE: Final = re.compile(rf"(?<=[^\W\d_]){_STYLE}|{_STYLE}(?=[^\W\d_])")
"""A style of a part of a word."""

_TEX_PREAMBLE: Final = 20_000
_TEX_IS_GERMAN: Final = re.compile(r"\\usepackage(?:\[[^\]\n]{0,200}german[^\]\n]{0,200}\]\{babel|\{n?german)")
_TEX_GERMAN: Final = re.compile(r'"([aouAOUsz])')
"""The shorthands of the German style of Babel."""

_BIB_KEPT_CASE: Final = re.compile(r"(\\?[^\W\d_]{1,40})\{([^\W\d_]{1,20})\}")
_BIB_KEPT_START: Final = re.compile(r"(?<![\\\w])\{([^\W\d_]{1,40})\}(?=[^\W\d_])")

_TROFF_ACCENTS: Final = {":": "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", ",": "\u0327"}
_TROFF_LETTERS: Final = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "/o": "ø", "/O": "Ø", "/l": "ł", "/L": "Ł", "oa": "å",
    "oA": "Å", "-D": "Ð", "Sd": "ð", "Tp": "þ", "TP": "Þ", "em": "\u2014", "en": "\u2013", "aq": "'", "cq": "'",
    "oq": "'", "lq": '"', "rq": '"', "dq": '"', "hy": "-", "bu": "\u2022", "rs": "\\",
}  # fmt: skip
_TROFF: Final = re.compile(r"\\(?:\((?P<two>..)|\[(?P<long>[^\]\n]{1,20})\]|f(?:\[[^\]\n]{0,20}\]|\(..|.)|[%&:/,|^]|-)")
_TROFF_NUMBER: Final = re.compile(r"u([0-9A-F]{4,6})")


def unescape_tex(text: str) -> str:
    """The text of a TeX document with its letters."""
    if "\\" not in text and '"' not in text:
        return text
    text = _TEX_CORRECTION.sub("", text)
    text = _TEX_SIGN.sub(lambda match: match[1] or " ", _TEX_ACCENT.sub(_accented, text))
    text = _TEX_STYLE.sub(lambda match: match[1] or match[2], text)
    text = _TEX_LETTER.sub(lambda match: _TEX_LETTERS[match[1] or match[2]], text)
    if _TEX_IS_GERMAN.search(text, 0, _TEX_PREAMBLE):
        text = _TEX_GERMAN.sub(lambda match: _accented_letter(match[1]), text)
    return _TEX_NOTHING.sub(r"\1", _TEX_HYPHENATION.sub("", text))


def unescape_bibtex(text: str) -> str:
    """The text of a bibliography: letters without the braces that keep their case, and what TeX writes."""
    text = _BIB_KEPT_CASE.sub(lambda match: match[0] if match[1].startswith("\\") else match[1] + match[2], text)
    return unescape_tex(_BIB_KEPT_START.sub(r"\1", unescape_tex(text)))


def unescape_troff(text: str) -> str:
    """The text of a manual page, without its fonts."""
    return _TROFF.sub(_troff_sign, text) if "\\" in text else text


def _troff_sign(match: re.Match[str]) -> str:
    name = match["two"] or match["long"]
    if name is None:
        return "-" if match[0] == "\\-" else ""
    if name.startswith("u") and (digits := _TROFF_NUMBER.fullmatch(name)):
        code = int(digits[1], 16)
        sign = chr(code) if code <= sys.maxunicode else ""
        return sign if sign >= " " and not "\ud800" <= sign < "\ue000" else match[0]
    if name in _TROFF_LETTERS:
        return _TROFF_LETTERS[name]
    if len(name) == len("'e") and name[0] in _TROFF_ACCENTS and name[1].isalpha():
        return unicodedata.normalize("NFC", name[1] + _TROFF_ACCENTS[name[0]])
    return match[0]


def _accented_letter(letter: str) -> str:
    return "ß" if letter in "sz" else unicodedata.normalize("NFC", letter + "\u0308")


def _accented(match: re.Match[str]) -> str:
    letter = match["braced"] or match["dotless"] or match["bare"] or match["braced2"] or match["bare2"]
    accent = _TEX_ACCENTS[match["sign"] or match["letter"]]
    text = unicodedata.normalize("NFC", letter + accent)
    # The braces of a group that holds more than the letter stay.
    opens, closes = match[0].startswith("{"), match[0].endswith("}") and not _ends_argument(match)
    if opens == closes:
        return text
    return "{" + text if opens else text + "}"


def _ends_argument(match: re.Match[str]) -> bool:
    """Whether the last brace of a match is the one of the accent's own argument."""
    if match["dotless"]:
        return match[0].endswith("{}")
    inner = match["braced"] or match["braced2"]
    return inner is not None and not match[0].endswith("}}")
