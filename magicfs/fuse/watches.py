"""Directories of the roots that this process watches, so that the kernel may keep what it knows of them for longer.

Used by the operations, on the event loop of the mount; `report_thread` waits for the kernel's reports (inotify). A
reply about a watched directory may be kept for `WATCHED_SECONDS`: when something changes there, on the disk or through
the mount, the kernel is told within milliseconds. The directory was watched before its entries were read, and a report
that comes in between takes the longer time back.
"""

from __future__ import annotations

import logging
import os
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable

from pyfuse3 import EntryAttributes

from magicfs.domain.attributes import Attributes
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.invalidation import AttributeInvalidations
from magicfs.fuse.mounted_over import MountedOver, found_at
from magicfs.fuse.report_thread import ReportThread
from magicfs.fuse.reported_changes import ENDED, ReportedChanges
from magicfs.fuse.watched_directory import Unchanged, Watch
from magicfs.linux.inotify import Event, Inotify, InotifyMask
from magicfs.linux.opening import open_below_cached
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.nodes import Node
from magicfs.tree.placed_nodes import ChildPlace
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.nodes import RealNode

log = logging.getLogger(__name__)

MAX_WATCHES = 4096
"""Directories. The agent needs far more of what the system allows a user. Where more are in use, such as those that a
`find` goes through, those come first that were used last."""
RETRY_SECONDS = 60.0
"""A directory that cannot be watched is tried again after that."""
NOT_IN_MEMORY_SECONDS = 1.0
"""One that the kernel does not have in memory, or that is on another file system, is tried again after that."""
_EVENTS_LOST = Event(-1, InotifyMask.Q_OVERFLOW, b"")


