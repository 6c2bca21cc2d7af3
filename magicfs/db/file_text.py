"""The text that the index has of one file, found by its path. Reads no file. Runs in the caller's transaction.

Used by `magicfs.gateway`.
"""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.files import FileState
from magicfs.domain.ids import ContentId

_SQL = load_queries("file_text")


@dataclass(frozen=True, slots=True)
class TextOfFile:
    """A file of the index, and where its text is."""

    content: ContentId | None
    """None for a file that was never read."""
    state: FileState
    reason: str | None
    """Why it has no text; None for one that has, or that waits."""
    host: str
    mime_type: str | None
    language: str | None
    """ISO 639-1; None where it is not known."""


@dataclass(frozen=True, slots=True)
class PlacedText:
    """The text of a chunk, and where it begins in its file."""

    first_line: int
    """From 1."""
    page: int | None
    """From 1; None in a format without pages."""
    text: str


def find_text(connection: Connection, path: bytes, *, host: str | None, preferred: str) -> TextOfFile | None:
    """The file of the index at exactly this absolute path, on `host` if given, else rather on the host `preferred`.

    None when the index has none: nothing is looked up on a disk, and `..` and links are names as others are.
    """
    slashes = [place for place, byte in enumerate(path) if byte == ord("/")]
    values = {
        "roots": [path[:place] or b"/" for place in slashes],
        "paths": [path[place + 1 :] for place in slashes],
        "host": host,
        "preferred": preferred,
    }
    row = connection.execute(_SQL["find_file"], values).fetchone()
    if row is None:
        return None
    content, state, reason, found_host, mime_type, language = row
    content_id = None if content is None else ContentId(content)
    return TextOfFile(content_id, FileState(state), reason, found_host, mime_type, language)


def read_chunks(
    connection: Connection, content: ContentId, *, first_line: int, last_line: int, page: int | None, limit: int
) -> list[PlacedText]:
    """Up to `limit` chunks with lines from `first_line` to `last_line`, on `page` if given, in their order."""
    values = {"content": content, "first": first_line, "last": last_line, "page": page, "limit": limit}
    return [PlacedText(*row) for row in connection.execute(_SQL["chunks_of_lines"], values)]
