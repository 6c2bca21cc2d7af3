"""Everything that the index knows of one file, for `magicfs doctor PATH`."""

from __future__ import annotations

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.files import FileFacts, FileState
from magicfs.domain.ids import RootId

_SQL = load_queries("explain")


def file_facts(connection: Connection, root: RootId, path: bytes) -> FileFacts | None:
    """What is known of a file by its path below a root; None when the index has never seen it."""
    row = connection.execute(_SQL["file"], {"root_id": root, "path": path}).fetchone()
    return None if row is None else FileFacts(FileState(row[0]), *row[1:])