class DirectoryWatches:
    """The directories that are watched. Belongs to the event loop."""

    def __init__(self, inodes: InodeTable) -> None:
        self._inodes = inodes
        self._invalidations = AttributeInvalidations()
        self._changes = ReportedChanges(inodes, self._invalidations)
        self._inotify: Inotify | None = None
        self._watches: OrderedDict[int, Watch] = OrderedDict()
        """By the inode number of the directory, those that were used last at the end."""
        self._by_number: defaultdict[int, list[Watch]] = defaultdict(list)
        """By the number of the kernel's watch, which a directory that is in two roots has in common."""
        self._refused: dict[int, float] = {}
        """Directories that cannot be watched, and when each is tried again."""
        self._mounted_over = MountedOver()

    def start(self, run_on_loop: Callable[[Callable[[], None]], None]) -> None:
        """Begin to watch. `run_on_loop` runs a function on the event loop, from any thread."""
        try:
            self._inotify = Inotify()
        except OSError as error:
            log.warning("directories are not watched (%s): listing and missing names take longer", error.strerror)
            return
        self._invalidations.start()
        ReportThread(
            self._inotify,
            run_on_loop,
            handle_events=self._handle,
            handle_mounts=self._handle_mounts,
            give_up=self._give_up,
        ).start()

    def stop(self) -> None:
        """Watch nothing any more."""
        self._end_watches()
        self._invalidations.stop()

    def _end_watches(self) -> None:
        self._inotify = None
        for ino in tuple(self._watches):
            self.drop(ino)

    def has(self, directory: Node) -> bool:
        """Whether a directory is watched: then it is on a local file system."""
        return directory.ino in self._watches

    def find(self, directory: Node) -> Watch | None:
        """The watch of a directory, which begins if it can; None if it is not watched."""
        watch = self._use(directory.ino)
        if watch is not None or self._inotify is None or not isinstance(directory, RealDirectory):
            return watch
        now = time.monotonic()
        if now < self._refused.get(directory.ino, now) or not self._has_room():
            return None
        try:
            watch = self._begin(directory, self._inotify)
        except OSError:
            self._refused[directory.ino] = now + RETRY_SECONDS
            return None
        if watch is None:
            self._refused[directory.ino] = now + NOT_IN_MEMORY_SECONDS
        return watch

    def _use(self, ino: int) -> Watch | None:
        watch = self._watches.get(ino)
        if watch is not None:
            watch.note_use()
            self._watches.move_to_end(ino)
        return watch

    def _has_room(self) -> bool:
        """Whether one more directory can be watched: another one is dropped for it if the kernel keeps nothing of that.

        Otherwise a program that goes through a large tree once would take the watches from all that come later.
        """
        if len(self._watches) < MAX_WATCHES:
            return True
        ino, watch = next(iter(self._watches.items()))
        if not watch.is_unused():
            return False
        self._changes.forget_pages(watch)
        self.drop(ino)
        return True

    def _begin(self, directory: RealDirectory, inotify: Inotify) -> Watch | None:
        """Watch a directory on a file system that only this machine changes, if the kernel has it in memory.

        Raises `OSError` if it cannot be watched.
        """
        location = directory.location
        descriptor = open_below_cached(location.root, location.path or b".", flags=os.O_PATH)
        if descriptor is None:
            return None
        try:
            status = directory.verified_status(descriptor)
            # A link of the kernel's own, which leads to what is open and nowhere else.
            number = inotify.add(b"/proc/self/fd/%d/." % descriptor)
        finally:
            os.close(descriptor)
        watch = self._watches[directory.ino] = Watch(directory, number, (status.st_dev, status.st_ino))
        self._by_number[number].append(watch)
        return watch

    def drop(self, ino: int) -> None:
        """Stop watching a directory: the kernel has forgotten it, or it is not there any more."""
        self._refused.pop(ino, None)
        watch = self._watches.pop(ino, None)
        if watch is None:
            return
        watch.end()
        FAST_PATH.forget(ino)
        others = self._by_number[watch.number]
        others.remove(watch)
        if not others:
            del self._by_number[watch.number]
            if self._inotify is not None:
                self._inotify.remove(watch.number)

    def entry_of(self, directory: Node, name: bytes) -> Unchanged | None:
        """Whether a directory stays as it is, for a name that is looked up in it next; None if it is not watched."""
        watch = self.find(directory)
        return None if watch is None else Unchanged(watch, name)

    def attributes_of(self, node: Node) -> Unchanged | None:
        """Whether a node stays as it is, for its attributes that are read next; None if nothing watches it."""
        if not isinstance(node, RealNode) or not isinstance(node.place, ChildPlace):
            return None
        own = self._watches.get(node.ino)
        if own is not None:
            return Unchanged(own, None)
        watch = self._watches.get(node.place.directory.ino)
        return None if watch is None else Unchanged(watch, node.place.name)

    def keep_entry(self, unchanged: Unchanged | None, reply: EntryAttributes, attributes: Attributes) -> None:
        """Let the kernel keep a reply about a name for longer, if nothing has changed since."""
        if unchanged is None or unchanged.name is None or not unchanged.covers(attributes):
            return
        watch, name, ino = unchanged.watch, unchanged.name, int(reply.st_ino)
        if not watch.keep_name(name, ino, reply):
            return
        own = self._watches.get(ino)
        if own is not None:
            own.keep_own_attributes(reply)
        elif attributes.links == 1:
            watch.keep_attributes(name, reply)

    def keep_listed(
        self, unchanged: Unchanged | None, name: bytes, reply: EntryAttributes, attributes: Attributes
    ) -> None:
        """What `keep_entry` does, for an entry of a listing that was read after `unchanged` was asked for."""
        if unchanged is not None:
            unchanged.name = name
            self.keep_entry(unchanged, reply, attributes)

    def note_lookup(self, directory: int, name: bytes, ino: int) -> None:
        """Note that the kernel was told of a plain file without Python: it hears of a change within its second."""
        watch = self._use(directory)
        if watch is not None and watch.has_room(name, 1):
            watch.keep_listed({name: ino})

    def keep_missing(self, unchanged: Unchanged | None) -> bool:
        """Whether the kernel may keep for `WATCHED_SECONDS` that a name does not exist."""
        if unchanged is None or unchanged.name is None or not unchanged.holds():
            return False
        return unchanged.watch.keep_missing(unchanged.name)

    def keep_attributes(self, unchanged: Unchanged | None, reply: EntryAttributes, attributes: Attributes) -> None:
        """Let the kernel keep the attributes of a node for longer."""
        if unchanged is None or not unchanged.covers(attributes):
            return
        watch, name = unchanged.watch, unchanged.name
        if name is None:
            watch.keep_own_attributes(reply)
        elif attributes.links == 1 and watch.names.get(name) == int(reply.st_ino):
            watch.keep_attributes(name, reply)

    def note_removal(self, directory: Node, name: bytes) -> None:
        """Note that a name was removed or renamed in the mount: the kernel knows it, and may have a new one by now."""
        watch = self._watches.get(directory.ino)
        ino = None if watch is None else watch.forget_name(name)
        if ino is not None:
            self._invalidations.put(ino)

    def note_rename(self, directory: Node, name: bytes, node: Node | None) -> None:
        """Note the new name of what was renamed in the mount: the kernel keeps it for as long as the old one."""
        watch = self._watches.get(directory.ino)
        if watch is not None and node is not None:
            watch.note_name(name, node.ino)

    def _give_up(self) -> None:
        """Watch nothing any more, because no more reports come."""
        self._handle([_EVENTS_LOST])
        self._end_watches()

    def _handle(self, events: Iterable[Event]) -> bool:
        """Tell the kernel of what has changed; False if it keeps nothing that the changes concern."""
        # It may have been told since of what has changed then.
        self._inodes.other_lookups.settle()
        told = False
        for event in events:
            if event.mask & InotifyMask.Q_OVERFLOW:
                for watch in self._watches.values():
                    watch.count_change()
                    self._changes.expire_all(watch)
                told = True
                continue
            for watch in tuple(self._by_number.get(event.watch, ())):
                watch.count_change()
                told |= self._changes.report(watch, event)
                if event.mask & ENDED:
                    self.drop(watch.directory.ino)
        return told

    def _handle_mounts(self, mount_points: Iterable[bytes]) -> None:
        """Tell the kernel of what was mounted or unmounted: that hides directories and names without a report.

        Only names that the mount points have are looked at, unless the directory itself is hidden. What is mounted
        elsewhere changes nothing in a directory, which stays quiet: a machine may mount something every second.
        """
        names = {os.path.basename(mount_point) for mount_point in mount_points}
        watches = tuple(self._watches.values()) if names else ()
        may_be_hidden = self._mounted_over.may_be_hidden(watches, names)
        for watch in watches:
            watch.count_mount()
            found = found_at(watch.directory) if watch in may_be_hidden else watch.file
            if found != watch.file:
                watch.count_change()
                self._changes.expire_all(watch)
            if found not in {watch.file, None}:
                self.drop(watch.directory.ino)
                continue
            for name in names:
                if watch.keeps(name) and not self._changes.leads_to(watch.directory, name, watch.names.get(name)):
                    watch.count_change()
                    self._changes.forget_name(watch, name)
