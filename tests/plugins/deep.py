"""Trees with paths that are too long for a system call."""

from __future__ import annotations

import os
from pathlib import Path

from magicfs.ingest.walk import MAX_PATH_BYTES

NAME = "d" * 250


def dig(folder: Path) -> Path:
    """The deepest directory whose path the system takes. The paths of a directory and a file in it are too long."""
    while len(os.fsencode(folder)) + 1 + len(NAME) <= MAX_PATH_BYTES:
        folder /= NAME
        folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.mkdir(NAME, dir_fd=descriptor)
        os.close(os.open(f"{NAME}.txt", os.O_WRONLY | os.O_CREAT, dir_fd=descriptor))
    finally:
        os.close(descriptor)
    return folder
