"""Paths relative to a root, as bytes with slashes between their parts; the empty one is the root itself."""

from __future__ import annotations

from collections.abc import Set as AbstractSet


def is_within(path: bytes, directories: AbstractSet[bytes]) -> bool:
    """Whether a path is one of some directories or lies below one of them. Takes no longer for many of them."""
    while path:
        if path in directories:
            return True
        path = path.rpartition(b"/")[0]
    return b"" in directories
