"""The text that the index has of one file, found by its path. Reads no file. Runs in the caller's transaction.

Used by `magicfs.gateway`, and by the search for neighbours of a file.
"""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.files import FileState
from magicfs.domain.ids import ContentId, FileId

_SQL = load_queries("file_text")


@dataclass(frozen=True, slots=True)
class TextOfFile:
    """A file of the index, and where its text is."""

    file: FileId
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
    """The first one of `texts_at`; None when the index has none."""
    return next(iter(texts_at(connection, path, host=host, preferred=preferred)), None)


def texts_at(connection: Connection, path: bytes, *, host: str | None, preferred: str) -> list[TextOfFile]:
    """The files of the index at exactly this absolute path, on `host` if given, else one of each host that has it.

    That of the host `preferred` comes first. Nothing is looked up on a disk: `..` and links are names as others are.
    """
    values = _divided(path) | {"host": host, "preferred": preferred}
    return [
        TextOfFile(
            FileId(file), None if content is None else ContentId(content), FileState(state), reason, found_host, *others
        )
        for file, content, state, reason, found_host, *others in connection.execute(_SQL["files_at"], values)
    ]


def is_directory(connection: Connection, path: bytes) -> bool:
    """Whether an absolute path is that of a root, or of a directory with files in the index, on any host."""
    values = _divided(path) | {"whole": path}
    return bool(fetch_one(connection.execute(_SQL["has_files_below"], values))[0])


def _divided(path: bytes) -> dict[str, object]:
    """The ways to divide an absolute path into that of a root and one below it, as parameters."""
    slashes = [place for place, byte in enumerate(path) if byte == ord("/")]
    return {
        "roots": [path[:place] or b"/" for place in slashes],
        "paths": [path[place + 1 :] for place in slashes],
    }


def read_chunks(
    connection: Connection, content: ContentId, *, first_line: int, last_line: int, page: int | None, limit: int
) -> list[PlacedText]:
    """Up to `limit` chunks with lines from `first_line` to `last_line`, on `page` if given, in their order."""
    values = {"content": content, "first": first_line, "last": last_line, "page": page, "limit": limit}
    return [PlacedText(*row) for row in connection.execute(_SQL["chunks_of_lines"], values)]
