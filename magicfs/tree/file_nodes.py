"""Regular files, of this host and of others: what the kernel has of their content, and what the index says.

The base of `real.files` and `remote.nodes`, used by the FUSE adapter. The kernel keeps the pages of a file as long as
each opening finds the version that the one before has found. Belongs to the event loop of the mount; nothing here
blocks.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from magicfs.domain.attributes import Attributes
from magicfs.domain.files import FailedFile, FileStat
from magicfs.domain.results import Hit
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import FileLocation
from magicfs.tree.nodes import INDEX_ATTRIBUTE_PREFIX, Node, Openable
from magicfs.tree.placed_nodes import ChildPlace, PlacedNode

_TICK_NS, _COARSE_TICK_NS, _COARSE_UNIT_NS = 20_000_000, 2_500_000_000, 10_000_000
"""Two changes that are this far apart give a file different times. The kernel's clock goes by up to ten milliseconds
at a time, and file systems whose times are multiples of that may have one time for two seconds."""


class KernelVersion(NamedTuple):
    """The times and the size of a file that tell whether the kernel has its present attributes and pages."""

    ctime_ns: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: Attributes | FileStat) -> KernelVersion:
        """The version of a file with this status."""
        return cls(status.ctime_ns, status.size, status.mtime_ns)


class LastLookup(NamedTuple):
    """A name that the kernel was told of."""

    directory: int
    """The inode number of the directory."""
    name: bytes
    record: Hit | FailedFile | None
    """What the index says of the file, as the node had it then."""
    ends_at: float = math.inf
    """Until when the kernel may know the file by that name, by the monotonic clock."""


class FileNode(PlacedNode, Openable):
    """A regular file below a root."""

    def __init__(
        self,
        place: ChildPlace | FileLocation,
        identity: FileIdentity | None = None,
        *,
        index_record: Hit | FailedFile | None = None,
        gone_files: GoneFileLog | None = None,
    ) -> None:
        """Stand for the file that was seen at `place`.

        `index_record` holds the values of the extended attributes; None for a file of the mirror. `gone_files` is told
        when the file is not there.
        """
        super().__init__(place, identity)
        self.index_record = index_record
        self.gone_files = gone_files
        self.last_lookup: LastLookup | None = None
        """The kernel's last lookup of this file."""
        self.kernel_version: KernelVersion | None = None
        """What the attributes that the kernel was given last say of the content."""
        self._kernel_attributes: Attributes | None = None
        """All of these attributes; None if they were not kept."""
        self.opened_version: FileStat | None = None
        """The file as it was opened last: the kernel's pages are those of this version. None if that is not certain."""

    @property
    def is_of_mirror(self) -> bool:
        """Whether it was seen in `mirror/` last: the index says nothing of it."""
        return self.index_record is None and self.gone_files is None

    def update(self, newer: Node) -> None:
        """Take over the record that the index has, as `newer` has it from a later lookup."""
        super().update(newer)
        if isinstance(newer, FileNode):
            self.index_record = newer.index_record

    def merge_kernel_attributes(self, attributes: Attributes) -> Attributes:
        """Compare these attributes with those that the kernel has; record and return the ones with the later ctime.

        The index is older than the file system: a listing must not replace newer attributes that the kernel has.
        """
        if self.kernel_version is not None and attributes.ctime_ns < self.kernel_version.ctime_ns:
            return self._kernel_attributes or self._attributes_in_memory() or attributes
        self.set_kernel_attributes(attributes)
        return attributes

    def _attributes_in_memory(self) -> Attributes | None:
        """What `cached_attributes` returns; None where the file is gone."""
        try:
            return self.cached_attributes()
        except OSError:
            return None

    def set_kernel_attributes(self, attributes: Attributes) -> None:
        """Record the attributes that the kernel is given."""
        self._kernel_attributes = attributes
        self.kernel_version = KernelVersion.of(attributes)

    def kernel_attributes_match(self, version: FileStat | None) -> bool:
        """Whether the kernel has the attributes of this version, or none at all.

        Mode and owner are told by the ctime. Those of a listing are the index's, which may be older.
        """
        given = self.kernel_version
        return given is None or version is None or given == KernelVersion.of(version)

    def replace_opened_version(self, version: FileStat | None, *, now_ns: int) -> bool:
        """Record the version that is opened now; whether its content is that of the version opened before.

        One that has just changed is not recorded: it may change again, and have the same times. `now_ns` is the time
        since the epoch.
        """
        previous = self.opened_version
        self.opened_version = None if version is None or _may_change_unseen(version, now_ns) else version
        return previous is not None and version is not None and previous.same_content_as(version)

    def forget_pages(self) -> None:
        """Note that the kernel may have pages that are not those of `opened_version`."""
        self.opened_version = None

    def extended_attributes(self) -> Mapping[bytes, bytes]:
        """The fields of the index record as `user.magicfs.*`: those of the search that was looked up last."""
        facts = {
            INDEX_ATTRIBUTE_PREFIX + name.encode(): value.encode("utf-8", "replace")
            for name, value in self._index_facts()
        }
        return {**super().extended_attributes(), **facts}

    def _index_facts(self) -> Iterator[tuple[str, str]]:
        record = self.index_record
        if isinstance(record, FailedFile):
            yield "reason", record.reason
            yield "detail", record.detail or ""
        elif record is not None:
            yield "score", f"{record.score:.4f}"
            # Empty if that retriever did not return the file: every result has the attribute.
            yield "vector", "" if record.vector is None else f"{record.vector:.4f}"
            yield "lexical", "" if record.lexical is None else f"{record.lexical:.4f}"
            yield "lines", f"{record.first_line}-{record.last_line}" if record.has_text else ""
            yield "language", record.language or ""
            yield "snippet", record.snippet
            indexed_at = datetime.fromtimestamp(record.indexed_at, UTC) if record.indexed_at else None
            yield "indexed_at", indexed_at.isoformat(timespec="seconds") if indexed_at else ""

    @contextlib.contextmanager
    def reports_gone(self) -> Iterator[None]:
        """Log why the file is not there, if the context finds that."""
        try:
            yield
        except FileNotFoundError:
            if self.gone_files is not None:
                self.gone_files.report(self.location)
            raise


def _may_change_unseen(version: FileStat, now_ns: int) -> bool:
    """Whether a change of the file at this moment might leave its times as they are."""
    return now_ns - version.ctime_ns < (_TICK_NS if version.ctime_ns % _COARSE_UNIT_NS else _COARSE_TICK_NS)
