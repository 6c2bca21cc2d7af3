"""Stops the parts that `magicfs up` started, even if its supervisor was killed: all parts, or the mount alone.

Used by `magicfs down`, `umount` and `up`. Main thread.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from magicfs.cli import environment, failed_start, terminal
from magicfs.config import Settings
from magicfs.domain.parts import MOUNT
from magicfs.errors import ConfigError, ServerError
from magicfs.fuse import mountpoint
from magicfs.ipc.server_lock import (
    STOP_SECONDS,
    is_served,
    kill_server,
    lock_path,
    server_sockets,
    stop_server,
)
from magicfs.linux.disk import remove_if_writable
from magicfs.runtime.cleanup import clean_up


def take_down(settings: Settings, *, unless_running: bool = False) -> bool:
    """Stop everything, unmount, and remove the sockets; whether there was anything to stop. Raises `MagicFSError`.

    With `unless_running`, only what another command has left is stopped: what runs under a supervisor has been started
    since.
    """
    if not settings.home.is_dir():
        # What runs does not end when its state directory is deleted.
        return clean_up(settings.home)
    # What runs has been seen to outlive its folder. Without one there is no place for the lock, either.
    with suppress(ConfigError):
        settings.make_home()
    if not settings.run_dir.is_dir():
        return False
    supervisor = environment.supervisor(settings)
    with supervisor.locked(remark=terminal.remark):
        if unless_running and supervisor.running():
            return False
        options = supervisor.options()
        stopped = supervisor.stop()
        # The supervisor does not know of the servers that searches have started.
        for path in server_sockets(settings.run_dir):
            stopped |= _end_server(path)
        # A mount process that was killed leaves its mount behind.
        if options is not None and options.mount is not None:
            stopped |= mountpoint.umount(options.mount)
        if stopped:
            # Nothing runs because of this, and not because a start had failed before.
            failed_start.forget(settings.home)
    return stopped


def _end_server(path: Path) -> bool:
    """End the server of a socket, and remove the socket and its lock; whether a server ran.

    One that does not end by itself is killed, which is said. Raises `ServerError` if even that does not end it.
    """
    was_served = is_served(path)
    if not stop_server(path):
        terminal.remark(f"{path.stem} has not ended in {STOP_SECONDS:.0f} seconds and is killed")
        if not kill_server(path):
            raise ServerError(f"the process that holds {lock_path(path)} does not end: end it by hand, then try again")
    remove_if_writable(path)
    remove_if_writable(lock_path(path))
    return was_served


def end_mount(settings: Settings, directory: Path) -> tuple[Path, bool]:
    """Unmount `directory`, and remove the mount from the parts if the supervisor runs it.

    Returns the absolute path, and whether anything was mounted there. Raises `MagicFSError`.
    """
    path = mountpoint.absolute(directory)
    removed = False
    if settings.run_dir.is_dir():
        supervisor = environment.supervisor(settings)
        with supervisor.locked(remark=terminal.remark):
            parts, options = supervisor.wanted(), supervisor.options()
            if parts and options is not None and options.mount == path:
                remaining = [part for part in parts if part.name != MOUNT]
                supervisor.apply(remaining, options=replace(options, mount=None))
                removed = True
    return path, mountpoint.umount(path) or removed
