"""Take down what `up` started, whether its supervisor lives or not."""

from __future__ import annotations

from pathlib import Path

from magicfs.cli import wiring
from magicfs.cli.starting import mount_of
from magicfs.config import Settings
from magicfs.fuse import mountpoint
from magicfs.runtime import parts as parts_of


def take_down(settings: Settings) -> bool:
    """Stop everything, unmount, and leave no socket. Returns whether there was anything to stop.

    Raises `MagicFSError`.
    """
    if not settings.run_dir.is_dir():
        return False
    supervisor = wiring.supervisor(settings)
    with supervisor.locked():
        mount = mount_of(list(supervisor.described().values()))
        found = supervisor.stop()
        embedder = wiring.query_embedder(settings)
        if embedder.ping() is not None:
            found = True
            embedder.quit()
        settings.embedder_socket.unlink(missing_ok=True)
        if mount is not None:  # its node was killed
            found |= mountpoint.umount(mount)
    return found


def end_mount(settings: Settings, place: Path) -> tuple[Path, bool]:
    """Unmount a place, and have a supervisor that runs its node run it no more.

    Returns the absolute path, and whether anything was mounted there. Raises `MagicFSError`.
    """
    path = mountpoint.absolute(place)
    found = False
    if settings.run_dir.is_dir():
        supervisor = wiring.supervisor(settings)
        with supervisor.locked():
            wanted = supervisor.wanted()
            if mount_of(wanted) == path:
                supervisor.apply([part for part in wanted if part.name != parts_of.MOUNT])
                found = True
    return path, mountpoint.umount(path) or found
