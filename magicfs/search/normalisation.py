"""Normalises a typed text: the signs that keyboards and programs write for those of the search language become these.

Used by `syntax`, which parses what comes out. Pure functions.
"""

from __future__ import annotations

import re
import unicodedata

from magicfs.search.typed_filters import with_plain_ranges

MAX_QUERY_CHARACTERS = 4096
"""The rest of a longer text is ignored; no model reads that far."""
WRITTEN_MINUS = "\u2212"
"""What a dash before a word becomes, which a program may have written for the minus that was typed."""

_ESCAPES = re.compile(r"%(2[Ff]|25)")
_EXCLUDED_GROUP = re.compile(rf'"[^"]*"|(?<!\S)([-{WRITTEN_MINUS}]|NOT\s+)\(([^()]{{1,500}})\)(?!\w)')
"""Several words that are left out: `-(java OR "tape drive")`. In a phrase, they are words of it."""
_OR = re.compile(r"\s+OR\s+|\s*\|\|?\s*")
_ALTERNATIVE = re.compile(r'"[^"]+"|[^\W\d_][^\s"]*')
_QUOTES = str.maketrans("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"' * 7)
_CORNERS = re.compile(r"(?<![^\s\-\uff0d])[\u300c\u300e]([^\u300c-\u300f]*)[\u300d\u300f](?!\w)")
"""Japanese quotes around a phrase. In a sentence they have no space before them, and are a part of it."""
_WIDE_SIGN = re.compile(r"(?<!\S)(?:[-\uff0d]?[A-Za-z\uff21-\uff3a\uff41-\uff5a]+[:\uff1a]|\uff0d)")
"""The beginning of an exclusion or of a filter, as the keyboards of Chinese and Japanese may write it."""
_DASH = re.compile(r"""(?<!\S)[\u2010-\u2013\u2212](?=["(]|[^\W\d_]{2})""")
"""A dash before a word or a phrase, which programs write for the minus that is typed."""
_CLOSING_DASH = re.compile(r"(?<=\w)[\u2010-\u2013\u2212](?!\w)")
"""The second of two dashes around a part of a sentence."""
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Marks of direction and the like, which a text that is copied brings along."""
_INNER_QUOTE = re.compile('(?<=[\u05d0-\u05ea])"(?=[\u05d0-\u05ea])')
"""A quote inside a Hebrew word is one of its letters."""
_GERSHAYIM = "\u05f4"
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_FIRST_SURROGATE = "\ud800"


def normalized_query(text: str) -> str:
    """The text with the signs of ASCII for syntax, and without characters that nobody sees or that Postgres rejects.

    Each word or phrase of a group that is left out has a minus of its own.
    """
    text = _ESCAPES.sub(lambda match: "%" if match[1] == "25" else "/", text[:MAX_QUERY_CHARACTERS])
    text = _UNPRINTABLE.sub(lambda match: "\ufffd" if match[0] >= _FIRST_SURROGATE else " ", text)
    if not text.isascii():
        text = _CORNERS.sub(r'"\1"', _INVISIBLE.sub("", text).translate(_QUOTES))
        text = _WIDE_SIGN.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
        text = text if _CLOSING_DASH.search(text) else _DASH.sub(WRITTEN_MINUS, text)
    return _EXCLUDED_GROUP.sub(_each_excluded, _INNER_QUOTE.sub(_GERSHAYIM, with_plain_ranges(text)))


def _each_excluded(group: re.Match[str]) -> str:
    """The exclusion of each word or phrase of a group; the group as it is if its words are to be left out together."""
    if group[1] is None:
        return group[0]
    entries = _OR.split(group[2].strip())
    return " ".join(group[1] + entry for entry in entries) if all(map(_ALTERNATIVE.fullmatch, entries)) else group[0]
