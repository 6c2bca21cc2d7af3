"""Which watched directories may be hidden, or shown again, by what was mounted or unmounted somewhere.

Used by `watches`, on the event loop of the mount. Some machines mount something every second, and looking at thousands
of directories each time would take the loop most of its time. Below a root no link is followed, so a mount point that
hides a directory has the name of a part of its path; what hides the root itself is seen at the root.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from magicfs.fuse.watched_directory import Watch
from magicfs.tree.real.directories import RealDirectory


class MountedOver:
    """Remembers what the roots were when something was mounted last."""

    def __init__(self) -> None:
        self._roots: dict[bytes, tuple[int, int] | None] = {}

    def may_be_hidden(self, watches: Iterable[Watch], names: Collection[bytes]) -> set[Watch]:
        """The watches that are to be looked at because mount points with these names have come or gone.

        Watches that have begun since the last call are among them: what they saw may have been hidden before this call.
        """
        before, self._roots = self._roots, {}
        wanted = frozenset(names)
        found: set[Watch] = set()
        for watch in watches:
            location = watch.directory.location
            if location.root not in self._roots:
                self._roots[location.root] = found_at(RealDirectory(location._replace(path=b"")))
            root = self._roots[location.root]
            is_same = root is not None and root == before.get(location.root)
            if watch.is_new or not is_same or not wanted.isdisjoint(location.path.split(b"/")):
                watch.is_new = False
                found.add(watch)
        return found


def found_at(directory: RealDirectory) -> tuple[int, int] | None:
    """Device and inode number of a directory; None if it is not certain to be where it was seen last.

    That of a root is whichever is there.
    """
    try:
        status = directory.status_nowait()
    except OSError:
        return None
    return None if status is None else (status.st_dev, status.st_ino)
