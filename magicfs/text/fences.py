"""Fenced code in Markdown: lines between two fences of backticks or tildes say nothing of headings.

Used by `units` and `outline`, which read the lines of a text in order. An object belongs to one text; any thread.
"""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r"\s{0,3}(`{3,}|~{3,})(.*)")


class FencedCode:
    """Follows the lines of a text into fenced code and out of it."""

    def __init__(self) -> None:
        self._fence = ""
        """That which has begun the code; empty outside."""

    @property
    def is_open(self) -> bool:
        """Whether the lines after those that were read are code."""
        return bool(self._fence)

    def read(self, line: str) -> bool:
        """Read the next line. Returns whether it is a fence.

        Code ends at a fence of the same signs, as many or more, without a word after it: it may show shorter ones.
        """
        match = _FENCE.match(line)
        if match is None:
            return False
        fence, words = match.groups()
        if not self._fence:
            if "`" in words and fence[0] == "`":
                return False
            self._fence = fence
            return True
        if not fence.startswith(self._fence) or words.strip():
            return False
        self._fence = ""
        return True
