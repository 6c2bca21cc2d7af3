"""`.magic/`: the state of the index, a file that refreshes, and the files that are not indexed.

Used by `tree.Tree`. It reads the database through the protocol `IndexQueries` only. Methods that read it block and run
in the thread pool of the index; the others run on the event loop of the mount.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from magicfs.domain.attributes import AttributeChange, Attributes
from magicfs.domain.deadline import Deadline
from magicfs.domain.files import FailedFile
from magicfs.domain.results import AsOf
from magicfs.domain.status import IndexStatus
from magicfs.search.render import status_json
from magicfs.tree.directories import Entry, InMemoryListing
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from magicfs.tree.names import numbered_names
from magicfs.tree.nodes import Handle, Openable, ThreadPool, not_found
from magicfs.tree.results.file_views import FileView
from magicfs.tree.virtual import GeneratedFile, GeneratedFileHandle, StaticDirectory, VirtualDirectory

MAX_LISTED_FAILURES = 2000
"""The most files that are listed for one reason."""
LISTING_SECONDS = 1.0
"""The age up to which a listing of a reason serves lookups: programs look up each name that they have listed."""


class UnindexedFiles(Protocol):
    """The queries for files that are not indexed. They block, and raise `DatabaseError`."""

    def unindexed_reasons(self) -> Sequence[str]:
        """The reasons why files are not indexed."""

    def unindexed_files(self, *, reason: str, limit: int) -> Sequence[FailedFile]:
        """Up to `limit` files that are not indexed for one reason."""


class IndexQueries(UnindexedFiles, Protocol):
    """The queries that the tree sends to the database. Its methods block, and raise `DatabaseError`."""

    def change_marker(self, deadline: Deadline) -> str:
        """A text that differs after each change that searches can see."""

    def as_of(self, deadline: Deadline) -> AsOf:
        """Up to which moment the index holds everything that was saved."""

    def status(self) -> IndexStatus:
        """The state of the index."""

    def request_scan(self, host: str) -> None:
        """Request a scan of the roots of a host."""


def magic_directory(
    index: IndexQueries,
    *,
    refresh: Callable[[], None],
    counts: Callable[[], Mapping[str, int]],
    host: str,
    view: FileView,
    mounted_at_ns: int,
) -> StaticDirectory:
    """The directory `.magic/`. `refresh` clears the result cache; `counts` returns `Tree.counts`.

    `view` shows the files that failed.
    """

    def refresh_all() -> None:
        refresh()
        index.request_scan(host)

    def status() -> bytes:
        state = status_json(index.status()) | {"this_mount": counts()}
        return json.dumps(state, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"

    entries = {
        b"status.json": GeneratedFile(b"status", status, mounted_at_ns=mounted_at_ns),
        b"refresh": RefreshFile(refresh_all, mounted_at_ns=mounted_at_ns),
        b"failed": FailedDirectory(index, view, mounted_at_ns=mounted_at_ns),
    }
    return StaticDirectory(b"magic", entries, mounted_at_ns=mounted_at_ns)


class RefreshHandle(GeneratedFileHandle):
    """The open `refresh` file: empty, and discards what is written to it."""

    def write(self, offset: int, data: bytes) -> int:
        """Discard the data: opening the file has refreshed already."""
        del offset
        return len(data)


class RefreshFile(Openable):
    """An empty file. Opened to write, or touched, it clears the result cache and requests a scan of this host's roots.

    The scan finds changes without an event, as through `mmap` or on a network disk.
    """

    thread_pool = ThreadPool.INDEX
    attribute_timeout_seconds = 0.0

    def __init__(self, refresh: Callable[[], None], *, mounted_at_ns: int) -> None:
        super().__init__(b"grefresh")
        self._refresh = refresh
        self._mounted_at_ns = mounted_at_ns

    def cached_attributes(self) -> Attributes:
        """Attributes of an empty file that its owner may write."""
        return Attributes.of_virtual(mode=stat.S_IFREG | 0o644, mounted_at_ns=self._mounted_at_ns)

    def attributes(self) -> Attributes:
        """The attributes that `cached_attributes` returns. Never blocks."""
        return self.cached_attributes()

    def open(self, flags: int) -> Handle:
        """Refresh if opened to write. May block."""
        if flags & os.O_ACCMODE != os.O_RDONLY:
            self._refresh()
        return RefreshHandle(b"")

    def set_attributes(self, change: AttributeChange, handle: Handle | None) -> None:
        """Refresh: this is what `touch` does. May block."""
        del change, handle
        self._refresh()

    def access(self, mode: int) -> bool:
        """Whether `mode` asks only to read and to write."""
        return not mode & os.X_OK


class FailedDirectory(VirtualDirectory):
    """`.magic/failed/`: one directory a reason."""

    thread_pool = ThreadPool.INDEX

    def __init__(self, index: UnindexedFiles, view: FileView, *, mounted_at_ns: int) -> None:
        super().__init__(b"failed", mounted_at_ns=mounted_at_ns)
        self._index = index
        self._view = view
        self._listings: dict[bytes, ReasonListing] = {}

    def lookup(self, name: bytes) -> Entry:
        """The directory of a reason that some file has. May block."""
        if name.decode("utf-8", "replace") not in self._index.unindexed_reasons():
            raise not_found(name)
        return self._entry(name)

    def list(self) -> InMemoryListing:
        """The reasons that some file has. May block."""
        return InMemoryListing([self._entry(reason.encode()) for reason in self._index.unindexed_reasons()])

    def _entry(self, name: bytes) -> Entry:
        node = ReasonDirectory(name, self._index, self._listings, self._view, mounted_at_ns=self.mounted_at_ns)
        return Entry(name, node, node.cached_attributes(), timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)


@dataclass(frozen=True, slots=True)
class ReasonListing:
    """The files of a reason by name, and when they were read, by the monotonic clock."""

    entries: Mapping[bytes, Entry]
    read_at: float


class ReasonDirectory(VirtualDirectory):
    """The files that failed or were skipped for one reason."""

    thread_pool = ThreadPool.INDEX

    def __init__(
        self,
        reason: bytes,
        index: UnindexedFiles,
        listings: dict[bytes, ReasonListing],
        view: FileView,
        *,
        mounted_at_ns: int,
    ) -> None:
        """The directory of `reason`. `listings` has the latest listing of each reason; all nodes share it."""
        super().__init__(b"failed/" + reason, mounted_at_ns=mounted_at_ns)
        self._reason = reason
        self._index = index
        self._listings = listings
        self._view = view

    def lookup(self, name: bytes) -> Entry:
        """The file of that name in a list that is at most LISTING_SECONDS old. May block."""
        listing = self._listings.get(self._reason)
        if listing is None or time.monotonic() - listing.read_at > LISTING_SECONDS:
            listing = self._read()
        if name not in listing.entries:
            raise not_found(name)
        return listing.entries[name]

    def list(self) -> InMemoryListing:
        """The files with the attributes that the index has. May block."""
        return InMemoryListing(list(self._read().entries.values()))

    def _read(self) -> ReasonListing:
        read_at = time.monotonic()
        files = self._index.unindexed_files(reason=self._reason.decode("utf-8", "replace"), limit=MAX_LISTED_FAILURES)
        names = numbered_names(file.path.rpartition(b"/")[2] for file in files)
        entries = {name: self._view.listed(name, file) for name, file in zip(names, files, strict=True)}
        listing = self._listings[self._reason] = ReasonListing(entries, read_at)
        return listing
