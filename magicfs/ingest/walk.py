"""Walk a tree as a scan does: wanted regular files, no symbolic links, one device; a directory at a time.

What cannot be listed is reported, since nothing may be concluded from files that were not seen. This is the hot
loop of a rescan: it does one `stat` a file and little else, see `benchmarks/rescan.py`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import marshal
import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from magicfs.domain.files import INT64_SIGN_BIT, FileStat, SeenFile, to_signed_64
from magicfs.ingest.ignore import Rules, unwanted_file

log = logging.getLogger(__name__)

Signature = tuple[int, int, int, int]
"""Size, mtime, ctime (nanoseconds) and inode number: while they are the same, the file is taken to be."""

LONGEST_PATH = 4095
"""Bytes. The system takes no longer one (`PATH_MAX`, with the zero at the end)."""

FIELDS = 5
"""A name and a signature."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The wanted files of one directory."""

    path: bytes
    """Relative to the root; empty for the root itself."""
    fields: list[bytes | int]
    """Name and signature of one file after the other: one flat list is made and packed quickest."""

    def __len__(self) -> int:
        return len(self.fields) // FIELDS

    def packed(self) -> bytes:
        """The fields, small and quick to compare. Version 2 of the format depends on nothing but the values."""
        return marshal.dumps(self.fields, 2)

    def signatures(self) -> dict[bytes, Signature]:
        """The files by name."""
        return _by_name(self.fields)


def unpacked(packed: bytes) -> dict[bytes, Signature]:
    """The files of a listing that `Listing.packed` packed in this process, by name."""
    # Safe, since the bytes never leave this process.
    return _by_name(marshal.loads(packed))  # noqa: S302


def _by_name(fields: list[Any]) -> dict[bytes, Signature]:
    names, *signature = (fields[place::FIELDS] for place in range(FIELDS))
    return dict(zip(names, zip(*signature, strict=True), strict=True))


@dataclass(slots=True)
class Walk:
    """One walk below `root`, beginning in its directory `below` with the rules that hold there."""

    root: bytes
    device: int
    below: bytes
    rules: Rules
    unseen: list[bytes] = field(default_factory=list)
    """Directories that could not be listed, relative to the root."""
    unsure: set[bytes] = field(default_factory=set)
    """Files that are there but could not be looked at."""
    too_long: int = 0
    """How many of the unseen and unsure have a path beyond `LONGEST_PATH`."""

    def listings(self) -> Iterator[Listing]:
        """Every directory that is wanted."""
        waiting = self._beginning()
        while waiting:
            below, rules = waiting.pop()
            try:
                with os.scandir(os.path.join(self.root, below) if below else self.root) as entries:
                    listing = self._list(below, rules, entries, waiting)
                yield listing
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    log.warning("cannot list %s: %s", os.fsdecode(os.path.join(self.root, below)), error.strerror)
                self.unseen.append(below)
        if self.too_long:
            place = os.path.join(self.root, self.below) if self.below else self.root
            text = "%s: %d files and directories have paths of more than %d bytes and cannot be looked at"
            log.warning(text, os.fsdecode(place), self.too_long, LONGEST_PATH)

    def directories(self) -> Iterator[bytes]:
        """Every directory that is wanted, each before it is listed."""
        waiting = self._beginning()
        while waiting:
            below, rules = waiting.pop()
            yield below
            prefix = below + b"/" if below else b""
            try:
                with os.scandir(os.path.join(self.root, below) if below else self.root) as entries:
                    for entry in entries:
                        self._descend(entry, prefix, rules, waiting)
            except OSError:
                # A scan of the same directories reports it.
                self.unseen.append(below)

    def _beginning(self) -> list[tuple[bytes, Rules]]:
        """Where to begin: nowhere when a link or another disk has taken the directory's place."""
        if os.path.islink(self.root):
            self.unseen.append(self.below)
            return []
        if self.below:
            place = os.path.join(self.root, self.below)
            # What cannot be looked at cannot be listed either, and listing it says so.
            with contextlib.suppress(OSError):
                if os.path.islink(place) or os.lstat(place).st_dev != self.device:
                    return []
        return [(self.below, self.rules)]

    def _list(
        self,
        below: bytes,
        rules: Rules,
        entries: Iterator[os.DirEntry[bytes]],
        waiting: list[tuple[bytes, Rules]],
    ) -> Listing:
        prefix = below + b"/" if below else b""
        fields: list[bytes | int] = []
        add = fields.extend
        # The rules themselves are only needed where a rule file is in force.
        ignores = rules.ignores if rules.layers else None
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                name = entry.name
                if unwanted_file(name) if ignores is None else ignores(prefix + name, is_directory=False):
                    continue
                try:
                    stat = entry.stat(follow_symlinks=False)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as error:
                    # In a directory that can be listed but not entered, this happens to all.
                    self.too_long += error.errno == errno.ENAMETOOLONG
                    self.unsure.add(prefix + name)
                    continue
                ino = stat.st_ino
                if ino >= INT64_SIGN_BIT:
                    ino = to_signed_64(ino)
                # A time that the database cannot hold is cut off by `look`: such a file merely looks changed now and
                # then.
                add((name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, ino))
            else:
                self._descend(entry, prefix, rules, waiting)
        return Listing(below, fields)

    def _descend(
        self, entry: os.DirEntry[bytes], prefix: bytes, rules: Rules, waiting: list[tuple[bytes, Rules]]
    ) -> None:
        """Have an entry walked later on, if it is a directory that is wanted."""
        if not entry.is_dir(follow_symlinks=False):
            return
        path = prefix + entry.name
        if self._enters(path, rules):
            waiting.append((path, rules.enter(entry.path, below=path)))

    def look(self, path: bytes) -> SeenFile | None:
        """A file of a listing with all that the index keeps of its metadata.

        None when it is gone meanwhile, or cannot be looked at any more: it is among the `unsure` then.
        """
        try:
            return SeenFile(path, FileStat.of(os.lstat(os.path.join(self.root, path))))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            self.unsure.add(path)
            return None

    def _enters(self, path: bytes, rules: Rules) -> bool:
        """Whether a directory is wanted and on the root's device: another disk below it is a root of its own."""
        if rules.ignores(path, is_directory=True):
            return False
        try:
            return os.lstat(os.path.join(self.root, path)).st_dev == self.device
        except OSError as error:
            self.too_long += error.errno == errno.ENAMETOOLONG
            self.unseen.append(path)
            return False


def directories_above(path: bytes) -> Iterator[bytes]:
    """The directories that a path lies in, the nearest first; the last one is the root, the empty path.

    The root lies in none.
    """
    end = len(path)
    while (end := path.rfind(b"/", 0, end)) >= 0:
        yield path[:end]
    if path:
        yield b""


def outermost(directories: set[bytes]) -> list[bytes]:
    """The directories that lie inside no other one of the set."""
    return sorted(directory for directory in directories if directories.isdisjoint(directories_above(directory)))


def is_within(path: bytes, directories: AbstractSet[bytes]) -> bool:
    """Whether a path is one of some directories or lies in one of them. Takes no longer for many of them."""
    return path in directories or not directories.isdisjoint(directories_above(path))
