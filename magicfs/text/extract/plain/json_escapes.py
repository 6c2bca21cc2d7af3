r"""Replaces what JSON writes instead of letters: `\u00fc`, letters that were encoded twice, and texts in pieces.

Used by `escapes` on decoded text. A line stays a line. Pure functions; any thread.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from itertools import islice
from typing import Final

STRING_ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}|[0-9A-Fa-f]{4})|(.))"
)
"""An escape in a quoted string. The last group takes the character after a backslash, so that `\\\\u` is none."""

_SIGNS: Final = {"n": " ", "t": " ", "r": " ", "b": " ", "f": " ", '"': '"', "/": "/", "\\": "\\"}
"""What the short escapes stand for; a space for a line end, since the line goes on."""

_STRING: Final = r'"(?:[^"\\\n]|\\.)*+"'
_A_STRING: Final = re.compile(_STRING + "?")
"""Also one without an end: else the search for it begins anew at each quote in it."""
_NESTED_LETTER: Final = re.compile(r"\\(\\u[0-9A-Fa-f]{4})")

_BYTES: Final = re.compile(r"(?<!\\)(?:\\u00[89a-fA-F][0-9a-fA-F])++")
"""Letters of which each byte is written as a letter, as in downloads of Facebook and Instagram; or just letters."""
_RUNS_COMPARED: Final = 10_000
"""So many of a text, the first ones, tell whether its letters are encoded twice."""
_IN_TEXTS: Final = frozenset({"Zs", "Cf"})
"""Blanks that are not broken, and what joins several pictures to one."""

_PIECE: Final = (
    rf'(?:{_STRING}|\{{\s*"type":\s*{_STRING},\s*"text":\s*{_STRING}'
    rf'(?:,\s*"[a-z_]{{1,40}}":\s*(?:{_STRING}|[0-9.]{{1,20}}|true|false|null))*+\s*\}})'
)
_PIECES: Final = rf"\[\s*(?:{_PIECE}(?:\s*,\s*{_PIECE})*+\s*)?\]"
_MESSAGE: Final = re.compile(rf'"text":\s*({_STRING}|{_PIECES})(?:(\s*,\s*"text_entities":\s*)({_PIECES}))?')
"""A message of Telegram: its text, in pieces where some have a style, and once more in pieces with their kinds."""
_KEYED: Final = re.compile(rf'"([a-z_]{{1,40}})":\s*({_STRING})|({_STRING})')


def unescape_json(text: str) -> str:
    """The text of JSON with its letters, and messages that are in pieces whole."""
    if '"text_entities"' in text:
        text = _MESSAGE.sub(_whole_message, text)
    if "\\" not in text:
        return text
    if "\\\\u" in text and '\\"' in text:
        text = _A_STRING.sub(_without_nesting, text)
    if "\\u00" in text:
        text = _with_letters_of_bytes(text)
    return join_surrogates(STRING_ESCAPE.sub(_character, text))


def letter_by_number(match: re.Match[str]) -> str:
    """The letter of an escape with a number; anything else as it is, also what would divide a line."""
    digits = match[1] or match[2] or match[3]
    if digits is None or (code := int(digits, 16)) > sys.maxunicode:
        return match[0]
    # What would divide a line comes before a blank.
    return max(chr(code), " ")


def join_surrogates(text: str) -> str:
    """The text with each pair of surrogates as its character; a lone surrogate becomes U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _whole_message(match: re.Match[str]) -> str:
    value, key, entities = match[1], match[2] or "", match[3] or ""
    whole, links = _joined(value)
    if value.startswith("["):
        value = f'"{" ".join([whole, *links])}"'
    if entities and _joined(entities)[0] == whole:
        entities = "[]"
    joined = f'"text": {value}{key}{entities}'
    return joined + "\n" * (match[0].count("\n") - joined.count("\n"))


def _joined(value: str) -> tuple[str, list[str]]:
    """The text of a message, still escaped, and the addresses that its links lead to."""
    if value.startswith('"'):
        return value[1:-1], []
    texts: list[str] = []
    links: list[str] = []
    for key, keyed, bare in _KEYED.findall(value):
        if bare or key == "text":
            texts.append((bare or keyed)[1:-1])
        elif key == "href":
            links.append(keyed[1:-1])
    return "".join(texts), links


def _without_nesting(match: re.Match[str]) -> str:
    """A string of JSON; one that has quotes in it, such as JSON in JSON, with its letters by number escaped once."""
    return _NESTED_LETTER.sub(r"\1", match[0]) if '\\"' in match[0] else match[0]


def _with_letters_of_bytes(text: str) -> str:
    """The text with letters for their bytes, unless most are letters themselves: of `»Spaß«`, the end is UTF-8 too."""
    first = [_letters_of_bytes(run) is not None for run in islice(_BYTES.finditer(text), _RUNS_COMPARED)]
    return _BYTES.sub(lambda run: _letters_of_bytes(run) or run[0], text) if 2 * sum(first) > len(first) else text


def _letters_of_bytes(run: re.Match[str]) -> str | None:
    try:
        letters = bytes.fromhex(run[0].replace("\\u00", "")).decode("utf-8")
    except UnicodeDecodeError:
        return None
    are_seen = all(letter.isprintable() or unicodedata.category(letter) in _IN_TEXTS for letter in letters)
    return letters if are_seen else None


def _character(match: re.Match[str]) -> str:
    if match[2] == "001b" or match[2] == "001B":
        return "\x1b"  # the beginning of a colour, which the analysis of words takes out whole
    return _SIGNS.get(match[4], match[0]) if match[4] else letter_by_number(match)
