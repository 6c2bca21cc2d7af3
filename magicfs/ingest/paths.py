"""Paths below a root, as bytes relative to it: which lies inside which."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet


def directories_above(path: bytes) -> Iterator[bytes]:
    """The directories that a path lies in, the nearest first; the last one is the root, the empty path.

    The root lies in none.
    """
    end = len(path)
    while (end := path.rfind(b"/", 0, end)) >= 0:
        yield path[:end]
    if path:
        yield b""


def outermost(directories: set[bytes]) -> list[bytes]:
    """The directories that lie inside no other one of the set."""
    return sorted(directory for directory in directories if directories.isdisjoint(directories_above(directory)))


def is_within(path: bytes, directories: AbstractSet[bytes]) -> bool:
    """Whether a path is one of some directories or lies in one of them. Takes no longer for many of them."""
    return path in directories or not directories.isdisjoint(directories_above(path))
