"""A root whose files are inserted into the index directly: these tests are about the mount, not the pipeline."""

from __future__ import annotations

import os
from pathlib import Path

import xxhash

from magicfs.db.cluster.roots import ensure_host, insert_root
from magicfs.db.corpus.contents import insert_contents
from magicfs.db.corpus.files import delete_paths, upsert_files
from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.domain.files import FileStat, SeenFile
from magicfs.domain.ids import Digest
from magicfs.domain.stored_contents import ContentKey, NewContent
from magicfs.text.analysis import ANALYSIS_VERSION, analyze
from magicfs.text.names import file_name
from tests.fakes.embedder import FAKE_SPEC


class IndexedRoot:
    """A directory and its rows in the database."""

    def __init__(self, database: Database, path: Path, *, host: str, name: str = "documents") -> None:
        self._database = database
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        with database.transaction() as connection:
            activate_model(connection, FAKE_SPEC)
            self._root = insert_root(
                connection,
                host=ensure_host(connection, name=host),
                path=os.fsencode(path),
                name=name,
                folded=name.lower(),
                device=path.stat().st_dev,
            )

    def add(self, name: str | bytes, content: str | bytes, *, text: str | None = None) -> Path:
        """Write a file and index its content as its text, or `text` instead."""
        path = self.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.index(name, text if text is not None else content if isinstance(content, str) else "")
        return path

    def index(self, name: str | bytes, text: str, *, failed: str | None = None) -> None:
        """Insert the row of a file, with a text or with the reason why it `failed`."""
        relative = os.fsencode(name)
        stat = FileStat.of((self.path / os.fsdecode(name)).stat())
        with self._database.transaction() as connection:
            upsert_files(connection, self._root, [SeenFile(relative, stat)], name_of=file_name, priority=0)
            if failed is not None:
                connection.execute(
                    "UPDATE files SET state = 'failed', reason = %s, detail = 'it is broken' WHERE path = %s",
                    (failed, relative),
                )
                return
            content = NewContent(
                ContentKey(Digest(xxhash.xxh3_128_digest(text.encode())), extractor=1, kind="text/plain"),
                size=len(text),
                extracted=Document(text=text, mime_type="text/plain"),
                chunks=[
                    Chunk(
                        text=text,
                        tokens=len(text.split()),
                        first_line=1,
                        last_line=text.count("\n") + 1,
                        words=analyze(text),
                        analysis=ANALYSIS_VERSION,
                    )
                ],
            )
            ids = insert_contents(connection, [content])
            connection.execute(
                "UPDATE files SET state = 'indexed', content_id = %s, indexed_at = now() WHERE path = %s",
                (ids[content.key], relative),
            )

    def delete_row(self, name: str) -> None:
        with self._database.transaction() as connection:
            delete_paths(connection, self._root, [name.encode()])

    def remove(self, name: str) -> None:
        (self.path / name).unlink()
        self.delete_row(name)
