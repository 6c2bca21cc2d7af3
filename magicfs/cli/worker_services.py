"""The services of a worker, built from the settings in the worker's own process.

Used by the composition root `wiring`, which makes the queue, because it alone knows the tasks. Each method imports what
it builds, so that a worker loads what its kind of work needs. One thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicfs.cli.environment import SERVICE_IDLE_SECONDS
from magicfs.cli.index_model import active_spec, find_tokenizer, resolve_model
from magicfs.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicfs.domain.models import ModelSpec
    from magicfs.embedding.embedder import Embedder
    from magicfs.jobs import JobQueue
    from magicfs.pipeline.embed import EmbedService
    from magicfs.pipeline.extract import ExtractService
    from magicfs.pipeline.maintenance import MaintenanceService
    from magicfs.text.chunking import TokenChunker
    from magicfs.text.extract.ocr.ocr_changes import OcrChanges

WORKER_CONNECTIONS = 2
"""Connections to the database that one worker process has at most."""


class WorkerServices:
    """Builds the services of one worker process; a `tasks.services.ServiceFactory`.

    The process creates it after the fork, because connections must not cross one.
    """

    def __init__(
        self, settings: Settings, queue: JobQueue, *, owner: str, model: str | None, is_stopping: Callable[[], bool]
    ) -> None:
        """`owner` is the worker's name in the cluster, stable over its restarts. It may be one of a `model`.

        Once `is_stopping` returns True, its work does not wait for the database.
        """
        from magicfs.db.pool import Database

        self._settings = settings
        self._queue = queue
        self._owner = owner
        self._model = model
        self._ocr_changes: OcrChanges | None = None
        self._extracting: ExtractService | None = None
        # With `lazy_commit`, a crash of Postgres may lose the last commits. Then their work is done again.
        self._database = Database(
            settings.database_dsn,
            application=owner,
            size=WORKER_CONNECTIONS,
            lazy_commit=True,
            idle_seconds=SERVICE_IDLE_SECONDS,
        )
        self._database.give_up_once(is_stopping)

    def extract_service(self) -> ExtractService:
        """A service that extracts the files of this host. Raises `DatabaseError` or `ModelError`."""
        from magicfs.ingest.allowed_files import AllowedFiles
        from magicfs.ingest.host_lease import boot_id
        from magicfs.pipeline.extract import ExtractService, WorkerIdentity
        from magicfs.pipeline.file_processor import FileProcessor
        from magicfs.text.extract.extractor import FileExtractor
        from magicfs.text.extract.ocr.ocr_changes import OcrChanges
        from magicfs.text.extract.options import Limits

        self._ocr_changes = OcrChanges()
        settings, ocr = self._settings, self._ocr_changes.ocr
        processor = FileProcessor(
            self._database,
            FileExtractor(limits=Limits.of(settings), ocr=ocr),
            self._chunker_for(active_spec(self._database)),
            max_file_bytes=settings.max_file_mb << 20,
            ocr=ocr.engine if ocr is not None else None,
            allows=AllowedFiles(settings.home).allows,
        )
        worker = WorkerIdentity(settings.host, boot_id(), self._owner)
        self._extracting = ExtractService(
            self._database,
            self._queue,
            processor,
            worker=worker,
            max_embedded_chunks=settings.max_embedded_chunks,
            paused=lambda: background_paused(settings),
        )
        return self._extracting

    def has_other_ocr(self) -> bool:
        """Whether another OCR is installed than the one that the last extract service reads with, or it is gone."""
        return self._ocr_changes is not None and self._ocr_changes.check()

    def ocr_is_due(self) -> bool:
        """Whether files may wait for the OCR that is installed now, and it is time to try it."""
        return self._extracting is not None and self._extracting.ocr_is_due

    def notify_extract(self) -> None:
        """Notify the extract workers of this host that there is work."""
        self._queue.notify_extract(self._settings.host)

    def embed_service(self) -> EmbedService:
        """A service that embeds the chunks of the cluster."""
        from magicfs.embedding.device import Device
        from magicfs.embedding.embedder import FastembedEmbedder
        from magicfs.embedding.lean_import import import_fastembed
        from magicfs.pipeline.embed import EmbedService
        from magicfs.pipeline.model_memory import ModelMemory
        from magicfs.pipeline.rechunk import ChunkCutter

        def load(spec: ModelSpec) -> Embedder:
            import_fastembed()
            folder = resolve_model(self._settings, spec).folder
            return FastembedEmbedder.load(folder, device=Device(self._settings.device))

        return EmbedService(
            self._database,
            self._queue,
            ModelMemory(self._database, find=lambda spec: resolve_model(self._settings, spec), load=load),
            cut=ChunkCutter(self._chunker_for).pieces,
            owner=self._owner,
            model=self._model,
            paused=lambda: background_paused(self._settings),
        )

    def _chunker_for(self, spec: ModelSpec | None) -> TokenChunker:
        """A chunker for a model of the index, or for that of the settings. Raises `ModelError`."""
        from magicfs.text.chunking import TokenChunker, max_text_tokens

        if spec is None:
            spec = resolve_model(self._settings, None).spec
        max_tokens = min(self._settings.chunk_tokens, max_text_tokens(spec))
        return TokenChunker(find_tokenizer(self._settings, spec), max_tokens=max_tokens)

    def maintenance_service(self) -> MaintenanceService:
        """A service that maintains the index."""
        from magicfs.embedding.readability import TextReader
        from magicfs.pipeline.maintenance import MaintenanceService
        from magicfs.pipeline.unread_vectors import UnreadVectors
        from magicfs.text.chunking import load_tokenizer

        def load(spec: ModelSpec) -> TextReader:
            return TextReader(load_tokenizer(find_tokenizer(self._settings, spec)))

        unread = UnreadVectors(self._database, load=load)
        return MaintenanceService(self._database, self._queue, host=self._settings.host, unread=unread)


def background_paused(settings: Settings) -> bool:
    """Whether what nobody waits for is paused now. Agents and workers ask again and again."""
    return settings.gentle and _on_battery()


def _on_battery() -> bool:
    """Whether this machine runs on its battery. A machine without a battery does not."""
    import psutil

    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False
