"""The state of the index and of its processes as metrics of Prometheus.

Used by `magicfs metrics`, which observes the state and prints, writes or serves it (`metrics_server`). It reads nothing
itself. Names follow Prometheus's conventions: base units, times of events instead of ages, `_total` for counters alone.
What is not known has no sample: without a database there is none but `magicfs_database_up 0` and those of this machine.
Any thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from magicfs.domain.status import (
    BrokerStatus,
    ChunkCounts,
    FileCounts,
    IndexMeasures,
    IndexStatus,
    ModelStatus,
    PartStatus,
)


@dataclass(frozen=True, slots=True)
class Observation:
    """The state of the index and of this machine at one moment."""

    version: str
    """The version of this program."""
    index: tuple[IndexStatus, IndexMeasures] | None
    """None if the database does not answer."""
    broker: BrokerStatus
    parts: Sequence[PartStatus]
    """The processes that the supervisor of this machine runs; none without one."""
    trouble: str | None = None
    """Why the database does not answer, in one line."""


def registry_of(observation: Observation) -> CollectorRegistry:
    """A registry that holds the metrics of one observation."""

    class _Collector:
        def collect(self) -> Iterator[Metric]:
            return families(observation)

    registry = CollectorRegistry()
    registry.register(_Collector())
    return registry


def text(observation: Observation) -> str:
    """The metrics in the text exposition format."""
    return generate_latest(registry_of(observation)).decode()


def write_file(observation: Observation, path: str) -> None:
    """Write the metrics to a file, which is replaced as a whole. Raises `OSError`."""
    write_to_textfile(path, registry_of(observation))


def families(observation: Observation) -> Iterator[Metric]:
    """The metric families of an observation."""
    build = {"version": observation.version}
    if observation.index is not None:
        build["schema"] = str(observation.index[1].schema)
    yield InfoMetricFamily("magicfs_build", "The version of MagicFS, and of the schema of the index.", build)
    has_index = observation.index is not None
    yield _gauge("database_up", "Whether Postgres answers with an index of this version.", has_index)
    yield _gauge("broker_up", "Whether Redis takes messages.", observation.broker.ok)
    queues = observation.broker.queues
    yield _gauges("queue_messages", "Messages that wait in a queue.", ["queue"], [((q,), n) for q, n in queues.items()])
    if observation.index is not None:
        status, measures = observation.index
        yield from _files(status)
        yield from _chunks(status)
        yield from _processes(status)
        yield from _measures(measures)
        yield from _builds(status)
    yield from _parts(observation.parts)


def _files(status: IndexStatus) -> Iterator[Metric]:
    files = [
        ((root.name, root.host, state), count) for root in status.roots for state, count in _file_states(root.files)
    ]
    yield _gauges("files", "Files of a root in a state.", ["root", "host", "state"], files)
    yield _gauge("pending_pages", "Scanned pages and pictures that are read when no file waits.", status.pending_pages)
    present = [((root.name, root.host), root.state == "present") for root in status.roots]
    yield _gauges("root_present", "Whether a root is there and may be scanned.", ["root", "host"], present)
    scans = [((root.name, root.host), root.scanned_at) for root in status.roots if root.scanned_at is not None]
    help_text = "When the last completed scan of a root began."
    yield _gauges("root_last_scan_timestamp_seconds", help_text, ["root", "host"], scans)


def _file_states(files: FileCounts) -> list[tuple[str, int]]:
    names = ("pending", "indexed", "named", "skipped", "failed")
    return [(name, getattr(files, name)) for name in names]


def _chunks(status: IndexStatus) -> Iterator[Metric]:
    found = [((state,), count) for state, count in _chunk_states(status.chunks)]
    yield _gauges("chunks", "Chunks that are found by meaning (embedded), will be or never will.", ["state"], found)
    labels = ["model", "precision", "role", "state"]
    counts = [
        ((model.name, model.precision.value, model.role.value, state), count)
        for model in status.models
        for state, count in _embedding_states(model)
    ]
    yield _gauges("model_chunks", "Chunks by the state of their vector of a model.", labels, counts)


def _chunk_states(chunks: ChunkCounts) -> list[tuple[str, int]]:
    return [("embedded", chunks.embedded), ("pending", chunks.pending), ("failed", chunks.failed)]


def _embedding_states(model: ModelStatus) -> list[tuple[str, int]]:
    names = ("embedded", "pending", "second_vectors", "failed", "unread")
    return [(name, getattr(model, name)) for name in names]


def _processes(status: IndexStatus) -> Iterator[Metric]:
    workers = Counter((worker.host, worker.kind) for worker in status.workers)
    # A host whose workers have all gone shows 0, so that an alert need not know which hosts there are.
    for host in {host.name for host in status.hosts if host.has_agent}:
        for kind in ("embed", "extract"):
            workers.setdefault((host, kind), 0)
    yield _gauges("workers", "Workers that have answered an agent recently.", ["host", "kind"], sorted(workers.items()))
    mounts = Counter((mount.host,) for mount in status.mounts)
    yield _gauges("mounts", "Mounts that have reported recently.", ["host"], sorted(mounts.items()))
    agents = [((host.name,), host.has_agent) for host in status.hosts]
    yield _gauges("agent_up", "Whether an agent works a host.", ["host"], agents)
    beats = [((host.name,), host.heartbeat) for host in status.hosts if host.heartbeat is not None]
    help_text = "When the agent of a host last reported, by the clock of Postgres."
    yield _gauges("agent_last_heartbeat_timestamp_seconds", help_text, ["host"], beats)


def _measures(measures: IndexMeasures) -> Iterator[Metric]:
    reasons = [((reason,), count) for reason, count in sorted(measures.reasons.items())]
    help_text = "Failed and skipped files by reason; those that have crashed are in quarantine."
    yield _gauges("files_not_indexed", help_text, ["reason"], reasons)
    failed = sorted(measures.failed_chunks.items())
    yield _gauges("failed_chunks", "Chunks that a model gives no vector, by reason.", ["model", "reason"], failed)
    yield _gauge("database_size_bytes", "The size of the database on its disk.", measures.database_bytes)
    if measures.complete_until is not None:
        help_text = "Everything that was saved before is in the results of searches."
        yield _gauge("complete_until_timestamp_seconds", help_text, measures.complete_until)


def _builds(status: IndexStatus) -> Iterator[Metric]:
    if (build := status.vector_index_build) is not None:
        done = build.done / max(1, build.total)
        yield _gauge("vector_index_build_ratio", "How much of the vector index is built, while it is.", done)
    if status.words is not None:
        done = status.words.done / max(1, status.words.total)
        yield _gauge("words_renewed_ratio", "How many chunks have the words of this version, until all have.", done)


def _parts(parts: Sequence[PartStatus]) -> Iterator[Metric]:
    # Its first second counts: an agent that has just started is `starting` for the supervisor, and works.
    running = [((part.name,), part.pid is not None) for part in parts]
    yield _gauges("part_up", "Whether a part that this machine's supervisor runs has a process.", ["part"], running)
    restarts = CounterMetricFamily("magicfs_part_restarts", "Restarts of a part after crashes.", labels=["part"])
    for part in parts:
        restarts.add_metric([part.name], part.restarts)
    yield restarts


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"magicfs_{name}", help_text, value=float(value))


def _gauges(name: str, help_text: str, labels: list[str], samples: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    """A family of gauges; its samples are values of the labels, and the value."""
    family = GaugeMetricFamily(f"magicfs_{name}", help_text, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family
