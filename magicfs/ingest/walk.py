"""Walks a tree, a directory at a time: regular files that no rule ignores, no symbolic links, on one device.

Used by the scanner and the watcher. Reads the disk and no database. A walk reports what it could not list or stat,
since nothing can be concluded about such files. One thread a walk. This is the hot loop of a rescan: one `stat` a
file and little else, see `benchmarks/rescan.py`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import marshal
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from magicfs.domain.files import INT64_SIGN_BIT, FileStat, SeenFile, to_signed_64
from magicfs.ingest.ignore import IgnoreRules, is_ignored_name
from magicfs.linux.mounts import foreign_mounts_below

log = logging.getLogger(__name__)

Signature = tuple[int, int, int, int]
"""Size, mtime, ctime (nanoseconds) and inode number. A file with the same signature counts as unchanged."""

MAX_PATH_BYTES = 4095
"""The longest path that a system call takes: `PATH_MAX` without the zero at the end."""

MAX_NAME_BYTES = 765
"""The longest name in a directory: 255 characters of three bytes each where a disk counts characters."""

_FIELDS_PER_FILE = 5
"""A name and a signature."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one directory."""

    path: bytes
    """Relative to the root; empty for the root itself."""
    fields: list[bytes | int]
    """Name and signature of one file after the other. One flat list is quickest to make and to pack."""

    @classmethod
    def of_signatures(cls, path: bytes, signatures: Mapping[bytes, Signature]) -> Listing:
        """The listing of a directory with these files."""
        return cls(path, [field for name, signature in signatures.items() for field in (name, *signature)])

    def __len__(self) -> int:
        return len(self.fields) // _FIELDS_PER_FILE

    def pack(self) -> bytes:
        """The fields as bytes that are small and quick to compare."""
        # Version 2 of the format encodes equal values in equal bytes; later ones depend on which objects are shared.
        return marshal.dumps(self.fields, 2)

    def signatures(self) -> dict[bytes, Signature]:
        """The files by name."""
        return _signatures(self.fields)


def unpack_signatures(packed: bytes) -> dict[bytes, Signature]:
    """The files by name of a listing that this process has packed."""
    return _signatures(marshal.loads(packed))  # noqa: S302  the bytes never leave this process


def _signatures(fields: list[Any]) -> dict[bytes, Signature]:
    names, *signature = (fields[offset::_FIELDS_PER_FILE] for offset in range(_FIELDS_PER_FILE))
    return dict(zip(names, zip(*signature, strict=True), strict=True))


