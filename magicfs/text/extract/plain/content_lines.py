"""Reads calendars, address books and family trees: unfolds their content lines and decodes their values.

RFC 5545 and 6350, vCard 2.1, RFC 2849, GEDCOM.

Used by `decoding`. A value stands on the line on which it begins, and the lines that it went on over follow empty, so
that line numbers are those that an editor shows. Pure functions; any thread.
"""

from __future__ import annotations

import base64
import html
import quopri
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from magicfs.text.extract.plain.plain_text import clean, decode

CONTENT_LINE_TYPES: Final = frozenset({"text/calendar", "text/vcard"})
LDIF_TYPE: Final = "text/x-ldif"
FAMILY_TYPE: Final = "text/x-gedcom"
MANIFEST_TYPE: Final = "text/x-java-manifest"

_FOLD: Final = re.compile(r"\n[ \t]")
_MANIFEST_FOLD: Final = re.compile(r"\n (?=\S)")
_FAMILY_FOLD: Final = re.compile(r"\n[ \t]*[0-9]{1,2} CON([CT]) ?")
"""Where a text of a family tree goes on, in the same word or in the next line."""
_QUOTED_PRINTABLE: Final = re.compile(
    r"^[^:\n]{0,300};(?:ENCODING=)?QUOTED-PRINTABLE[^:\n]{0,300}:", re.IGNORECASE | re.MULTILINE
)
_CHARSET: Final = re.compile(r"CHARSET=\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_ENCODED: Final = re.compile(
    r"^([^:\n]{0,300}?)(?:(?:;ENCODING=(?:b|base64)\b[^:\n]{0,300}|;BASE64[^:\n]{0,300}):[A-Za-z0-9+/= \t]*"
    r"|:(?:data:[^\n,]{0,200},)?[A-Za-z0-9+/=]{64,})$",
    re.IGNORECASE | re.MULTILINE,
)
"""A property whose value is encoded data: a picture, a key, an attachment."""

