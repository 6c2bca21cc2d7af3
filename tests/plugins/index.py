"""A root on disk and the services around it, without Celery: the tests call what the agent and the tasks would call.

As in production, one scanner serves all scans of a test, so that a rescan compares the disk with the scanner's snapshot
of the index. A test that writes to the database itself calls `Index.restart_agent`, and a test that must hold either
way is marked with `with_and_without_restarts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from magicfs.db.cluster.roots import list_roots
from magicfs.db.pool import Connection, Database, fetch_one
from magicfs.db.status import COVERAGE_SQL, coverage_of_counts
from magicfs.db.vectors.model_changes import activate_model, complete_building
from magicfs.db.vectors.models import active_model
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document, Gap, PageText, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.domain.models import IndexedModel
from magicfs.domain.results import Coverage
from magicfs.domain.roots import RegisteredRoot, Root
from magicfs.ingest.difference import ScanResult
from magicfs.ingest.roots import add_root
from magicfs.ingest.scanner import Scanner
from magicfs.pipeline.embed import EmbedService
from magicfs.pipeline.extract import ExtractService, WorkerIdentity
from magicfs.pipeline.file_processor import FileProcessor
from magicfs.pipeline.new_contents import Chunker
from magicfs.text.analysis import ANALYSIS_VERSION
from magicfs.text.chunk_words import chunk_words
from magicfs.text.extract.options import OcrEngine
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.queue import SilentQueue
from tests.plugins.services import make_embed_service, make_scanner

HOST = "here"

FOUND_TEXT = "SELECT text FROM chunks JOIN content_chunks c ON c.chunk_id = chunks.id JOIN files USING (content_id)"
"""The texts that searches find."""

FILE_WITH_CONTENT = """
WITH host AS (INSERT INTO hosts (name) VALUES ('here') RETURNING id),
root AS (INSERT INTO roots (host_id, path, name, device) SELECT id, '/docs', 'docs', 1 FROM host RETURNING id)
INSERT INTO files (root_id, path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid, state, content_id)
SELECT id, 'a.txt', 'a.txt', 'txt', 1, 1, 1, 1, 33188, 0, 0, 'indexed', %s FROM root
"""
"""A file of a new root, with the content of an id."""

SHORT_LIMITS = {
    "magicfs.pipeline.extract.BATCH_SECONDS": 60.0,
    "magicfs.pipeline.embed.TURN_SECONDS": 60.0,
    "magicfs.pipeline.maintenance.LIMIT_SECONDS": 60.0,
    "magicfs.pipeline.maintenance.NAMES_SECONDS": 60.0,
    "magicfs.pipeline.maintenance.SETTLE_SECONDS": 60.0,
    "magicfs.pipeline.maintenance.WORDS_SECONDS": 60.0,
    "magicfs.pipeline.model_choice.STAY_SECONDS": 3600.0,
    "magicfs.pipeline.pauses.SLOW_FILE_SECONDS": 3600.0,
    "magicfs.pipeline.reading.EMPTIED_SECONDS": 3600.0,
    "magicfs.pipeline.unread_vectors.TURN_SECONDS": 60.0,
}
"""Limits of time that a busy machine reaches. Where a test is about one of them, it sets it itself."""

with_and_without_restarts = pytest.mark.parametrize(
    "index", ["agent that goes on", "agent that restarts"], indirect=True
)
"""Runs a test twice: with one scanner, and with a new one for every scan."""


@dataclass
class Reader:
    """Reads plain text and counts how often it is asked: the tests here are about files, not formats."""

    calls: list[bytes] = field(default_factory=list)
    freed: int = 0
    """How often nothing waited."""

    def kind(self, content: bytes, *, name: bytes) -> str:
        return name.rpartition(b".")[2].decode("ascii", "replace")

    def needs_no_parser(self, kind: str) -> bool:
        return kind not in {"slow", "late"}

    def recognises(self) -> bool:
        return True

    def lacks_ocr(self) -> bool:
        return False

    def free_memory(self) -> None:
        self.freed += 1

    def may_need_parser(self, name: bytes) -> bool:
        return name.endswith(b".slow")

    def reads_open(self, kind: str) -> bool:
        return False

    def extract_open(self, descriptor: int, *, kind: str) -> Document | Unreadable:
        raise AssertionError("every file is in memory")

    def go_on(self, source: bytes | int, *, kind: str, page_texts: Mapping[int, PageText]) -> Document | Unreadable:
        raise AssertionError("no file has pages that wait")

    def close(self) -> None:
        """There is no process to end."""

    def extract(self, content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        self.calls.append(name)
        if content.startswith(b"locked"):
            return Unreadable(SkipReason.ENCRYPTED)
        return Document(text=content.decode("utf-8", "replace"), mime_type="text/plain")


class Paragraphs:
    """Cuts at blank lines."""

    def chunks(self, document: Document) -> list[Chunk]:
        pieces = [piece for piece in document.text.split("\n\n") if piece.strip()]
        return [
            Chunk(
                text=piece,
                tokens=len(piece.split()),
                first_line=1,
                last_line=1,
                words=chunk_words(piece, language=document.language),
                analysis=ANALYSIS_VERSION,
            )
            for piece in pieces
        ]


@dataclass
class Index:
    """A root, its rows, and the services that bring them in line."""

    database: Database
    root: Root
    folder: Path
    reader: Any
    """A `Reader`, of which a test may replace methods, or what reads files of a format."""
    embedder: Any
    """A `FakeEmbedder`, or what embeds with a model."""
    restarts: bool = False
    """Whether the agent restarts before every scan."""
    max_embedded_chunks: int = 2000
    """The setting of extract workers that start from now on."""
    ocr: OcrEngine | None = None
    """The OCR that is installed for extract workers that start from now on."""
    allows: Callable[[bytes, bytes], bool] = lambda *_: True
    """Which files extract workers may read that start from now on, by the root and the path below it."""
    on_battery: bool = False
    """Whether extract workers do nothing for which nobody waits."""
    chunker: Chunker = field(default_factory=Paragraphs)
    scanner: Scanner = field(init=False)

    def __post_init__(self) -> None:
        self.restart_agent()

    def restart_agent(self) -> None:
        """From now on scan with a new scanner, which knows nothing but the database."""
        self.scanner = make_scanner(self.database)

    def registered(self) -> RegisteredRoot:
        """The root and its state, as the agent loads it."""
        with self.database.transaction() as connection:
            return next(entry for entry in list_roots(connection) if entry.root.id == self.root.id)

    def scan(self) -> ScanResult:
        """Scan the root as the agent does."""
        if self.restarts:
            self.restart_agent()
        return self.scanner.scan(self.registered())

    def extraction(self, owner: str = "extract-1@here", *, boot: str = "", host: str = HOST) -> ExtractService:
        return ExtractService(
            self.database,
            SilentQueue(),
            self.processor(),
            worker=WorkerIdentity(host, boot, owner),
            max_embedded_chunks=self.max_embedded_chunks,
            paused=lambda: self.on_battery,
        )

    def processor(self) -> FileProcessor:
        """What processes claimed files, without the service that claims them."""
        return FileProcessor(
            self.database, self.reader, self.chunker, max_file_bytes=1 << 20, ocr=self.ocr, allows=self.allows
        )

    def embedding(self, owner: str = "embed-1@here", *, paused: Callable[[], bool] = lambda: False) -> EmbedService:
        return make_embed_service(self.database, load=lambda spec: self.embedder, owner=owner, paused=paused)

    def end_pauses(self) -> None:
        """Let the pauses of indexed files end, as if they had not changed for hours."""
        self.rows(
            "UPDATE files SET leased_until = NULL, read_at = read_at - interval '5 hours'"
            " WHERE state <> 'pending' RETURNING 1"
        )

    def read_all(self) -> None:
        """Scan, and read until no file waits."""
        self.scan()
        while self.extraction().run_batch():
            pass

    def settle(self) -> None:
        """Scan hours after the last change, and work until nothing waits."""
        self.end_pauses()
        self.read_all()
        # One worker: what it has embedded in one turn, it measures after the next.
        worker = self.embedding()
        while worker.run_turn():
            pass

    def coverage(self) -> Coverage:
        """The part of the corpus that searches cover, as they count it."""
        with self.database.transaction() as connection:
            counts = fetch_one(connection.execute(COVERAGE_SQL, {"roots": None}))[0]
        return coverage_of_counts(counts)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self.database.transaction() as connection:
            return connection.execute(query, values).fetchall()

    def has(self, path: str) -> bool:
        """Whether the index has a file, by its path from the root."""
        return path in self.states()

    def states(self) -> dict[str, tuple[str, str | None]]:
        rows = self.rows("SELECT display, state, reason FROM files ORDER BY display")
        return {path: (state, reason) for path, state, reason in rows}


@pytest.fixture
def no_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let services do as much at a time as on a machine that has nothing else to do."""
    for name, seconds in SHORT_LIMITS.items():
        monkeypatch.setattr(name, seconds)


@pytest.fixture
def index(no_haste: None, database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Index:
    folder = tmp_path / "docs"
    folder.mkdir()
    embedder = FakeEmbedder()
    with database.transaction() as connection:
        activate_model(connection, embedder.spec)
    root = add_root(database, host=HOST, path=folder, home=tmp_path / "home")
    restarts = getattr(request, "param", "") == "agent that restarts"
    return Index(database, root, folder, Reader(), embedder, restarts=restarts)


def working_model(connection: Connection) -> IndexedModel:
    """The active model of an index that has one."""
    model = active_model(connection)
    assert model is not None
    return model


def completed_model(connection: Connection) -> IndexedModel:
    """The model that was built, whose vectors are complete: it is the active one now."""
    model = complete_building(connection)
    assert model is not None
    return model
