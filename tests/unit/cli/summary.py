"""The object of `magicfs status --json`, of an index that rests."""

from __future__ import annotations

from typing import Any


def summary(**fields: Any) -> dict[str, Any]:
    """A summary with some fields of its own."""
    return {
        "model": "one (int8)",
        "building": None,
        "building_chunks": None,
        "models": [],
        "files": {"total": 9, "pending": 0, "indexed": 9, "named": 0, "skipped": 0, "failed": 0},
        "chunks": {"total": 100, "embedded": 100, "failed": 0},
        **dict.fromkeys(("workers", "mounts", "roots", "parts"), ()),
        "vector_index_build": None,
        "words": None,
        "queues": {},
        "broker": {"ok": True, "detail": None},
        **fields,
    }
