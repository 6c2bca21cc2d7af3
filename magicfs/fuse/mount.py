"""A mount from beginning to end: `run_mount` is what `magicfs mount` runs."""

from __future__ import annotations

import functools
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyfuse3
import trio

from magicfs.config import Settings
from magicfs.db.failures import failed_files, failure_reasons
from magicfs.db.pool import Database
from magicfs.db.roots import list_roots
from magicfs.db.status import index_version, read_status
from magicfs.domain.files import FailedFile
from magicfs.domain.status import IndexStatus
from magicfs.errors import MountError
from magicfs.fuse.heartbeat import Heartbeat
from magicfs.fuse.mountpoint import prepare, raise_read_ahead
from magicfs.fuse.operations import Mount
from magicfs.tree.results import Searcher
from magicfs.tree.tree import Tree

log = logging.getLogger(__name__)

OPTIONS = frozenset({"fsname=magicfs", "subtype=magicfs", "nosuid", "nodev"})
"""Nobody but the user who mounts gets in (there is no `allow_other`), and what that user may do with a file is the
file system's decision when it is done: so no `default_permissions`, which knows nothing of access lists."""
READ_AHEAD_KB = 1024
"""The largest request that the kernel makes; reads are twice as fast as with the usual 128."""
MOST_REQUESTS = 512
"""Requests in progress at once; more than the threads of all lanes, so that none waits to be read."""
IDLE_TASKS = 8
LAST_SECONDS = 2.0
"""What is in progress when the mount is told to end may take this long."""


class DatabaseIndex:
    """What the tree asks of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> str:
        """A text that is another one after each change."""
        with self._database.transaction() as connection:
            return index_version(connection)

    def status(self) -> IndexStatus:
        """The state of the whole."""
        with self._database.transaction() as connection:
            return read_status(connection)

    def reasons(self) -> Sequence[str]:
        """The reasons for which files could not be indexed."""
        with self._database.transaction() as connection:
            return failure_reasons(connection)

    def failed(self, *, reason: str, limit: int) -> Sequence[FailedFile]:
        """Files that could not be indexed."""
        with self._database.transaction() as connection:
            return failed_files(connection, reason=reason, limit=limit)


def run_mount(
    *,
    mountpoint: Path,
    settings: Settings,
    searcher: Searcher,
    database: Database,
    ready: Callable[[], None] | None = None,
) -> None:
    """Mount at `mountpoint` and serve until SIGTERM, SIGINT, or until somebody unmounts it.

    Runs in the main thread. `ready` is called once the mount is there; it must not look into it. `database` should
    have a connection for each search that may run at once and two more, and a short `connect_seconds`: that is how
    long a search takes to fail when there is no database. Raises `MountError` when the place or FUSE will not do,
    and `DatabaseError` when the roots cannot be read.
    """
    with database.transaction() as connection:
        roots = [known.root for known in list_roots(connection)]
    place = prepare(mountpoint, roots=roots, host=settings.host)
    tree = Tree(searcher, DatabaseIndex(database), host=settings.host, search_seconds=settings.search_seconds)
    tree.show_roots(roots)
    operations = Mount(tree, search_seconds=settings.search_seconds)
    with (
        mounted(operations, place),
        Heartbeat(database, host=settings.host, place=place, show_roots=tree.show_roots),
    ):
        log.info("mounted at %s", place)
        trio.run(_serve, operations, place, ready)
    log.info("unmounted %s", place)


@contextmanager
def mounted(operations: Mount, place: Path) -> Iterator[None]:
    """The kernel has the mount; at the end the place is an empty directory again, whoever is still inside."""
    try:
        pyfuse3.init(operations, str(place), set(OPTIONS))
    except RuntimeError as error:
        raise MountError(f"cannot mount at {place} ({error}): run 'magicfs doctor'") from error
    try:
        yield
    finally:
        pyfuse3.close(unmount=True)


async def _serve(operations: Mount, place: Path, ready: Callable[[], None] | None) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_end_on_signal, signals, nursery.cancel_scope)
            nursery.start_soon(_read_ahead, operations, place)
            if ready is not None:
                ready()
            await pyfuse3.main(min_tasks=IDLE_TASKS, max_tasks=MOST_REQUESTS)
            nursery.cancel_scope.cancel()


async def _read_ahead(operations: Mount, place: Path) -> None:
    """Not before the kernel has made up its mind: it would go back to what it had in mind before."""
    await operations.started.wait()
    await trio.to_thread.run_sync(functools.partial(raise_read_ahead, place, kilobytes=READ_AHEAD_KB))


async def _end_on_signal(signals: AsyncIterator[int], everything: trio.CancelScope) -> None:
    async for number in signals:
        log.info("ending on %s", signal.Signals(number).name)
        pyfuse3.terminate()
        await trio.sleep(LAST_SECONDS)
        everything.cancel()
