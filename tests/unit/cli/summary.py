"""What `magicfs status` shows, of an index without work."""

from __future__ import annotations

from typing import Any

from magicfs.cli.status_summary import Summary
from magicfs.domain.status import BrokerStatus, ChunkCounts, FileCounts, IndexStatus


def summary(broker: BrokerStatus | None = None, **fields: Any) -> Summary:
    """A summary, with some fields of the index of its own."""
    nothing: dict[str, Any] = {"building": None, "building_chunks": None, "vector_index_build": None}
    nothing |= {"workers": (), "mounts": (), "roots": ()}
    index = {
        "model": "one (int8)",
        "files": FileCounts(total=9, pending=0, indexed=9, skipped=0, failed=0),
        "chunks": ChunkCounts(total=100, embedded=100, failed=0),
    }
    broker = broker or BrokerStatus(ok=True, detail=None, queues={})
    return Summary(IndexStatus(**{**nothing, **index, **fields}), broker, parts=())
