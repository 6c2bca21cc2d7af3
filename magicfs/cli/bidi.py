"""Right-to-left text in a terminal: isolated, so that it does not reorder what stands around it in a line.

Used by `terminal` for output that people read; JSON and what goes into a pipe have none of it. The marks are those of
the Unicode bidirectional algorithm, which terminals that show Arabic and Hebrew follow, and take no cell. Any thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_START: Final = "\u2068"
"""First strong isolate: the text has the direction of its first letter."""
_END: Final = "\u2069"

_LETTER: Final = (
    "[\u0590-\u085f\u0860-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Letters that are written from right to left."""
_RIGHT_TO_LEFT: Final = re.compile(_LETTER)
_RUN: Final = re.compile(rf"{_START}[^{_END}\n]*{_END}|{_LETTER}(?:(?:(?!  )[^\w\n]|[\d_])*{_LETTER})*")
"""What is isolated already, or right-to-left letters with the signs and digits between them, but for two spaces."""

_MARKS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that change the direction of what follows, and so could reach beyond the text that has them."""
_MARKS_BUT_OURS: Final = re.compile("[\u202a-\u202e\u2066\u2067]")
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_INDENTATION: Final = re.compile("(?: |\x1b\\[[0-9;]*m)*")
"""Blanks, and the styles of a terminal among them."""
_CONTROLS_IN_LINES: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def isolate(text: str) -> str:
    """A name, a path or a sentence for a line of a terminal: isolated where it has right-to-left letters.

    Marks of direction that it has itself are left out, and control characters become `?`, as `ls` shows them: a name
    may have any.
    """
    plain = _CONTROLS.sub("?", _MARKS.sub("", text))
    return f"{_START}{plain}{_END}" if _RIGHT_TO_LEFT.search(plain) else plain


def isolate_runs(line: str) -> str:
    """A line with each right-to-left part isolated, unless it is already. Parts of the line may come from files."""
    line = _CONTROLS_IN_LINES.sub("?", _MARKS_BUT_OURS.sub("", line))
    return _RUN.sub(lambda run: run[0] if run[0].startswith(_START) else f"{_START}{run[0]}{_END}", line)


def isolate_pieces(lines: Iterable[str]) -> Iterator[str]:
    """The lines into which a line was broken. Of what was isolated in it, each has its part isolated.

    A terminal orders each line alone, and ends with it what is not ended.
    """
    is_open = False
    for line in lines:
        piece = line
        if is_open:
            indentation = _INDENTATION.match(line)
            start = indentation.end() if indentation else 0
            piece = line[:start] + _START + line[start:]
        is_open = piece.rfind(_START) > piece.rfind(_END)
        yield piece + _END if is_open else piece


def pasted(path: Path) -> Path:
    """A path that may be copied from a terminal: without marks of direction, unless a file has them in its name."""
    return path if os.path.lexists(path) else type(path)(without_marks(str(path)))


def without_marks(text: str) -> str:
    """A text without the marks of direction that it may bring from a terminal."""
    return _MARKS.sub("", text)
