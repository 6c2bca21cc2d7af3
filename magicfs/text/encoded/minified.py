"""Finds minified code, and what a person reads of it: comments, such as the licence, and sentences in strings.

Used by `strip` for scripts and style sheets alone: a long line of prose, of JSON or of a table is text. Pure; any
thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from magicfs.text.encoded.base64_runs import Span

TYPES = frozenset({"text/javascript", "text/css", "text/x-typescript"})

_MIN_LINE = 1000
"""Characters; lines that people write are shorter."""
_MAX_BLANKS = 0.08
"""Share of blanks in a minified line; text and written code have 0.12 and more."""

_LITERAL = re.compile(r"""/\*(?:.*?\*/|.*)|"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\\n]|\\.)*+`?""")
"""A comment or a string; one without its end goes to the end of the line, so that a line is read once."""
_SENTENCE = re.compile(r"(?:[^\W\d_][\w'\u2019-]*[,.:;!?)]{0,2} ){2,}[^\W\d_]{2,}")
_CODE = re.compile(r"[{};=]|\w\(")


def minified_lines(text: str) -> Iterator[Span]:
    """The spans of minified code. They leave out comments, and strings that have a sentence."""
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if len(line) >= _MIN_LINE and line.count(" ") < _MAX_BLANKS * len(line):
            yield from _code(text, start, end)
        start = end + 1


def _code(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _LITERAL.finditer(text, start, end):
        is_comment = match[0].startswith("/*") and match[0].endswith("*/")
        if is_comment or _is_sentence(match[0]):
            if match.start() > start:
                yield start, match.start()
            start = match.end()
    if end > start:
        yield start, end


def _is_sentence(string: str) -> bool:
    """Whether a string is prose. A quote inside of code may turn code into strings, which is none."""
    return _SENTENCE.search(string) is not None and _CODE.search(string) is None
