"""Stops the parts that `magicfs up` started, even if its supervisor was killed: all parts, or the mount alone.

Used by `magicfs down`, `umount` and `up`. Main thread.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from magicfs.cli import wiring
from magicfs.cli.search_client import LOCK_PATTERN
from magicfs.config import Settings
from magicfs.domain.parts import MOUNT
from magicfs.fuse import mountpoint
from magicfs.local_server import stop_server


def take_down(settings: Settings) -> bool:
    """Stop everything, unmount, and remove the sockets; whether there was anything to stop. Raises `MagicFSError`."""
    if not settings.run_dir.is_dir():
        return False
    supervisor = wiring.supervisor(settings)
    with supervisor.locked():
        options = supervisor.options()
        stopped = supervisor.stop()
        stopped |= _stop_search_servers(settings)
        # The supervisor does not know of a query embedder that a search has started.
        embedder = wiring.query_embedder(settings)
        if embedder.ping() is not None:
            stopped = True
            embedder.quit()
        settings.embedder_socket.unlink(missing_ok=True)
        # A mount process that was killed leaves its mount behind.
        if options is not None and options.mount is not None:
            stopped |= mountpoint.umount(options.mount)
    return stopped


def _stop_search_servers(settings: Settings) -> bool:
    """Stop the search servers of this state directory; whether there was one. Removes their sockets and locks."""
    stopped = False
    for lock in settings.run_dir.glob(LOCK_PATTERN):
        path = lock.with_name(lock.name.removesuffix(".lock"))
        stopped |= stop_server(path)
        path.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
    return stopped


def end_mount(settings: Settings, directory: Path) -> tuple[Path, bool]:
    """Unmount `directory`, and remove the mount from the parts if the supervisor runs it.

    Returns the absolute path, and whether anything was mounted there. Raises `MagicFSError`.
    """
    path = mountpoint.absolute(directory)
    removed = False
    if settings.run_dir.is_dir():
        supervisor = wiring.supervisor(settings)
        with supervisor.locked():
            parts, options = supervisor.wanted(), supervisor.options()
            if parts and options is not None and options.mount == path:
                remaining = [part for part in parts if part.name != MOUNT]
                supervisor.apply(remaining, options=replace(options, mount=None))
                removed = True
    return path, mountpoint.umount(path) or removed
