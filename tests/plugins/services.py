"""The services that tests call themselves: their queue notifies nobody, and no other machine claims their host."""

from __future__ import annotations

from collections.abc import Callable

from magicfs.db.pool import Connection, Database
from magicfs.domain.chunks import Chunk, ClaimedChunk
from magicfs.domain.models import ModelSpec
from magicfs.embedding.embedder import Embedder
from magicfs.embedding.readability import TextReader
from magicfs.errors import ModelMissing
from magicfs.ingest.scanner import Scanner
from magicfs.jobs import JobQueue
from magicfs.pipeline.embed import EmbedService
from magicfs.pipeline.maintenance import MaintenanceService
from magicfs.pipeline.model_memory import ModelMemory
from magicfs.pipeline.unread_vectors import UnreadVectors
from tests.fakes.queue import SilentQueue


def make_scanner(
    database: Database,
    *,
    hold: Callable[[Connection], None] = lambda _: None,
    stopping: Callable[[], bool] = lambda: False,
    queue: JobQueue | None = None,
) -> Scanner:
    return Scanner(database, queue or SilentQueue(), hold=hold, stopping=stopping, on_change=lambda: None)


def make_embed_service(
    database: Database,
    *,
    load: Callable[[ModelSpec], Embedder],
    owner: str = "embed-1@here",
    find: Callable[[ModelSpec], object] = lambda _: None,
    cut: Callable[[Embedder, ClaimedChunk], list[Chunk]] = lambda _embedder, _claim: [],
    model: str | None = None,
    paused: Callable[[], bool] = lambda: False,
) -> EmbedService:
    return EmbedService(
        database,
        SilentQueue(),
        ModelMemory(database, find=find, load=load),
        cut=cut,
        owner=owner,
        model=model,
        paused=paused,
    )


def make_maintenance(
    database: Database, *, queue: JobQueue | None = None, unread: UnreadVectors | None = None
) -> MaintenanceService:
    """Without `unread`, the machine lacks the model by which vectors of an older version are checked."""
    unread = unread or UnreadVectors(database, load=_lacking)
    return MaintenanceService(database, queue or SilentQueue(), host="here", unread=unread)


def _lacking(spec: ModelSpec) -> TextReader:
    raise ModelMissing(f"run 'magicfs model pull {spec.name}'")
