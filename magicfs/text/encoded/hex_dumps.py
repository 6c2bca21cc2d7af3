r"""Finds bytes that are written as numbers: dumps of `xxd`, `hexdump` and `od`, keys in pairs, arrays in source code.

Used by `strip`. Tables of decimal numbers, single addresses and fingerprints are no dumps: a dump has several lines,
and letters among its digits. Pure; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from magicfs.text.encoded.base64_runs import Span

_MIN_LINES = 2
_MIN_HEX_LETTERS = 0.05
"""Share of letters among the digits of a dump. Files with many zero bytes have few."""
_MIN_DUMP_BYTES = 24

_DUMP_LINE = re.compile(
    r"""(?m)^[ \t>|]*+(?:(?:0x)?[0-9a-fA-F]{4,16}+[:h|]?[ \t]++)?
    (?P<bytes>(?:[0-9a-fA-F]{2}[ \t:|-]{1,3}){7,}+|(?:[0-9a-fA-F]{4}[ \t]{1,3}){3,}+|(?:[0-9a-fA-F]{8}[ \t]{1,3}){3,}+)
    .*$""",
    re.VERBOSE,
)
_LAST_LINE = re.compile(r"(?m)[ \t>|]*+(?:(?:0x)?[0-9a-fA-F]{4,16}+[:h|]?)?(?:[ \t:|-]++[0-9a-fA-F]{2,8}\b)*+.*$")
_ADDRESS = re.compile(r"[ \t>|]*(?:0x)?[0-9a-fA-F]{2,16}\b")
"""The beginning of a last line; some programs end a dump with the address after it."""
_NO_DIGIT = re.compile(r"[^0-9a-fA-F]+")
_LETTER = re.compile(r"[a-fA-F]")
_SKIPPED_LINES = re.compile(r"\n\*(?=\n)")
"""A line of `*` stands for lines that are equal."""
_HEX_RECORDS = re.compile(r"(?m)^:[0-9A-F]{10,521}$(?:\n:[0-9A-F]{10,521}$)++")
"""Records of Intel, as programs for microcontrollers have them."""

_ARRAY = re.compile(r"(?:0[xX][0-9a-fA-F]{1,8}[uUlL]{0,3}[\s,]++){32,}+")
_ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2}){24,}+")
_ESCAPED_LINES = re.compile(
    r"""(?<!\\x[0-9a-fA-F]{2})(?:(?:\\x[0-9a-fA-F]{2}){8,}+(?:["'][\s\\+.]{1,40}+[bB]?["'])?){3,}+"""
)
"""Escapes in strings of which each is a line. Looked for where escapes begin, once for each row of them."""


def dumps(text: str) -> Iterator[Span]:
    """The spans of dumps: whole lines, with the letters beside the digits, which are no words."""
    start = end = -1
    lines: list[str] = []
    for match in _DUMP_LINE.finditer(text):
        if match.start() != end:
            yield from _dump(text, start, end, lines)
            start, lines = match.start(), []
        lines.append(match["bytes"])
        skipped = _SKIPPED_LINES.match(text, match.end())
        end = (skipped.end() if skipped else match.end()) + 1
    yield from _dump(text, start, end, lines)
    for match in _HEX_RECORDS.finditer(text):
        yield match.span()


def _dump(text: str, start: int, end: int, lines: list[str]) -> Iterator[Span]:
    """The span of consecutive lines, if they are a dump; with the line that has the last few bytes."""
    digits = _NO_DIGIT.sub("", "".join(lines))
    if len(lines) < _MIN_LINES or len(digits) < 2 * _MIN_DUMP_BYTES:
        return
    if len(_LETTER.findall(digits)) < _MIN_HEX_LETTERS * len(digits):
        return
    last = _LAST_LINE.match(text, min(end, len(text)))
    if last and _ADDRESS.match(last[0]):
        end = last.end() + 1
    yield start, end - 1


def arrays(text: str) -> Iterator[Span]:
    """The spans of bytes as source code has them: `0x89, 0x50, ...` and escapes in strings."""
    for pattern in (_ARRAY, _ESCAPED, _ESCAPED_LINES):
        for match in pattern.finditer(text):
            yield match.span()