_TIME_ZONE: Final = re.compile(r"^BEGIN:VTIMEZONE\n(?:(?!BEGIN:VTIMEZONE$).*\n){1,500}?END:VTIMEZONE$", re.MULTILINE)
"""When summer begins and ends where the calendar is from, with days since 1601."""
_DESCRIPTION: Final = re.compile(r"^(X-ALT-DESC|DESCRIPTION)([^:\n]*:)(.*<.*)$", re.MULTILINE)
_MAX_DESCRIPTION: Final = 20_000
"""Characters in which the plain form of a description in HTML is searched for."""
_WORD: Final = re.compile(r"\w+")
_TAG: Final = re.compile(
    r"<!--\[if [^>]{0,100}>|<!\[endif\]-->|<!--(?:(?!<!--).){0,5000}?-->|<style\b(?:(?!<style).){0,50000}?</style>"
    r"|<(?:!doctype|/?[a-z][a-z0-9-]{0,20}(?::[a-z]{1,20})?)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)

_INLINE_TAG: Final = re.compile(
    r"</?(?:a|b|strong|i|em|u|s|font|span|sub|sup|mark|wbr)(?:\s[^<>]{0,2000})?/?>", re.IGNORECASE
)
"""What may stand inside a word."""

_LDIF_ENCODED: Final = re.compile(r"^([A-Za-z][A-Za-z0-9;.-]{0,80}):: *([A-Za-z0-9+/=]+)$", re.MULTILINE)

_DATE: Final = re.compile(
    r"^([A-Z-]{3,30}(?:;[^:\n]{0,200})?:([12][0-9]{3})([01][0-9])([0-3][0-9])(?:T([0-2][0-9])([0-5][0-9])[0-9]{2}Z?)?)$",
    re.MULTILINE,
)
"""A property whose value is a day or a moment, in digits."""
_ESCAPE: Final = re.compile(r"\\([nN,;:\\])")


def unfold(text: str) -> str:
    """The content lines of a calendar or an address book, each in one piece."""
    text = _join(text, _FOLD, "")
    text = _decode_quoted_printable(text)
    text = _TIME_ZONE.sub(_name_of_time_zone, text)
    text = _DATE.sub(_with_iso_date, _ENCODED.sub(r"\1", text))
    text = _ESCAPE.sub(lambda match: " " if match[1] in "nN" else match[1], text)
    return _DESCRIPTION.sub(_without_markup, text)


def _name_of_time_zone(match: re.Match[str]) -> str:
    lines = match[0].split("\n")
    return "\n".join(line if line.startswith(("TZID", lines[0], lines[-1])) else "" for line in lines)


def _without_markup(match: re.Match[str]) -> str:
    """A description as a person sees it; nothing of one in HTML beside a plain one that says the same."""
    name, parameters, value = match.groups()
    plain = " ".join(html.unescape(_TAG.sub(" ", _INLINE_TAG.sub("", value))).split())
    if name == "X-ALT-DESC" and _words(plain) <= _words(_plain_description(match.string, match.start())):
        return name
    return f"{name}{parameters}{plain}" if _TAG.search(value) else match[0]


def _plain_description(text: str, place: int) -> str:
    """The plain description before a place in the same part of a calendar; empty if there is none shortly before."""
    start = text.rfind("\nDESCRIPTION", max(place - _MAX_DESCRIPTION, 0), place)
    part = text[start:place] if start >= 0 else ""
    return "" if "\nBEGIN:" in part else part.partition("\n")[2].partition("\n")[0]


@lru_cache(maxsize=2)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _with_iso_date(match: re.Match[str]) -> str:
    """A day or a moment as the calendar has it, and as people write it."""
    line, year, month, day, hour, minute = match.groups()
    return f"{line} ({year}-{month}-{day}{f' {hour}:{minute}' if hour else ''})"


def unfold_ldif(text: str) -> str:
    """The lines of an address book of LDAP, each in one piece, with the texts that are written in base64."""
    return _LDIF_ENCODED.sub(_ldif_value, _join(text, _FOLD, ""))


def unfold_family(text: str) -> str:
    """The lines of a family tree, each text in one piece."""
    return _join(text, _FAMILY_FOLD, lambda fold: "" if fold[1] == "C" else " ")


def unfold_manifest(text: str) -> str:
    """The lines of what a program of Java says of itself, each in one piece."""
    return _join(text, _MANIFEST_FOLD, "")


def _ldif_value(match: re.Match[str]) -> str:
    try:
        value = base64.b64decode(match[2], validate=True).decode("utf-8")
    except ValueError:
        return f"{match[1]}:"
    return f"{match[1]}: {' '.join(clean(value).split())}"


def _join(text: str, border: re.Pattern[str], glue: str | Callable[[re.Match[str]], str]) -> str:
    """The text with its lines joined at each `border`; as many line ends follow the joined line."""
    lines: list[str] = []
    for line in _split_at_line_ends(text, border):
        lines.append(border.sub(glue, line))
        lines.extend([""] * line.count("\n"))
    return "\n".join(lines)


def _split_at_line_ends(text: str, border: re.Pattern[str]) -> list[str]:
    """The lines of a text, where a line goes on over each `border`."""
    lines: list[str] = []
    start = place = 0
    while (end := text.find("\n", place)) >= 0:
        place = end + 1
        if not border.match(text, end):
            lines.append(text[start:end])
            start = place
    lines.append(text[start:])
    return lines


def _decode_quoted_printable(text: str) -> str:
    parts: list[str] = []
    end = 0
    for head in _QUOTED_PRINTABLE.finditer(text):
        if head.start() < end:
            continue
        parts.append(text[end : head.end()])
        value_end = head.end()
        while (line_end := text.find("\n", value_end)) >= 0 and text[line_end - 1] == "=":
            value_end = line_end + 1
        value_end = line_end if line_end >= 0 else len(text)
        value = text[head.end() : value_end]
        charset = _CHARSET.search(head[0])
        parts.append(_decoded(value, charset[1] if charset else "utf-8") + "\n" * value.count("\n"))
        end = value_end
    parts.append(text[end:])
    return "".join(parts)


def _decoded(value: str, charset: str) -> str:
    data = quopri.decodestring(value.encode("utf-8"))
    try:
        text = clean(data.decode(charset))
    except (LookupError, UnicodeError):
        text = decode(data) or value
    return " ".join(text.split())