@dataclass(slots=True)
class Walk:
    """One walk of a directory of a root. Filled while it goes on."""

    root: bytes
    """Absolute."""
    device: int
    """The root's device: a directory on another one is not entered."""
    top: bytes
    """The directory to walk, relative to the root; empty for the root itself."""
    rules: IgnoreRules
    """The rules inside `top`."""
    unlisted_before: Collection[bytes] = ()
    """Directories that an earlier walk could not list: they are not logged again."""
    without_mounts: Collection[bytes] = ()
    """Directories in which something was mounted that is gone. An empty one of them counts as one that cannot be
    listed."""
    unlisted: list[bytes] = field(default_factory=list)
    """Directories that could not be listed, relative to the root."""
    stat_failed: set[bytes] = field(default_factory=set)
    """Files that exist, but whose `stat` failed."""
    refused: dict[bytes, str] = field(default_factory=dict)
    """Directories that the system refused to list, or to let anything in them be seen, and what it said."""
    too_long: int = 0
    """How many of these files and directories have a path of more than `MAX_PATH_BYTES`."""

    _foreign_mounts: Collection[bytes] = ()
    """Where other file systems are mounted in the root that may not answer: they are on other devices."""
    _asks: bytes | None = None
    """The directory or file of which the disk is asked at this moment."""
    _fields: list[bytes | int] = field(default_factory=list)
    """What it has said of that one so far."""

    @property
    def progress(self) -> tuple[bytes, int] | None:
        """What the disk is asked for at this moment, and how much of that it has said; None if nothing. Any thread."""
        asks = self._asks
        return None if asks is None else (asks, len(self._fields))

    @contextlib.contextmanager
    def asking(self, path: bytes) -> Iterator[None]:
        """The disk is asked of a path, relative to the root, inside of the block: see `progress`."""
        self._asks = path
        try:
            yield
        finally:
            self._asks = None

    def listings(self) -> Iterator[Listing]:
        """The listing of every directory that no rule ignores."""
        with self.asking(self.top):
            queue = self._start()
        while queue:
            directory, rules = queue.pop()
            try:
                with self.asking(directory), open_directory(self._absolute(directory)) as entries:
                    waiting = len(queue)
                    listing = self._list(directory, rules, entries, queue)
                if directory in self.without_mounts and not listing.fields and len(queue) == waiting:
                    self._note_gone_mount(directory)
                else:
                    yield listing
            except OSError as error:
                # One that is gone, or that something else has replaced meanwhile, is not refused.
                if not isinstance(error, FileNotFoundError | NotADirectoryError):
                    self.refused[directory] = os.strerror(error.errno or 0)
                    if directory not in self.unlisted_before:
                        log.warning("cannot list %s: %s", os.fsdecode(self._absolute(directory)), error.strerror)
                self.unlisted.append(directory)
        if self.too_long:
            text = "%s: %d files and directories have paths of more than %d bytes and are not indexed"
            log.warning(text, os.fsdecode(self._absolute(self.top)), self.too_long, MAX_PATH_BYTES)

    def _note_gone_mount(self, directory: bytes) -> None:
        if directory not in self.unlisted_before:
            text = "nothing is mounted on %s any more: its files stay in the index until it is, or is removed"
            log.warning(text, os.fsdecode(self._absolute(directory)))
        self.unlisted.append(directory)

    def directories(self) -> Iterator[bytes]:
        """Every directory that no rule ignores, yielded before its entries are read."""
        queue = self._start()
        while queue:
            directory, rules = queue.pop()
            yield directory
            prefix = directory + b"/" if directory else b""
            try:
                with open_directory(self._absolute(directory)) as entries:
                    for entry in entries:
                        self._queue_directory(entry, prefix, rules, queue)
            except OSError:
                # A scan of the same directories logs it.
                self.unlisted.append(directory)

    def stat_file(self, path: bytes) -> SeenFile | None:
        """A file of a listing with all the metadata that the index keeps.

        None when it is gone by now, or when its `stat` fails: then it is added to `stat_failed`.
        """
        try:
            with self.asking(path):
                status = os.lstat(os.path.join(self.root, path))
            return SeenFile(path, FileStat.of(status), has_links=status.st_nlink > 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            self.stat_failed.add(path)
            return None

    def exists(self, path: bytes) -> bool:
        """Whether something is at a path, relative to the root."""
        with self.asking(path):
            return os.path.lexists(os.path.join(self.root, path))

    def _absolute(self, directory: bytes) -> bytes:
        return os.path.join(self.root, directory) if directory else self.root

    def _start(self) -> list[tuple[bytes, IgnoreRules]]:
        """The queue of a walk at its start: empty when a link or another disk has taken the directory's place."""
        below = os.path.join(self.root, b"")
        self._foreign_mounts = {point.removeprefix(below) for point in foreign_mounts_below(self.root)}
        if os.path.islink(self.root):
            self.unlisted.append(self.top)
            return []
        if self.top:
            directory = self._absolute(self.top)
            # Where `lstat` fails, listing fails too, and reports it.
            with contextlib.suppress(OSError):
                if os.path.islink(directory) or os.lstat(directory).st_dev != self.device:
                    return []
        return [(self.top, self.rules)]

    def _list(
        self,
        directory: bytes,
        rules: IgnoreRules,
        entries: Iterator[os.DirEntry[str]],
        queue: list[tuple[bytes, IgnoreRules]],
    ) -> Listing:
        prefix = directory + b"/" if directory else b""
        fields: list[bytes | int] = []
        self._fields = fields
        add = fields.extend
        # Without rule files only the built-in rules apply, and those need no more than the name.
        ignores = rules.ignores if rules.layers else None
        longest_name = MAX_PATH_BYTES - len(self._absolute(directory)) - 1
        any_name_fits = longest_name >= MAX_NAME_BYTES
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                name = os.fsencode(entry.name)
                if is_ignored_name(name) if ignores is None else ignores(prefix + name, is_directory=False):
                    continue
                if not any_name_fits and len(name) > longest_name:
                    self.too_long += 1
                    self.stat_failed.add(prefix + name)
                    continue
                try:
                    stat = entry.stat(follow_symlinks=False)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as error:
                    # A directory that may be listed but not entered fails for all its files.
                    self.stat_failed.add(prefix + name)
                    self.refused[directory] = os.strerror(error.errno or 0)
                    continue
                ino = stat.st_ino
                if ino >= INT64_SIGN_BIT:
                    ino = to_signed_64(ino)
                # To save time, times are not clamped to what the database holds. A file with a time beyond that looks
                # changed whenever it is compared with its row.
                add((name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, ino))
            else:
                self._queue_directory(entry, prefix, rules, queue)
        return Listing(directory, fields)

    def _queue_directory(
        self, entry: os.DirEntry[str], prefix: bytes, rules: IgnoreRules, queue: list[tuple[bytes, IgnoreRules]]
    ) -> None:
        """Add an entry to the queue if it is a directory to walk."""
        if not entry.is_dir(follow_symlinks=False):
            return
        path = prefix + os.fsencode(entry.name)
        if self._enters(path, rules):
            queue.append((path, rules.enter(self._absolute(path), relative=path)))

    def _enters(self, path: bytes, rules: IgnoreRules) -> bool:
        """Whether a directory is walked: no rule ignores it, and it is on the root's device."""
        if rules.ignores(path, is_directory=True) or path in self._foreign_mounts:
            return False
        try:
            return os.lstat(os.path.join(self.root, path)).st_dev == self.device
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                self.too_long += 1
            elif error.errno not in {errno.ENOENT, errno.ENOTDIR}:
                self.refused[path] = os.strerror(error.errno or 0)
            self.unlisted.append(path)
            return False


@contextlib.contextmanager
def open_directory(directory: bytes) -> Iterator[Iterator[os.DirEntry[str]]]:
    """The entries of a directory, which is opened once: `stat` of an entry then resolves one name, not the whole path.

    A link that has taken the directory's place is not followed, but raises `OSError`.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)
