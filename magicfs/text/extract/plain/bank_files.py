"""Reads what banks let people download: statements in MT940, and entries in QIF and OFX.

Used by `decoding`. Purposes and names that a statement cuts into pieces are whole, on the line on which they begin, and
days stand beside their digits as people write them. Line numbers stay. Pure functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

from magicfs.text.extract.plain.escapes import unescape

STATEMENT_TYPE: Final = "text/x-mt940"
ENTRIES_TYPE: Final = "text/x-qif"
EXCHANGE_TYPE: Final = "application/x-ofx"

_INFORMATION: Final = re.compile(r"^:86:[^\n]*(?:\n(?!:[0-9]{2}[A-Z]?:|-\s*$|-\})[^\n]*){0,20}", re.MULTILINE)
"""The information of a bank about an entry, over several lines."""
_MAX_LINE: Final = 65
_SUBFIELD: Final = re.compile(r"\?([0-9]{2})")
_MAX_SUBFIELD: Final = 27
"""The characters of a line and of a piece. What is shorter ends with a word."""
_LABEL: Final = re.compile(r"(?<![A-Za-z])([A-Z]{4}|BIC)\+(?=\S)")
"""What a purpose has before its parts, such as `SVWZ+`."""
_ENTRY: Final = re.compile(
    r"^(:61:([0-9]{2})([01][0-9])([0-3][0-9])(?:[0-9]{4})?R?[CD][A-Z]?([0-9]{1,15},[0-9]{0,3})[^\n]*)", re.MULTILINE
)
_BALANCE: Final = re.compile(
    r"^(:6[0-9][FM]?:[CD]([0-9]{2})([01][0-9])([0-3][0-9])([A-Z]{3})([0-9]{1,15},[0-9]{0,3})[^\n]*)", re.MULTILINE
)

_QIF_FIELD: Final = re.compile(r"^([DTUPMLNAESC$])(?=\S)", re.MULTILINE)
_QIF_YEAR: Final = re.compile(r"^(D *[0-9]{1,2}/ ?[0-9]{1,2})'([0-9]{2})$", re.MULTILINE)
"""A day of this century, as Quicken writes it."""

_OFX_BREAK: Final = re.compile(r"<br ?/?>", re.IGNORECASE)
"""What some banks write inside of a text."""
_OFX_DAY: Final = re.compile(
    r"(<DT[A-Z]{2,20}>([12][0-9]{3})([01][0-9])([0-3][0-9])(?:[0-9]{6}(?:\.[0-9]{3})?(?:\[[^\]\n]{1,20}\])?)?)(?![0-9])"
)


def read_statement(text: str) -> str:
    """A statement in MT940, with the day and the amount of each entry, and what it was for in one piece."""
    text = _INFORMATION.sub(_in_one_line, text)
    text = _ENTRY.sub(r"\1 (20\2-\3-\4 \5)", text)
    return _BALANCE.sub(r"\1 (20\2-\3-\4 \6 \5)", text)


def read_entries(text: str) -> str:
    """Entries in QIF, whose values stand apart from the letter of their field."""
    return _QIF_FIELD.sub(r"\1 ", _QIF_YEAR.sub(r"\1/20\2", text))


def read_exchange(text: str) -> str:
    """Entries in OFX, with their days as people write them."""
    text = _OFX_BREAK.sub(" ", text)
    return _OFX_DAY.sub(r"\1 (\2-\3-\4)", unescape(text, mime_type="application/xml"))


def _in_one_line(match: re.Match[str]) -> str:
    lines = match[0].split("\n")
    code, *subfields = _SUBFIELD.split(_joined(lines, _MAX_LINE))
    pieces: dict[str, list[str]] = {}
    for number, piece in zip(subfields[::2], subfields[1::2], strict=True):
        # Purposes stand under ten numbers, and names under two.
        kind = "purpose" if number[0] in "26" else "name" if number in {"32", "33"} else number
        pieces.setdefault(kind, []).append(piece)
    text = ", ".join([code, *(_joined(several, _MAX_SUBFIELD) for several in pieces.values())])
    return _LABEL.sub(r"\1+ ", text) + "\n" * (len(lines) - 1)


def _joined(pieces: list[str], length: int) -> str:
    """The pieces of a text that was cut after so many characters, in one piece; blanks at the cuts may be lost."""
    return "".join(piece if len(piece) >= length else f"{piece} " for piece in pieces).strip()
