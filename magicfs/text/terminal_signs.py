"""Text as a terminal shows it: without colours, movements of the cursor, links, and characters that are printed over.

Used by the analysis of words, and by what shows a text to a person: snippets, passages, `magicfs doctor`. The stored
text of a chunk stays as the file has it. Pure functions; any thread. Ordinary text costs some microseconds.
"""

from __future__ import annotations

import re
from typing import Final

_SEQUENCE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,1000}(?:\x07|\x1b\\)?|[ -/]*[0-Z\\-_a-z])|\x9b[0-?]*[ -/]*[@-~]"
)
"""A colour, a movement of the cursor, a window's title or a hyperlink of ECMA-48, with seven or with eight bits."""

_LINK: Final = re.compile(r"\x1b\]8;[^;\x07\x1b\n]{0,200};([^\x07\x1b\n]{1,1000})")
"""A hyperlink with its address."""

_SPELT_SEQUENCE: Final = re.compile(
    r"(?:\^\[|#033|\\(?:e|E|033|x1[bB]|u001[bB]))\[[0-9;]{0,20}[mK]|\[[0-9]{1,3}(?:;[0-9]{1,3})*m(?!\])"
)
"""A colour as some programs write it down: with another escape character, or with none."""

_OVERSTRUCK: Final = re.compile(r"[^\n]\x08")
"""A character that the next one is printed over: bold or underlined in formatted manual pages."""


def without_terminal_signs(text: str) -> str:
    """The text that a terminal shows, without colours."""
    if "\x1b" in text or "\x9b" in text:
        text = _SEQUENCE.sub("", text)
    if "[0m" in text or "[m" in text:
        text = _SPELT_SEQUENCE.sub("", text)
    return _OVERSTRUCK.sub("", text) if "\b" in text else text


def terminal_links(text: str) -> list[str]:
    """The addresses of the links that a terminal would show, each once."""
    return list(dict.fromkeys(_LINK.findall(text))) if "\x1b" in text else []
