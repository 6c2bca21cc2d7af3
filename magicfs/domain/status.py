"""The state of the index and of its processes: what `magicfs status` prints and `.magic/status.json` has."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.models import ModelState, Precision
from magicfs.domain.results import Coverage


@dataclass(frozen=True, slots=True)
class FileCounts:
    """The number of files in each state."""

    total: int
    pending: int
    indexed: int
    skipped: int
    failed: int
    named: int = 0
    """Without text, and found by their names."""

    @property
    def found(self) -> int:
        """The number of files that searches find by all that they have."""
        return self.indexed + self.named


@dataclass(frozen=True, slots=True)
class ChunkCounts:
    """The number of chunks, and of those that are found by meaning or never will be."""

    total: int
    embedded: int
    failed: int

    @property
    def pending(self) -> int:
        """The number of chunks that wait for a vector."""
        return self.total - self.embedded - self.failed


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model whose vectors are made, and its chunks."""

    name: str
    precision: Precision
    role: ModelState
    total: int
    pending: int
    """The number of chunks that wait to be found by meaning, under this model."""
    second_vectors: int
    """The number of chunks that another model reads too, and that wait for a second vector. Nobody waits for these."""
    failed: int
    unread: int
    """The number of chunks in languages that the model does not read: they get no vector of it."""

    @property
    def embedded(self) -> int:
        """The number of chunks that have its vector."""
        return self.total - self.pending - self.second_vectors - self.failed - self.unread


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """The progress of indexing, for some files."""

    files: FileCounts
    chunks: ChunkCounts


@dataclass(frozen=True, slots=True)
class WordsProgress:
    """How far maintenance is that gives chunks the words of this version, by the ids of chunks."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        """The share of chunks that have them, rounded down."""
        return 100 * self.done // max(1, self.total)


@dataclass(frozen=True, slots=True)
class RootStatus:
    """One root in `magicfs status`."""

    name: str
    path: bytes
    host: str
    files: FileCounts
    state: str
    detail: str | None
    scanned_at: float | None
    """When the last completed scan began, in seconds since the epoch; None until the first one ends."""
    watched: bool | None = None
    """Whether changes are seen as they happen, or scans alone find some of them; None while it is not known."""


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A machine that owns roots or has had an agent."""

    name: str
    machine: str | None
    """The machine whose agent has leased the host, even if the lease has run out; None after it was given back."""
    heartbeat: float | None
    """When its agent last said that it lives, in seconds since the epoch; None if none ever did."""
    has_agent: bool
    """Whether an agent works the host: it has leased the host, and the lease lasts."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker that has answered its agent recently."""

    name: str
    host: str
    kind: str
    pid: int


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """Whether the broker takes messages."""

    ok: bool
    detail: str | None
    """What is wrong and what to do, in one line; None if `ok`."""
    queues: dict[str, int]
    """The number of messages in each queue, as far as it is known."""


@dataclass(frozen=True, slots=True)
class MountStatus:
    """A mount that has reported recently."""

    host: str
    path: bytes
    pid: int


@dataclass(frozen=True, slots=True)
class VectorIndexBuild:
    """The progress of a build of the vector index."""

    phase: str
    """Postgres's name of it, such as `building index: loading tuples`."""
    done: int
    """Vectors in the index so far."""
    total: int
    """About the number of vectors that it will have."""


def coverage_of(files: FileCounts, chunks: ChunkCounts, *, pending_pages: int) -> Coverage:
    """The part of the corpus that searches cover, by the counts of all files and chunks."""
    return Coverage(
        files=files.total,
        indexed=files.found,
        chunks=chunks.total,
        embedded=chunks.embedded,
        pending_files=files.pending,
        pending_chunks=chunks.pending,
        pending_pages=pending_pages,
    )


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """The state of the whole index, from the database."""

    model: str | None
    """Name and precision of the active model; None before the first `magicfs up`."""
    building: str | None
    """Name and precision of the model that is to replace it."""
    building_chunks: ChunkCounts | None
    """Chunks under the building model."""
    files: FileCounts
    chunks: ChunkCounts
    """Chunks that are found by meaning, under the active model or under the multilingual one."""
    roots: tuple[RootStatus, ...]
    workers: tuple[WorkerStatus, ...]
    mounts: tuple[MountStatus, ...]
    vector_index_build: VectorIndexBuild | None
    """The build of the vector index of a model that searches use, while one runs."""
    words: WordsProgress | None = None
    """While chunks get the words of this version."""
    models: tuple[ModelStatus, ...] = ()
    """The active model, then the one that is being built, then the multilingual one."""
    hosts: tuple[HostStatus, ...] = ()
    """By name."""
    free_bytes: int | None = None
    """What the disk of the database has left, while that is too little and nothing is indexed."""
    pending_pages: int = 0
    """Pages of scanned files that are read later, when no file waits."""

    @property
    def coverage(self) -> Coverage:
        """The part of the corpus that searches cover now."""
        return coverage_of(self.files, self.chunks, pending_pages=self.pending_pages)

    @property
    def silent_hosts(self) -> tuple[str, ...]:
        """The hosts with roots that no agent works, by name: nobody sees what changes there."""
        with_agent = {host.name for host in self.hosts if host.has_agent}
        return tuple(sorted({root.host for root in self.roots} - with_agent))


@dataclass(frozen=True, slots=True)
class IndexMeasures:
    """What operators watch of the index beside its `IndexStatus`."""

    reasons: dict[str, int]
    """The number of failed and skipped files by their skip reasons."""
    failed_chunks: dict[tuple[str, str], int]
    """The number of failed chunks by the name of the model that has no vector of them, and the reason."""
    database_bytes: int
    schema: int
    """The version of the schema."""
    complete_until: float | None
    """Everything that was saved before is in the results of searches, in seconds since the epoch; None while that is
    not known."""


@dataclass(frozen=True, slots=True)
class PartStatus:
    """The state of one process that the supervisor runs."""

    name: str
    state: str
    """supervisord's name in lower case: `running`, `starting`, `backoff`, `stopped`, `exited`..."""
    pid: int | None
    uptime_s: float
    restarts: int
    """Restarts after a crash since the last start on request."""
    detail: str
    """The error, if there is one."""
