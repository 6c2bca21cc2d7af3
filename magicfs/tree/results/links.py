"""`links/`: the results of a query as symbolic links to the files of this host, for programs that want the file itself.

Used by `tree.Tree`, through the directories of `searches`. The names and the order are those of `search/`; results of
other hosts are left out. A link is made from what the index has: it may point to a file that is gone. Nothing here
blocks.
"""

from __future__ import annotations

import os
import stat

from magicfs.domain.attributes import Attributes
from magicfs.domain.results import Hit
from magicfs.tree.directories import Entry
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from magicfs.tree.nodes import Link, not_found


class ResultLink(Link):
    """A link to the file of a result. Its time is that of the file, so that `ls -t` sorts by it."""

    attribute_timeout_seconds = REAL_FILE_TIMEOUT_SECONDS

    def __init__(self, hit: Hit) -> None:
        """Point to the file of `hit`, on this host."""
        super().__init__(b"k" + hit.absolute_path)
        self._target = hit.absolute_path
        self._mtime_ns = hit.stat.mtime_ns

    def target(self) -> bytes:
        """The absolute path of the file. Never blocks."""
        return self._target

    def cached_attributes(self) -> Attributes:
        """Attributes of a link that belongs to the user of the mount."""
        return Attributes(
            mode=stat.S_IFLNK | 0o777,
            size=len(self._target),
            uid=os.geteuid(),
            gid=os.getegid(),
            atime_ns=self._mtime_ns,
            mtime_ns=self._mtime_ns,
            ctime_ns=self._mtime_ns,
        )

    def attributes(self) -> Attributes:
        """The attributes that `cached_attributes` returns. Never blocks."""
        return self.cached_attributes()

    def update(self, newer: ResultLink) -> None:
        """Take over the time of the file, as the index has it now."""
        self._mtime_ns = newer._mtime_ns


class LinkView:
    """Shows results as links."""

    key = b"links"

    def __init__(self, *, host: str) -> None:
        """`host` is the name of this host."""
        self._host = host

    def listed(self, name: bytes, hit: Hit) -> Entry | None:
        """The link of a result; None for a file of another host."""
        if hit.host != self._host:
            return None
        link = ResultLink(hit)
        return Entry(name, link, link.cached_attributes(), timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)

    def found(self, name: bytes, hit: Hit) -> Entry:
        """The link of a result. Raises `FileNotFoundError` for a file of another host."""
        entry = self.listed(name, hit)
        if entry is None:
            raise not_found(name)
        return entry
