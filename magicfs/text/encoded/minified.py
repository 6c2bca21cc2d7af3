"""Finds minified code, and what a person reads of it: comments, such as the licence, and sentences in strings.

Used by `strip` for scripts and style sheets alone: a long line of prose, of JSON or of a table is text. Pure; any
thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from magicfs.text.encoded.base64_runs import Span

TYPES = frozenset({"text/javascript", "text/css", "text/x-typescript"})

_MIN_LINE = 500
"""Characters; lines that people write are shorter, and minifiers that break lines do so at 500 or later."""
_MAX_BLANKS = 0.08
"""Share of blanks in a minified line; text and written code have 0.12 and more."""

_LITERAL = re.compile(r"""/\*(?:.*?\*/|.*)|"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\\n]|\\.)*+`?""")
"""A comment or a string; one without its end goes to the end of the line, so that a line is read once."""
_SENTENCE = re.compile(r"(?<!\w)(?:[^\W\d_][\w'\u2019-]{0,40}+[,.:;!?)]{0,2} ){2}[^\W\d_]{2,}")
_CODE = re.compile(r"[{};=]|\w\(")
_CODE_IN_COMMENT = re.compile(r"\)\{|=>|&&|\|\||\w;\w|\.\w+\(\w*,")
"""A quote inside of code may make a comment of code that has none."""


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
        if _is_comment(match[0]) or _is_sentence(match[0]):
            if match.start() > start:
                yield start, match.start()
            start = match.end()
    if end > start:
        yield start, end


def _is_comment(literal: str) -> bool:
    """Whether a literal is a comment of prose."""
    return literal.startswith("/*") and literal.endswith("*/") and _CODE_IN_COMMENT.search(literal) is None


def _is_sentence(string: str) -> bool:
    """Whether a string is prose. A quote inside of code may turn code into strings, which is none."""
    return _SENTENCE.search(string) is not None and _CODE.search(string) is None
