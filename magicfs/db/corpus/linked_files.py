"""Hard links: other names of a file that was read by one of its names.

The extract worker asks before it reads a file. It touches no disk. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.contents import Unreadable
from magicfs.domain.files import ClaimedFile, FileStat, SkipReason
from magicfs.domain.ids import ContentId, Digest, FileId
from magicfs.domain.stored_contents import ContentKey, StoredContent

_SQL = load_queries("linked_files")


@dataclass(frozen=True, slots=True)
class LinkedContent:
    """The content of a file as it was read by another of its names."""

    stat: FileStat
    """The metadata with which it has this content."""
    key: ContentKey
    stored: StoredContent


def contents_of_links(
    connection: Connection, files: Mapping[FileId, tuple[ClaimedFile, FileStat]]
) -> dict[FileId, LinkedContent]:
    """The contents of claimed files with this metadata that were read by the same name in another directory."""
    if not files:
        return {}
    stats = [stat for _, stat in files.values()]
    rows = connection.execute(
        _SQL["contents_of_links"],
        {
            "ids": list(files),
            "names": [claim.name for claim, _ in files.values()],
            "sizes": [stat.size for stat in stats],
            "mtimes": [stat.mtime_ns for stat in stats],
            "ctimes": [stat.ctime_ns for stat in stats],
            "inos": [stat.ino for stat in stats],
        },
    )
    return {
        FileId(file_id): LinkedContent(
            files[FileId(file_id)][1],
            ContentKey(Digest(digest), extractor, kind),
            StoredContent(
                id=ContentId(content_id),
                unreadable=None if reason is None else Unreadable(SkipReason(reason), detail or ""),
                ocr=ocr,
            ),
        )
        for file_id, digest, extractor, kind, content_id, reason, detail, ocr in rows
    }
