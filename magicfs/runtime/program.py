"""What changes with the program on the disk, so that `magicfs up` starts the parts anew that run an older one.

Used by `parts`. It looks at the files of the packages and imports none of them. Any thread.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import magicfs

PACKAGES = ("magicfs", "tasks")

_SUFFIXES = (".py", ".sql", ".so")
"""What is compiled from a module comes and goes."""


def program_version(folder: Path | None = None) -> str:
    """A digest of where the packages are in a folder, and of what changes when one of their files does.

    Without a folder, it is the one from which this program runs. Takes a hundredth of a second.
    """
    digest = hashlib.sha256()
    for package in PACKAGES:
        for line in sorted(_versions(os.path.join(folder or Path(magicfs.__file__).parents[1], package))):
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _versions(folder: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _versions(entry.path)
        elif entry.name.endswith(_SUFFIXES) and (status := _status(entry)) is not None:
            yield f"{entry.path}\0{status.st_ino} {status.st_mtime_ns} {status.st_size}\n"


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The metadata of a file; None if it is gone, or a link that leads nowhere, such as the lock of an editor."""
    try:
        return entry.stat()
    except OSError:
        return None
