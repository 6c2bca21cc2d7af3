"""One directory of the roots that is watched, and what the kernel keeps of it.

Used by `watches`, on the event loop of the mount. A reply about what is in the directory may be kept for
`WATCHED_SECONDS` unless something has changed there since it was asked for, or shortly before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from pyfuse3 import EntryAttributes

from magicfs.domain.attributes import Attributes
from magicfs.tree.directories import DirectoryListing
from magicfs.tree.placed_nodes import ChildPlace
from magicfs.tree.real.directories import RealDirectory

WATCHED_SECONDS = 10.0
"""What no report tells of is seen after that: times that a mapping into memory changes, and hard links elsewhere."""
QUIET_SECONDS = 2.0
"""What has changed so recently will change again: it is kept as short as what nobody watches."""
LISTED_SECONDS = WATCHED_SECONDS / 2
"""The kernel uses the names of a directory that it has kept for so long."""
MAX_NAMES = 20_000
"""Names of one directory that the kernel keeps: each takes 150 bytes, and reports of more take the loop too long."""
MAX_MISSING = 2048
"""Names that do not exist, for each directory."""
ASKED_BEFORE_KEPT = 2
"""A name that is looked for so often in vain is one of a search path. One that is looked for once may be made next, by
another program that is faster than the report."""
_NANOSECONDS = 10**9


class Watch:
    """A directory that is watched, and what the kernel keeps of it."""

    def __init__(self, directory: RealDirectory, number: int, file: tuple[int, int]) -> None:
        """`number` is that of the kernel's watch, `file` the device and the inode number of what is watched."""
        self.directory = directory
        self.number = number
        self.file = file
        self.is_new = True
        """Whether it has begun since something was mounted or unmounted last."""
        self.changes = 0
        """How many changes were reported, and mounts anywhere, and that nobody watches any more."""
        self._changed_at = -QUIET_SECONDS
        self.names: dict[bytes, int] = {}
        """Names that the kernel keeps, with the inode number."""
        self.missing: set[bytes] = set()
        """Names that do not exist, as the kernel keeps."""
        self._asked: dict[bytes, int] = {}
        """How often each name was looked for in vain that the kernel does not keep."""
        self._attributes: set[bytes] = set()
        """The names whose attributes the kernel keeps."""
        self.keeps_own_attributes = False
        self._listed: tuple[tuple[int, int], DirectoryListing, float] | None = None
        """The version of the directory whose names the kernel keeps, these names, and when they were listed."""
        self._kept_at = float("-inf")
        """When the kernel was last let keep a name, its attributes, or that it does not exist."""
        self._used_at = time.monotonic()
        """When a program last used the directory."""

    def note_use(self) -> None:
        """Note that a program uses the directory."""
        self._used_at = time.monotonic()

    def is_unused(self) -> bool:
        """Whether nobody has used it for so long that the kernel has dropped by itself what it was let keep."""
        return time.monotonic() - max(self._used_at, self._kept_at) > 2 * WATCHED_SECONDS

    def note_kept_listing(self, version: tuple[int, int], listing: DirectoryListing) -> None:
        """Note that the kernel keeps this listing of this version of the directory, and attributes of its entries."""
        self._listed = version, listing, time.monotonic()

    def kept_listing(self, version: tuple[int, int]) -> DirectoryListing | None:
        """The names that the kernel has kept of this version, if it keeps the attributes of each for a while yet.

        After that, reading all entries anew takes less than looking up each.
        """
        if self._listed is None:
            return None
        listed, listing, listed_at = self._listed
        if listed != version or not self.is_quiet() or time.monotonic() - listed_at >= LISTED_SECONDS:
            self._listed = None
            return None
        return listing

    def count_change(self) -> None:
        """Note that something has changed: the kernel may not keep replies that are on their way."""
        self.changes += 1
        self._changed_at = time.monotonic()

    def count_mount(self) -> None:
        """Note that something was mounted or unmounted somewhere: what was read before, even of a listing, is not kept.

        What is read from now on shows it.
        """
        self.changes += 1
        self._listed = None

    def end(self) -> None:
        """Note that nobody watches the directory any more: the kernel may not keep replies that are on their way."""
        self.changes += 1

    def is_quiet(self) -> bool:
        """Whether the last change is long enough ago."""
        return time.monotonic() - self._changed_at >= QUIET_SECONDS

    def keep_name(self, name: bytes, ino: int, reply: EntryAttributes) -> bool:
        """Let the kernel keep that a name leads to an inode; False if it keeps too many."""
        if len(self.names) >= MAX_NAMES and name not in self.names:
            return False
        reply.entry_timeout = WATCHED_SECONDS
        self._kept_at = time.monotonic()
        self.note_name(name, ino)
        return True

    def note_name(self, name: bytes, ino: int) -> None:
        """Note that the kernel keeps a name with this inode."""
        self.missing.discard(name)
        self.names[name] = ino

    def keep_attributes(self, name: bytes, reply: EntryAttributes) -> None:
        """Let the kernel keep the attributes of what has that name alone."""
        reply.attr_timeout = WATCHED_SECONDS
        self._kept_at = time.monotonic()
        self._attributes.add(name)

    def has_room(self, name: bytes, count: int) -> bool:
        """Whether `count` names can be kept, beginning with this one."""
        return len(self.names) + count <= MAX_NAMES or name in self.names

    def keep_listed(self, names: Mapping[bytes, int]) -> None:
        """Note that the kernel keeps names with these inodes, and the attributes of files that have one name alone."""
        self._kept_at = time.monotonic()
        self.missing.difference_update(names)
        self.names.update(names)
        self._attributes.update(names)

    def keep_own_attributes(self, reply: EntryAttributes) -> None:
        """Let the kernel keep the attributes of the directory, unless it is that of a root or has just changed."""
        if self.is_quiet() and isinstance(self.directory.place, ChildPlace):
            reply.attr_timeout = WATCHED_SECONDS
            self.note_use()
            self.keeps_own_attributes = True

    def keep_missing(self, name: bytes) -> bool:
        """Whether the kernel may keep that a name does not exist."""
        asked = self._asked.get(name, 0)
        if asked < ASKED_BEFORE_KEPT:
            if len(self._asked) >= MAX_MISSING:
                self._asked.clear()
            self._asked[name] = asked + 1
            return False
        if len(self.missing) >= MAX_MISSING:
            return False
        try:
            # Where another program has moved a directory above, its names are missing at its old place alone.
            if self.directory.status_nowait() is None:
                return False
        except OSError:
            return False
        self._kept_at = time.monotonic()
        self.forget_name(name)
        self.missing.add(name)
        return True

    def note_name_change(self, name: bytes) -> None:
        """Note that a name was made, removed or renamed: only another look-up in vain lets it be kept as missing."""
        self._asked.pop(name, None)

    def keeps(self, name: bytes) -> bool:
        """Whether the kernel keeps a name, or that it does not exist."""
        return name in self.names or name in self.missing

    def to_take_back(self) -> list[bytes]:
        """The names that the kernel may keep, and those that it may keep as missing.

        None of a directory that nobody has used for so long that the kernel has dropped them by itself, however late it
        was told: looking at each of the names of all directories would take the loop seconds.
        """
        if time.monotonic() - self._kept_at > 2 * WATCHED_SECONDS:
            self.names.clear()
            self.missing.clear()
            self._attributes.clear()
        return [*self.names, *self.missing]

    def forget_attributes(self, name: bytes) -> bool:
        """Note that the kernel does not keep the attributes of a name any more; whether it did."""
        if name not in self._attributes:
            return False
        self._attributes.remove(name)
        return True

    def forget_name(self, name: bytes) -> int | None:
        """Note that the kernel does not keep a name any more. Returns the inode number that it led to, if any."""
        self._attributes.discard(name)
        self.missing.discard(name)
        return self.names.pop(name, None)


class Unchanged:
    """Whether a directory has stayed as it is since this was made, before a name or attributes in it were read."""

    __slots__ = ("_changes", "name", "watch")

    def __init__(self, watch: Watch, name: bytes | None) -> None:
        """`name` is that of the node in the directory; None for the directory itself."""
        self.watch, self.name, self._changes = watch, name, watch.changes

    def holds(self) -> bool:
        """Whether nothing has changed since, nor shortly before."""
        return self.watch.changes == self._changes and self.watch.is_quiet()

    def covers(self, attributes: Attributes) -> bool:
        """Whether it holds, and what has these attributes has not changed shortly before either."""
        return self.holds() and attributes.ctime_ns <= unchanged_since_ns()


def unchanged_since_ns() -> float:
    """What has changed since that time will change again, in nanoseconds since the epoch."""
    return time.time_ns() - QUIET_SECONDS * _NANOSECONDS
