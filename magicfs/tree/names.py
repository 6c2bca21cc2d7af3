"""Names of entries in the mount: what files are called where results of many directories stand side by side.

Pure; used by the virtual tree. A name is at most 255 bytes, holds no `/` and no control character, is unique in
its directory and keeps the file's extension. Bytes that are not UTF-8 stay as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

LONGEST_NAME = 255
"""Bytes: the limit of the kernel."""
_LONGEST_EXTENSION = 32
"""Bytes. What follows the dot in a longer one is not a kind of file."""
_NAMELESS = "unnamed"
_BAD = re.compile("[\x00-\x1f\x7f-\x9f/]")
_EXTENSION = re.compile(r"(?<=[^.])((?:\.tar)?\.[^.\s]+)$")
_CONTINUES = 0b1100_0000, 0b1000_0000
"""Mask and value of the bytes that continue a character in UTF-8."""
_LONGEST_CHARACTER = 4
"""Bytes."""


def result_names(results: Iterable[tuple[float, bytes]]) -> list[bytes]:
    """Names of search results, in their order: `0.87_report.pdf`.

    Takes scores in [0, 1] and file names. Of files with the same name and score, the later ones are numbered:
    `0.87_report (2).pdf`.
    """
    return _distinct((f"{_readable_score(score):.2f}_", name) for score, name in results)


def plain_names(names: Iterable[bytes]) -> list[bytes]:
    """Names of files that come from several directories, numbered where they are the same."""
    return _distinct(("", name) for name in names)


def _readable_score(score: float) -> float:
    return 0.0 if math.isnan(score) else min(max(score, 0.0), 1.0)


def _distinct(wanted: Iterable[tuple[str, bytes]]) -> list[bytes]:
    given: dict[bytes, int] = {}
    """Each name that is given, and the last number that was tried for it."""
    names = []
    for prefix, name in wanted:
        stem, extension = _parts(_BAD.sub("_", name.decode("utf-8", "surrogateescape")))
        plain = candidate = _join(prefix, stem, "", extension)
        number = given.get(plain, 1)
        while candidate in given:
            number += 1
            candidate = _join(prefix, stem, f" ({number})", extension)
        given[candidate] = 1
        if candidate != plain:
            given[plain] = number
        names.append(candidate)
    return names


def _parts(name: str) -> tuple[str, str]:
    """Stem and extension; the extension with its dot, or empty."""
    if not name.strip("."):
        return _NAMELESS, ""
    found = _EXTENSION.search(name)
    if found is None or len(_bytes(found[1])) > _LONGEST_EXTENSION:
        return name, ""
    return name[: found.start()], found[1]


def _join(prefix: str, stem: str, number: str, extension: str) -> bytes:
    before, after = prefix.encode(), _bytes(number + extension)
    return before + _cut(_bytes(stem), LONGEST_NAME - len(before) - len(after)) + after


def _cut(text: bytes, length: int) -> bytes:
    """The first bytes of a text, but no part of a character."""
    if len(text) <= length:
        return text
    mask, value = _CONTINUES
    for end in range(length, length - _LONGEST_CHARACTER, -1):
        if text[end] & mask != value:
            return text[:end]
    return text[:length]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
