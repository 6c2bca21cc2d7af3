"""The life of a mount: `run_mount` mounts, serves requests, and unmounts.

Used by the composition root for `magicfs mount`. It handles no request itself: `TreeOperations` does. Runs in the main
thread of the mount process, which is also the thread of the event loop; `Heartbeat` and the thread pools have threads
of their own.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyfuse3
import trio

from magicfs.config import Settings
from magicfs.db.cluster.roots import list_roots
from magicfs.db.pool import Connection, Database
from magicfs.errors import MountError
from magicfs.fuse.database_index import DatabaseIndex
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.heartbeat import Heartbeat
from magicfs.fuse.mountpoint import prepare_mountpoint, raise_read_ahead
from magicfs.fuse.operations import TreeOperations
from magicfs.fuse.thread_pools import INDEX_THREADS
from magicfs.linux.process import collect_garbage_rarely, raise_open_file_limit
from magicfs.state_directory.allowed_roots import AllowedRoots
from magicfs.tree.remote.files import NoRemoteFiles, RemoteFiles
from magicfs.tree.remote.nodes import RemoteSource
from magicfs.tree.results.result_cache import ResultCache, Searcher
from magicfs.tree.scratch.scratch import scratch_directory
from magicfs.tree.tree import Tree

log = logging.getLogger(__name__)

MOUNT_OPTIONS = frozenset({"fsname=magicfs", "subtype=magicfs", "nosuid", "nodev"})
"""Without `allow_other`: only the user who mounts has access. Without `default_permissions`: the file system of a root
decides, since the kernel's own check knows nothing of access lists."""
SHARED_MOUNT_OPTIONS = frozenset({"allow_other", "default_permissions"})
"""With the setting `allow_other`: the kernel checks modes, and access lists as `TreeOperations.enable_acl` says."""
READ_AHEAD_KB = 1024
"""The kernel's largest request; reads are twice as fast as with the usual 128."""
MAX_REQUESTS = 512
"""Requests in progress at once; more than the threads of all pools, so that a busy pool does not delay the others."""
MIN_REQUEST_TASKS = 8
DATABASE_CONNECTIONS = INDEX_THREADS + 1
"""One for each thread that asks the index, so that none waits for another, and one for the heartbeat."""
SHUTDOWN_SECONDS = 2.0
"""Requests that are in progress at a signal get this long to finish."""


def run_mount(
    *,
    mountpoint: Path,
    settings: Settings,
    searcher: Searcher,
    database: Database,
    remote_files: RemoteFiles | None = None,
    read_hosts: Callable[[Connection], None] = lambda _: None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Mount at `mountpoint` and serve requests until SIGTERM, SIGINT, or until somebody unmounts it.

    Runs in the main thread. `ready` is called when the mount is there; it must not access the mount. `database` should
    have `DATABASE_CONNECTIONS`, and a short `connect_seconds`: a search takes that long to fail when there is no
    database. Files of other hosts are read through `magicfs.tree.remote.files`, for which `read_hosts` is called from
    time to time. Raises `MountError` when the mountpoint or FUSE cannot be used, and `DatabaseError` when the roots
    cannot be read.
    """
    with database.transaction() as connection:
        roots = list_roots(connection)
        read_hosts(connection)
    mountpoint = prepare_mountpoint(mountpoint, roots=[registered.root for registered in roots], host=settings.host)
    with scratch_directory(settings.home, settings.run_dir) as scratch:
        index = DatabaseIndex(database)
        tree = Tree(
            index,
            ResultCache(searcher, index.change_marker, index.as_of, search_seconds=settings.search_seconds),
            host=settings.host,
            source=RemoteSource(remote_files or NoRemoteFiles(), is_shared=settings.allow_other),
            scratch=scratch,
            allows_root=AllowedRoots(settings.home).allows,
        )
        tree.set_roots(roots)
        heartbeat = Heartbeat(
            database, host=settings.host, mountpoint=mountpoint, set_roots=tree.set_roots, read_hosts=read_hosts
        )
        try:
            _mount_tree(tree, mountpoint, settings, heartbeat, ready)
        finally:
            tree.end()
    log.info("unmounted %s", mountpoint)


def _mount_tree(
    tree: Tree, mountpoint: Path, settings: Settings, heartbeat: Heartbeat, ready: Callable[[], None] | None
) -> None:
    operations = TreeOperations(tree, search_seconds=settings.search_seconds)
    operations.enable_acl = settings.allow_other
    FAST_PATH.enable()
    # The program's own mask is applied to the modes of what is made, by the kernel or by `ChangeOperations`.
    os.umask(0)
    # Each file that a program opens here is one.
    raise_open_file_limit()
    with (
        mounted(operations, mountpoint, SHARED_MOUNT_OPTIONS if settings.allow_other else frozenset()),
        heartbeat,
    ):
        collect_garbage_rarely()
        log.info("mounted at %s", mountpoint)
        trio.run(_serve, operations, mountpoint, ready)


@contextmanager
def _reason_of_library() -> Iterator[Callable[[], str]]:
    """What returns the last line that libfuse, or its helper, has written in the block: an error has no reason.

    All that they have written is passed on to standard error at the end.
    """
    stderr, heard = os.dup(2), os.memfd_create("libfuse")
    text = b""
    os.dup2(heard, 2)
    try:
        yield lambda: text.decode("utf-8", "replace").strip().rpartition("\n")[2]
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        with open(heard, "rb") as file:
            file.seek(0)
            text = file.read()
        with suppress(OSError):
            os.write(2, text)


@contextmanager
def mounted(operations: TreeOperations, mountpoint: Path, options: frozenset[str] = frozenset()) -> Iterator[None]:
    """A context with the mount in place. At its end the mountpoint is an empty directory, even if files are open."""
    try:
        with _reason_of_library() as reason:
            pyfuse3.init(operations, str(mountpoint), set(MOUNT_OPTIONS | options))
    except RuntimeError as error:
        # Root needs no permission, a plain user does.
        fix = "add the line user_allow_other to /etc/fuse.conf" if options and os.geteuid() else "run 'magicfs doctor'"
        raise MountError(f"cannot mount at {mountpoint} ({reason() or error}): {fix}") from error
    try:
        yield
    finally:
        pyfuse3.close(unmount=True)


async def _serve(operations: TreeOperations, mountpoint: Path, ready: Callable[[], None] | None) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on_signal, signals, nursery.cancel_scope)
            nursery.start_soon(_raise_read_ahead, operations, mountpoint)
            nursery.start_soon(operations.end_slow_requests)
            if ready is not None:
                ready()
            try:
                await pyfuse3.main(min_tasks=MIN_REQUEST_TASKS, max_tasks=MAX_REQUESTS)
            finally:
                operations.stop()
            nursery.cancel_scope.cancel()


async def _raise_read_ahead(operations: TreeOperations, mountpoint: Path) -> None:
    """Wait for the kernel's first request: the kernel sets its own read-ahead until then."""
    await operations.started.wait()
    await trio.to_thread.run_sync(functools.partial(raise_read_ahead, mountpoint, kilobytes=READ_AHEAD_KB))


async def _stop_on_signal(signals: AsyncIterator[int], everything: trio.CancelScope) -> None:
    async for number in signals:
        log.info("ending on %s", signal.Signals(number).name)
        pyfuse3.terminate()
        await trio.sleep(SHUTDOWN_SECONDS)
        everything.cancel()
