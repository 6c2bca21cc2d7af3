"""Names of entries in the mount, for directories that show files of many directories side by side.

Pure; used by `search/`, `links/` and `.magic/failed/`. A name is at most 255 bytes, holds no `/` and no control
character, is unique in its directory and keeps the file's extension. Bytes that are not UTF-8 stay as they are.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator

MAX_NAME_BYTES = 255
"""The kernel's limit."""
_MAX_EXTENSION_BYTES = 32
"""Anything longer after the last dot is part of the stem."""
_MIN_RANK_DIGITS = 2
"""A name keeps its form while a short list of results grows to ten."""
_RESULT_NAME = re.compile(rb"\d{2,}_[01]\.\d\d_.", re.DOTALL)
SHARED_BYTES = 200
"""Names that begin with the same bytes, so many or more, count as names of one file."""
_UNNAMED = "unnamed"
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f/]")
_EXTENSION = re.compile(r"(?<=[^.])((?:\.tar)?\.[^.\s]+)$")
_UTF8_CONTINUATION_MASK = 0b1100_0000
_UTF8_CONTINUATION = 0b1000_0000
"""The masked value of every byte of a character but its first."""
_MAX_UTF8_BYTES = 4
"""Bytes of the longest character."""


def result_names(results: Iterable[tuple[float, bytes]]) -> list[bytes]:
    """The names of search results, in their order: `01_0.87_report.pdf`.

    Takes scores in [0, 1] and file names, best first. A name begins with the rank, padded to the width of the last one,
    so that programs that sort by name show the best result first, and no two names are equal.
    """
    listed = list(results)
    width = max(_MIN_RANK_DIGITS, len(str(len(listed))))
    return [
        _prefixed(f"{rank:0{width}}_{_clamp_score(score):.2f}_", _printable(name))
        for rank, (score, name) in enumerate(listed, 1)
    ]


def is_result_name(name: bytes) -> bool:
    """Whether a name has the form of those that `result_names` returns."""
    return _RESULT_NAME.match(name) is not None


def beginnings(name: bytes) -> Iterator[bytes]:
    """The shorter names from which a program may have made this one, for a temporary file or a backup.

    It appends something; where that would be too long, it first cuts the name to `SHARED_BYTES` or more.
    """
    return (name[:length] for length in range(1, min(len(name), SHARED_BYTES + 1)))


def numbered(name: bytes) -> Iterator[bytes]:
    """A name, and then the same with the numbers from 2: `report.pdf`, `report (2).pdf`, and so on."""
    yield name
    stem, extension = _split_extension(_printable(name))
    for number in itertools.count(2):
        yield _join("", stem, f" ({number}){extension}")


def numbered_names(names: Iterable[bytes]) -> list[bytes]:
    """The names of files, in their order; of those with one name, the later ones get a number: `report (2).pdf`."""
    last_numbers: dict[bytes, int] = {}
    """Each name in use, with the last number that was tried for it."""
    unique = []
    for name in names:
        stem, extension = _split_extension(_printable(name))
        unnumbered = candidate = _join("", stem, extension)
        number = last_numbers.get(unnumbered, 1)
        while candidate in last_numbers:
            number += 1
            candidate = _join("", stem, f" ({number}){extension}")
        last_numbers[candidate] = 1
        if candidate != unnumbered:
            last_numbers[unnumbered] = number
        unique.append(candidate)
    return unique


def _clamp_score(score: float) -> float:
    return 0.0 if math.isnan(score) else min(max(score, 0.0), 1.0)


def _printable(name: bytes) -> str:
    return _FORBIDDEN.sub("_", name.decode("utf-8", "surrogateescape"))


def _split_extension(name: str) -> tuple[str, str]:
    """Stem and extension; the extension with its dot, or empty."""
    if not name.strip("."):
        return _UNNAMED, ""
    extension = _EXTENSION.search(name)
    if extension is None or len(_encode(extension[1])) > _MAX_EXTENSION_BYTES:
        return name, ""
    return name[: extension.start()], extension[1]


def _prefixed(prefix: str, name: str) -> bytes:
    """The name with something before it, its stem cut if it is too long."""
    whole = _encode(prefix + name)
    has_letters = bool(name.strip("."))
    return whole if has_letters and len(whole) <= MAX_NAME_BYTES else _join(prefix, *_split_extension(name))


def _join(prefix: str, stem: str, ending: str) -> bytes:
    """The name, with the stem cut so that it fits."""
    before, after = prefix.encode(), _encode(ending)
    return before + _truncate(_encode(stem), MAX_NAME_BYTES - len(before) - len(after)) + after


def _truncate(text: bytes, length: int) -> bytes:
    """The first `length` bytes of a text, or a few less: no character is split."""
    if len(text) <= length:
        return text
    for end in range(length, length - _MAX_UTF8_BYTES, -1):
        if text[end] & _UTF8_CONTINUATION_MASK != _UTF8_CONTINUATION:
            return text[:end]
    return text[:length]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
