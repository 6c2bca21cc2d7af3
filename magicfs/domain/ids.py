"""Identifiers, each a type of its own, so that a file's id is never passed where a chunk's is meant."""

from __future__ import annotations

from typing import NewType

HostId = NewType("HostId", int)
RootId = NewType("RootId", int)
FileId = NewType("FileId", int)
ContentId = NewType("ContentId", int)
ChunkId = NewType("ChunkId", int)
ModelId = NewType("ModelId", int)

Digest = NewType("Digest", bytes)
"""XXH3-128 of a file's bytes or of a chunk's text: 16 bytes."""

Lease = NewType("Lease", int)
"""The number of one claim. Finishing work is guarded by it: a later claim invalidates an earlier one."""
