"""`look_at`: what is on the disk at the paths of a root that events name: files, directories to scan, and nothing.

Used by `watcher`, which records it. Only looks; nothing is read or changed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from magicfs.domain.files import FileStat, SeenFile
from magicfs.domain.roots import Root
from magicfs.ingest.ignore import DECIDING_NAMES, IgnoreRules, rules_for
from magicfs.ingest.listed_names import ListedNames
from magicfs.ingest.paths import parent_directory

RulesByDirectory = dict[bytes, IgnoreRules | None]
"""None for a directory that is ignored itself."""


@dataclass(slots=True)
class FoundPaths:
    """What is at changed paths, each relative to the root."""

    files: list[SeenFile] = field(default_factory=list)
    directories: set[bytes] = field(default_factory=set)
    """Those to scan."""
    gone: list[bytes] = field(default_factory=list)
    """Paths without a file that is wanted."""


def look_at(root: Root, paths: Iterable[bytes]) -> FoundPaths:
    """What is at some paths of a root. One that cannot be looked at is left to the periodic scan."""
    found = FoundPaths()
    rules: RulesByDirectory = {}
    names = ListedNames(root.path)
    spelled = {path: names.spelled(path) for path in paths}
    for path in sorted({*spelled, *spelled.values()}):
        parent, _, name = path.rpartition(b"/")
        if name in DECIDING_NAMES:
            found.directories.add(parent)
        try:
            status = _lstat(os.path.join(root.path, path))
        except OSError:
            continue
        if status is None or spelled.get(path, path) != path:
            # Where case does not matter, a path without a file leads to one that is listed by another name.
            found.gone.append(path)
        elif stat.S_ISDIR(status.st_mode):
            found.directories.add(path)
        elif _is_wanted(root, path, status, rules):
            found.files.append(SeenFile(path, FileStat.of(status), has_links=status.st_nlink > 1))
        else:
            found.gone.append(path)
    return found


def links_among(root: Root, paths: Iterable[bytes], inodes: set[int]) -> list[SeenFile]:
    """The files at some paths of a root that are hard links to one of these inodes."""
    files: list[SeenFile] = []
    for path in paths:
        status = None
        with contextlib.suppress(OSError):
            status = _lstat(os.path.join(root.path, path))
        if status is not None and stat.S_ISREG(status.st_mode):
            file = SeenFile(path, FileStat.of(status), has_links=True)
            if file.stat.ino in inodes:
                files.append(file)
    return files


def _is_wanted(root: Root, path: bytes, status: os.stat_result, rules: RulesByDirectory) -> bool:
    """Whether an existing path is a regular file that no rule ignores. `rules` caches them by directory."""
    if not stat.S_ISREG(status.st_mode):
        return False
    parent = parent_directory(path)
    if parent not in rules:
        rules[parent] = rules_for(root.path, parent)
    inside = rules[parent]
    return inside is not None and not inside.ignores(path, is_directory=False)


def _lstat(path: bytes) -> os.stat_result | None:
    """The status of a path; None when nothing is there. Raises `OSError` when the kernel cannot tell."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
