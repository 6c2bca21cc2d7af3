"""Results for tests that ask no database."""

from __future__ import annotations

import zlib
from typing import Any

from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId
from magicfs.domain.results import Hit

_HIT = Hit(
    rank=1,
    score=0.9,
    file_id=FileId(1),
    host="here",
    root="root",
    root_path=b"/root",
    path=b"a.txt",
    stat=FileStat(size=7, mtime_ns=1, ctime_ns=1, ino=1, dev=1, mode=0o644, uid=1, gid=1),
    first_line=1,
    last_line=1,
    page=None,
    vector=None,
    lexical=1.0,
    indexed_at=0.0,
)


def make_hit(**values: Any) -> Hit:
    """A result with these values, of a file that is the same for the same path."""
    hit = _HIT._replace(**values)
    return hit if "file_id" in values else hit._replace(file_id=FileId(zlib.crc32(hit.absolute_path)))
