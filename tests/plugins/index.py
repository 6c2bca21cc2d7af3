"""A root on disk, and the services around it, without Celery: the tests call what the tasks would call."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from magicfs.db.models import activate_model
from magicfs.db.pool import Database
from magicfs.db.roots import list_roots
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.roots import Root
from magicfs.ingest.roots import add_root
from magicfs.ingest.scanner import Scanner, ScanResult
from magicfs.pipeline.embed import EmbedService
from magicfs.pipeline.extract import ExtractService
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.queue import SilentQueue

HOST = "here"

FOUND_TEXT = "SELECT text FROM chunks JOIN content_chunks c ON c.chunk_id = chunks.id JOIN files USING (content_id)"
"""The texts that searches find."""


@dataclass
class Reader:
    """Reads plain text and counts how often it is asked: the tests here are about files, not formats."""

    calls: list[bytes] = field(default_factory=list)

    def kind(self, content: bytes, *, name: bytes) -> str:
        return name.rpartition(b".")[2].decode("ascii", "replace")

    def needs_no_parser(self, kind: str) -> bool:
        return kind not in {"slow", "late"}

    def may_need_parser(self, name: bytes) -> bool:
        return name.endswith(b".slow")

    def extract(self, content: bytes, *, name: bytes) -> Document | Unreadable:
        self.calls.append(name)
        return Document(text=content.decode("utf-8", "replace"), mime_type="text/plain")


class Paragraphs:
    """Cuts at blank lines."""

    def chunks(self, document: Document) -> list[Chunk]:
        pieces = [piece for piece in document.text.split("\n\n") if piece.strip()]
        return [Chunk(text=piece, tokens=len(piece.split()), first_line=1, last_line=1) for piece in pieces]


@dataclass
class Index:
    """A root and what happens to it."""

    database: Database
    root: Root
    folder: Path
    reader: Reader
    embedder: FakeEmbedder

    def known(self):
        with self.database.transaction() as connection:
            return next(entry for entry in list_roots(connection) if entry.root.id == self.root.id)

    def scan(self) -> ScanResult:
        return Scanner(self.database, SilentQueue()).scan(self.known())

    def extraction(self, owner: str = "extract-1@here") -> ExtractService:
        return ExtractService(
            self.database,
            SilentQueue(),
            extractor=self.reader,
            chunker=Paragraphs(),
            host=HOST,
            owner=owner,
            max_file_bytes=1 << 20,
        )

    def embedding(self, owner: str = "embed-1@here") -> EmbedService:
        return EmbedService(self.database, SilentQueue(), load=lambda spec: self.embedder, owner=owner)

    def settle(self) -> None:
        """Scan, and work until nothing waits."""
        self.scan()
        while self.extraction().run_batch():
            pass
        while self.embedding().run_batch():
            pass

    def rows(self, query: str, *values: object) -> list[tuple]:
        with self.database.transaction() as connection:
            return connection.execute(query, values).fetchall()

    def states(self) -> dict[str, tuple[str, str | None]]:
        rows = self.rows("SELECT display, state, reason FROM files ORDER BY display")
        return {path: (state, reason) for path, state, reason in rows}


@pytest.fixture
def index(database: Database, tmp_path: Path) -> Index:
    folder = tmp_path / "docs"
    folder.mkdir()
    embedder = FakeEmbedder()
    with database.transaction() as connection:
        activate_model(connection, embedder.spec)
    root = add_root(database, host=HOST, path=folder, home=tmp_path / "home")
    return Index(database, root, folder, Reader(), embedder)
