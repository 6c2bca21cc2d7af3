"""Files as the index shows them, which nobody has looked at on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from magicfs.domain.files import FailedFile, FileStat, FileState
from magicfs.tree.locations import FileLocation
from magicfs.tree.real.files import RealFile


def indexed_file(path: Path, stat: FileStat) -> RealFile:
    record = FailedFile(
        host="here",
        root="root",
        root_path=os.fsencode(path.parent),
        path=os.fsencode(path.name),
        stat=stat,
        state=FileState.FAILED,
        reason="corrupt",
        detail=None,
        changed_at=0.0,
    )
    location = FileLocation(host="here", root=record.root_path, path=record.path)
    return RealFile(location, index_record=record)
