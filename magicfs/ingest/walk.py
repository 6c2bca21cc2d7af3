"""Walk a tree as a scan does: wanted regular files, no symbolic links, one device.

What cannot be listed is reported, since nothing may be concluded from files that were not seen.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from magicfs.db.files import SeenFile
from magicfs.domain.files import FileStat
from magicfs.ingest.rules import Rules

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Walk:
    """One walk below `root`, beginning in its directory `below` with the rules that hold there."""

    root: bytes
    device: int
    below: bytes
    rules: Rules
    unseen: list[bytes] = field(default_factory=list)
    """Directories that could not be listed, relative to the root."""

    def files(self) -> Iterator[SeenFile]:
        """Every wanted file, a directory at a time. Names are as the file system has them."""
        waiting = [(self.below, self.rules)]
        while waiting:
            below, rules = waiting.pop()
            try:
                entries = list(os.scandir(os.path.join(self.root, below) if below else self.root))
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    log.warning("cannot list %s: %s", os.fsdecode(os.path.join(self.root, below)), error.strerror)
                self.unseen.append(below)
                continue
            prefix = below + b"/" if below else b""
            for entry in entries:
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if self._enters(path, rules):
                        waiting.append((path, rules.enter(entry.path, below=path)))
                elif entry.is_file(follow_symlinks=False) and not rules.ignores(path, is_directory=False):
                    seen = _look(entry, path)
                    if seen is not None:
                        yield seen

    def _enters(self, path: bytes, rules: Rules) -> bool:
        """Whether a directory is wanted and on the root's device: another disk below it is a root of its own."""
        if rules.ignores(path, is_directory=True):
            return False
        try:
            return os.lstat(os.path.join(self.root, path)).st_dev == self.device
        except OSError:
            self.unseen.append(path)
            return False


def _look(entry: os.DirEntry[bytes], path: bytes) -> SeenFile | None:
    try:
        return SeenFile(path, FileStat.of(entry.stat(follow_symlinks=False)))
    except OSError:
        return None
