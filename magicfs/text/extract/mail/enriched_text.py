"""Makes plain text of enriched text (RFC 1896), in which old programs wrote mail with bold and coloured words.

Runs in the child process, called by `mail`. Pure functions.
"""

from __future__ import annotations

import re
from typing import Final

ENRICHED_TYPES: Final = frozenset({"text/enriched", "text/richtext"})

_PARAMETER: Final = re.compile(r"<param>[^<]{0,1000}</param>", re.IGNORECASE)
_COMMAND: Final = re.compile(r"<<|</?([A-Za-z][A-Za-z0-9-]{0,59})>")
_LINE_ENDS: Final = re.compile(r"\n+")
_OF_RICH_TEXT: Final = {"nl": "\n", "np": "\n\n", "paragraph": "\n\n", "lt": "<"}
"""What commands of the older form (RFC 1341) stand for."""


def without_commands(text: str, kind: str) -> str:
    """The text as a person sees it: a line end is a blank, unless there are several, or one is a command."""
    text = _PARAMETER.sub("", text)
    is_enriched = kind == "text/enriched"
    text = _LINE_ENDS.sub(lambda ends: "\n" * (len(ends[0]) - 1) if is_enriched and len(ends[0]) > 1 else " ", text)

    def meant(command: re.Match[str]) -> str:
        if command[0] == "<<":
            return "<"
        is_end = command[0].startswith("</")
        return "" if is_enriched or is_end else _OF_RICH_TEXT.get(command[1].lower(), "")

    return _COMMAND.sub(meant, text)
