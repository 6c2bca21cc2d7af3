"""The state of the whole: what `magicfs status` prints and `.magic/status.json` holds."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.results import Coverage


@dataclass(frozen=True, slots=True)
class FileCounts:
    """Files by state."""

    total: int
    pending: int
    indexed: int
    skipped: int
    failed: int


@dataclass(frozen=True, slots=True)
class ChunkCounts:
    """Chunks, and how many of them have a vector of a model."""

    total: int
    embedded: int
    failed: int


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far some files are on their way into the index."""

    files: FileCounts
    chunks: ChunkCounts


@dataclass(frozen=True, slots=True)
class RootStatus:
    """One root, as `status` lists it."""

    name: str
    path: bytes
    host: str
    files: int
    state: str
    detail: str | None
    scanned_at: float | None
    """Seconds since the epoch; None while the first scan runs."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker that answered its agent a moment ago."""

    name: str
    host: str
    kind: str
    pid: int


@dataclass(frozen=True, slots=True)
class MountStatus:
    """A mount that said a moment ago that it is up."""

    host: str
    path: bytes
    pid: int


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """Everything that the database knows about the state of the whole."""

    model: str | None
    """Name and precision of the active model; None before the first one."""
    building: str | None
    """The model that is being built to replace it."""
    building_chunks: ChunkCounts | None
    """How far that one is."""
    files: FileCounts
    chunks: ChunkCounts
    """How far the active model is."""
    roots: tuple[RootStatus, ...]
    workers: tuple[WorkerStatus, ...]
    mounts: tuple[MountStatus, ...]

    @property
    def coverage(self) -> Coverage:
        """How much of the corpus a search can see now."""
        return Coverage(
            files=self.files.total,
            indexed=self.files.indexed,
            chunks=self.chunks.total,
            embedded=self.chunks.embedded,
        )


@dataclass(frozen=True, slots=True)
class PartStatus:
    """How a part does."""

    name: str
    state: str
    """In lower case, as supervisord calls it: `running`, `starting`, `backoff`, `stopped`, `exited`..."""
    pid: int | None
    uptime_s: float
    restarts: int
    """Since it was started on purpose."""
    detail: str
    """What is wrong, if anything."""


@dataclass(frozen=True, slots=True)
class EmbedderStatus:
    """What a query embedder says of itself."""

    pid: int
    model: str | None
    """Label of the model that is loaded."""
    served: int
    """Queries embedded since it started."""
