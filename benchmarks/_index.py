"""The index of a benchmark of ranking: texts are extracted and embedded by the services of the pipeline.

It is in a Postgres of the benchmark's own. Several processes embed, each with a model of its own.
"""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _stack import SilentQueue

from magicfs.config import Settings
from magicfs.db.cluster.roots import list_roots
from magicfs.db.migrate import migrate
from magicfs.db.pool import Database
from magicfs.db.status import models_with_backlog
from magicfs.db.vectors.model_changes import activate_model, start_multilingual
from magicfs.domain.models import ModelSpec, StoredModel
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.errors import LanguageUnread, MagicFSError
from magicfs.ingest.roots import add_root
from magicfs.ingest.scanner import Scanner
from magicfs.models.store import ModelStore
from magicfs.pipeline.embed import EmbedService
from magicfs.pipeline.extract import ExtractService, WorkerIdentity
from magicfs.pipeline.file_processor import FileProcessor
from magicfs.pipeline.model_memory import ModelMemory
from magicfs.runtime import postgres
from magicfs.runtime.processes import wait_until
from magicfs.text.chunking import TokenChunker
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits

HOST = "benchmark"


@dataclass(frozen=True, slots=True)
class Embedders:
    """Embeds questions in this process: a `QuestionVectorSource`."""

    loaded: Sequence[FastembedEmbedder]

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion | MagicFSError]:
        """What each model gives for a question, or why it gives nothing."""
        del kept, deadline_s
        outcomes: list[EmbeddedQuestion | MagicFSError] = []
        for spec in specs:
            try:
                outcomes.append(next(one for one in self.loaded if one.spec.is_model(spec)).embed_question(text))
            except LanguageUnread as error:
                outcomes.append(error)
        return outcomes


@contextmanager
def own_database(home: Path) -> Iterator[str]:
    """The address of a migrated database on a server of this benchmark."""
    settings = Settings(home=home)
    settings.make_home()
    command = [sys.executable, "-m", "magicfs.runtime.postgres", str(home)]
    with (home / "postgres.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            wait_until(lambda: postgres.answers(settings.run_dir), seconds=60, failed="Postgres does not start")
            with Database(settings.database_dsn, application="benchmark") as database:
                migrate(database)
            yield settings.database_dsn
        finally:
            server.terminate()


def make_scanner(database: Database) -> Scanner:
    """A scanner of a host that no other machine claims, which nothing stops."""
    return Scanner(database, SilentQueue(), hold=lambda _: None, stopping=lambda: False, on_change=lambda: None)


def extract(database: Database, docs: Path, model: StoredModel, *, home: Path) -> None:
    """Scan and extract the folder, as the agent and an extract worker do."""
    root = add_root(database, host=HOST, path=docs, home=home)
    with database.transaction() as connection:
        registered = next(row for row in list_roots(connection) if row.root.id == root.id)
    make_scanner(database).scan(registered)
    settings = Settings(home=home)
    with FileExtractor(limits=Limits()) as extractor:
        processor = FileProcessor(
            database,
            extractor,
            TokenChunker(model.tokenizer_path, max_tokens=settings.chunk_tokens),
            max_file_bytes=settings.max_file_mb << 20,
            ocr=None,
            allows=lambda *_: True,
        )
        service = ExtractService(
            database,
            SilentQueue(),
            processor,
            worker=WorkerIdentity(HOST, boot="", owner="benchmark"),
            max_embedded_chunks=settings.max_embedded_chunks,
            paused=lambda: False,
        )
        while service.run_batch():
            pass


def embed(dsn: str, folders: Mapping[str, Path], number: int, *, second: bool) -> None:
    """Embed all pending chunks as workers do, with `second` the second vectors too. Runs in a process of its own."""

    def load(spec: ModelSpec) -> FastembedEmbedder:
        return FastembedEmbedder.load(folders[spec.name])

    with Database(dsn, application=f"benchmark {number}") as database:
        # A worker of all models waits before it changes its model for second vectors, and ends its turn meanwhile.
        for model in folders if second else [None]:
            service = _embed_service(database, load=load, owner=f"benchmark-{number}", model=model)
            while (second or waits_for_first_vectors(database)) and service.run_turn():
                pass


def embed_here(database: Database, loaded: Sequence[FastembedEmbedder]) -> None:
    """Embed all pending chunks in this process, as is quicker for a few."""

    def load(spec: ModelSpec) -> FastembedEmbedder:
        return next(one for one in loaded if one.spec.is_model(spec))

    for one in loaded:
        service = _embed_service(database, load=load, owner="benchmark", model=one.spec.name)
        while service.run_turn():
            pass


def _embed_service(
    database: Database, *, load: Callable[[ModelSpec], FastembedEmbedder], owner: str, model: str | None
) -> EmbedService:
    """A worker's service on a machine that has all models and runs on no battery, for chunks that no model cuts."""
    return EmbedService(
        database,
        SilentQueue(),
        ModelMemory(database, find=lambda _: None, load=load),
        cut=lambda _embedder, _claim: [],
        owner=owner,
        model=model,
        paused=lambda: False,
    )


def waits_for_first_vectors(database: Database) -> bool:
    """Whether a chunk waits for the vector by which it is to be found first."""
    with database.transaction() as connection:
        return bool(models_with_backlog(connection))


def embed_on_all_cores(dsn: str, folders: Mapping[str, Path], *, processes: int, second: bool) -> None:
    """Embed in several processes, each with a model of its own."""
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=embed, args=(dsn, folders, n), kwargs={"second": second}) for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            raise RuntimeError("an embedding process failed")


def texts_of(folders: Sequence[Path], mixture: Path) -> Path:
    """The directory to index: the texts of one folder, or those of several below a directory for each."""
    if len(folders) == 1:
        return (folders[0] / "docs").resolve()
    for folder in folders:
        shutil.copytree(folder / "docs", mixture / folder.name)
    return mixture


def prepare(store: ModelStore, names: Sequence[str], database: Database, *, precision: str) -> list[StoredModel]:
    """Prepare the models and give them to the index, the active one first."""
    stored = [store.pull(name, precision=precision) for name in names]
    with database.transaction() as connection:
        activate_model(connection, stored[0].spec)
        for second in stored[1:]:
            start_multilingual(connection, second.spec)
    return stored
