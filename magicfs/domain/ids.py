"""Identifiers. Each is a type of its own, so that mypy finds a file's id where a chunk's is expected."""

from __future__ import annotations

from typing import NewType

HostId = NewType("HostId", int)
RootId = NewType("RootId", int)
FileId = NewType("FileId", int)
ContentId = NewType("ContentId", int)
ChunkId = NewType("ChunkId", int)
ModelId = NewType("ModelId", int)

Digest = NewType("Digest", bytes)
"""XXH3-128 of a file's bytes, or of a chunk's context and text: 16 bytes."""

Lease = NewType("Lease", int)
"""The number of one claim. Work is finished only under the current number: a later claim invalidates an earlier one."""
