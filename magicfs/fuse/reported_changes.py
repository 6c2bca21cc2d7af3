"""What the kernel is told when something has changed in a watched directory: it keeps it no longer.

Used by `watches`, on the event loop of the mount. What still leads to the same node keeps its name.
"""

from __future__ import annotations

import pyfuse3
from pyfuse3 import FileNameT, InodeT

from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.invalidation import AttributeInvalidations
from magicfs.fuse.watched_directory import Watch
from magicfs.linux.inotify import Event, InotifyMask
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.nodes import RealNode

ENDED = InotifyMask.IGNORED | InotifyMask.UNMOUNT | InotifyMask.DELETE_SELF
"""The directory is not there any more."""
_OF_WHOLE_DIRECTORY = ENDED | InotifyMask.ATTRIB | InotifyMask.MOVE_SELF
_OF_NAMES = InotifyMask.CREATE | InotifyMask.DELETE | InotifyMask.MOVED_FROM | InotifyMask.MOVED_TO


class ReportedChanges:
    """Takes back what the kernel keeps."""

    def __init__(self, inodes: InodeTable, invalidations: AttributeInvalidations) -> None:
        self._inodes = inodes
        self._invalidations = invalidations

    def report(self, watch: Watch, event: Event) -> bool:
        """Tell the kernel of one change; False if it keeps nothing that the change concerns."""
        told = False
        if event.name:
            told = self._report_name(watch, event)
        elif event.mask & _OF_WHOLE_DIRECTORY:
            told = True
            self.expire_all(watch)
        if watch.keeps_own_attributes and event.mask & (_OF_NAMES if event.name else _OF_WHOLE_DIRECTORY):
            told = True
            self._expire_own(watch)
        return told

    def _report_name(self, watch: Watch, event: Event) -> bool:
        watch.note_name_change(event.name)
        ino = watch.names.get(event.name)
        told = False
        if event.mask & InotifyMask.CLOSE_WRITE:
            self._content_is_closed(watch, event.name, ino)
        if ino is not None and watch.forget_attributes(event.name):
            told = True
            self._invalidations.put(ino, (watch.directory.ino, event.name))
        if event.mask & _OF_NAMES and watch.keeps(event.name) and not self.leads_to(watch.directory, event.name, ino):
            told = True
            self.forget_name(watch, event.name)
        return told

    def _content_is_closed(self, watch: Watch, name: bytes, ino: int | None) -> None:
        """Have the kernel keep no page of a file that a program has written: mappings change it without times."""
        location = watch.directory.location
        written = FAST_PATH.leave_written((location.root, location.path), name) or ino
        if written is not None:
            self._inodes.forget_pages(written)

    def forget_pages(self, watch: Watch) -> None:
        """Have the kernel keep no page of the files that were used here: nobody will tell who writes to them."""
        for ino in watch.names.values():
            FAST_PATH.forget(ino)
            self._inodes.forget_pages(ino)

    def leads_to(self, directory: RealDirectory, name: bytes, ino: int | None) -> bool:
        """Whether a name is still that of a node. What was renamed through the mount is known to the kernel already.

        Taking such a name away would take the working directory away from those who stand below it.
        """
        node = self._inodes.find(ino) if ino is not None and ino in self._inodes else None
        if not isinstance(node, RealNode) or node.identity is None:
            return False
        try:
            entry = directory.lookup_cached(name)
        except OSError:
            return False
        found = entry.node if entry is not None else None
        return isinstance(found, RealNode) and found.identity is not None and node.identity.is_same_file(found.identity)

    def forget_name(self, watch: Watch, name: bytes) -> None:
        """Have the kernel look a name up anew."""
        ino = watch.forget_name(name)
        pyfuse3.invalidate_entry_async(InodeT(watch.directory.ino), FileNameT(name), ignore_enoent=True)
        if ino is not None:
            self._invalidations.put(ino)

    def expire_all(self, watch: Watch) -> None:
        """Take back what the kernel keeps of a directory, but for names that still lead to the same node.

        A plain file that nobody uses is looked up anew: looking at each of thousands here would take the loop seconds,
        and leave them as objects, with which the fast path cannot go on.
        """
        for name in watch.to_take_back():
            ino = watch.names.get(name)
            if ino is not None and not self._is_unused_file(ino) and self.leads_to(watch.directory, name, ino):
                is_kept = watch.forget_attributes(name)
                self._invalidations.put(ino, (watch.directory.ino, name) if is_kept else None)
            else:
                self.forget_name(watch, name)
        self._expire_own(watch)

    def _is_unused_file(self, ino: int) -> bool:
        return self._inodes.is_packed_file(ino) and FAST_PATH.opened(ino) is None

    def _expire_own(self, watch: Watch) -> None:
        watch.keeps_own_attributes = False
        self._invalidations.put(watch.directory.ino)
