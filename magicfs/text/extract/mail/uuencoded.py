"""Takes files out of the texts of old messages, which have them as lines of uuencode and not as parts.

Runs in the child process, used by `mail`. Pure functions.
"""

from __future__ import annotations

import binascii
import re
from typing import Final, NamedTuple

_FILE: Final = re.compile(
    rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n((?:[!-`][ -`]{0,88}+\r?\n)*+)(?: ?\r?\n)?end[ \t]*\r?$", re.MULTILINE
)
"""A file between two lines; a line of it has at most 45 bytes, and a first sign that says how many."""
_MAX_FILES: Final = 100


class PackedFile(NamedTuple):
    """A file that was in a text."""

    name: bytes
    content: bytes


def without_files(text: bytes) -> tuple[bytes, list[PackedFile]]:
    """A text without the files in it, and these files. A line that is damaged is left out."""
    if b"\nend" not in text:
        return text, []
    files: list[PackedFile] = []

    def take(match: re.Match[bytes]) -> bytes:
        files.append(PackedFile(match[1].strip(), b"".join(map(_decoded, match[2].splitlines()))))
        return b""

    return _FILE.sub(take, text, count=_MAX_FILES), files


def _decoded(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some programs pad lines to a full group and more.
        length = ((line[0] - 32 & 63) * 4 + 5) // 3
        try:
            return binascii.a2b_uu(line[:length])
        except binascii.Error:
            return b""
