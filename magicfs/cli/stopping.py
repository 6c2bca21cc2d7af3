"""Stop what `magicfs up` started, whether its supervisor runs or was killed: all of it, or the mount alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from magicfs.cli import wiring
from magicfs.config import Settings
from magicfs.fuse import mountpoint
from magicfs.runtime.parts import MOUNT


def take_down(settings: Settings) -> bool:
    """Stop everything, unmount, and remove the sockets; whether there was anything to stop. Raises `MagicFSError`."""
    if not settings.run_dir.is_dir():
        return False
    supervisor = wiring.supervisor(settings)
    with supervisor.locked():
        options = supervisor.options()
        stopped = supervisor.stop()
        # One that a search has started is no part of the supervisor.
        embedder = wiring.query_embedder(settings)
        if embedder.ping() is not None:
            stopped = True
            embedder.quit()
        settings.embedder_socket.unlink(missing_ok=True)
        # A mount process that was killed leaves its mount behind.
        if options is not None and options.mount is not None:
            stopped |= mountpoint.umount(options.mount)
    return stopped


def end_mount(settings: Settings, place: Path) -> tuple[Path, bool]:
    """Unmount `place`, and take its process out of the supervisor where that runs it.

    Returns the absolute path, and whether anything was mounted there. Raises `MagicFSError`.
    """
    path = mountpoint.absolute(place)
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
