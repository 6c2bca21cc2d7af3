"""The place of a mount: whether it can be used, how to free it, and what the kernel has there.

What is mounted is read from the kernel's table, never from the mount itself: a mount whose node hangs would hang
whoever looks at it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from magicfs.domain.roots import Root, encloses
from magicfs.errors import MountError
from magicfs.linux import MountEntry, read_mounts

log = logging.getLogger(__name__)

FUSE_DEVICE = Path("/dev/fuse")
ANSWER_SECONDS = 5.0
"""A living node answers within milliseconds."""
BUSY_SECONDS = 1.0
"""So long an ordinary unmount is tried again, while programs close what they have open."""
_PAUSE_SECONDS = 0.1
_COMMAND_SECONDS = 15


def mounted_at(path: Path) -> MountEntry | None:
    """What is mounted at a path; the last one, when several are."""
    wanted = os.fsencode(path)
    found = None
    for mount in read_mounts():
        if mount.mount_point == wanted:
            found = mount
    return found


def absolute(path: Path) -> Path:
    """The path as the kernel's table has it: links resolved, the mount itself not touched."""
    expanded = path.expanduser().absolute()
    return Path(os.path.realpath(expanded.parent)) / expanded.name


def prepare(path: Path, *, roots: Iterable[Root], host: str) -> Path:
    """The absolute path of a directory that can be mounted on; what a dead mount left there is cleared away.

    Raises `MountError` when there is no FUSE, or the place will not do.
    """
    require_fuse()
    place = absolute(path)
    recover(place)
    present = mounted_at(place)
    if present is not None:
        what = "MagicFS is mounted there already" if present.is_magicfs else "something else is mounted there"
        raise MountError(f"{place}: {what}: run 'magicfs umount {place}', or choose another directory")
    _require_empty_directory(place)
    wanted = os.fsencode(os.path.realpath(place))
    for root in roots:
        if root.host == host and (encloses(root.path, wanted) or encloses(wanted, root.path)):
            raise MountError(
                f"{place} and the root {os.fsdecode(root.path)} lie one inside the other: choose a mount point "
                "outside the roots"
            )
    return place


def require_fuse() -> None:
    """Raise `MountError` when this machine or this user cannot mount."""
    if not FUSE_DEVICE.exists():
        raise MountError("there is no /dev/fuse: run 'modprobe fuse', or start the container with --device /dev/fuse")
    if not os.access(FUSE_DEVICE, os.R_OK | os.W_OK):
        raise MountError("/dev/fuse may not be opened: run 'sudo chmod 666 /dev/fuse', or mount as root")
    if os.geteuid() != 0 and shutil.which("fusermount3") is None:
        raise MountError("fusermount3 is missing: install the package fuse3")


def _require_empty_directory(place: Path) -> None:
    try:
        status = place.stat()
        if not stat.S_ISDIR(status.st_mode):
            raise MountError(f"{place} is not a directory: choose an empty directory")
        with os.scandir(place) as entries:
            if next(entries, None) is not None:
                raise MountError(f"{place} is not empty: choose an empty directory")
    except FileNotFoundError as error:
        raise MountError(f"{place} does not exist: create it with 'mkdir -p {place}'") from error
    except OSError as error:
        raise MountError(f"{place} cannot be used ({error.strerror}): choose a directory of yours") from error
    if os.geteuid() != 0 and not os.access(place, os.W_OK):
        raise MountError(f"{place} is not writable for you: choose a directory of yours")


def recover(path: Path) -> bool:
    """Clear away what a mount of ours left whose node has died; returns whether there was one.

    Raises `MountError` when a node has the place that does not answer, or when unmounting is not allowed.
    """
    place = absolute(path)
    present = mounted_at(place)
    if present is None or not present.is_magicfs or not is_dead(place):
        return False
    log.info("clearing away the dead mount at %s", place)
    _detach(place)
    return True


def is_dead(place: Path) -> bool:
    """Whether the node of the mount at `place` is gone. Raises `MountError` when it is there and does not answer."""
    answers: list[int] = []

    def look() -> None:
        try:
            os.stat(place)
            answers.append(0)
        except OSError as error:
            answers.append(error.errno or 0)

    # A thread that is left behind: nothing else can end a look at a mount that hangs.
    looker = threading.Thread(target=look, daemon=True)
    looker.start()
    looker.join(ANSWER_SECONDS)
    if not answers:
        raise MountError(f"the mount at {place} does not answer: end its process, or run 'magicfs umount {place}'")
    return answers[0] in (errno.ENOTCONN, errno.ECONNABORTED)


def umount(path: Path) -> bool:
    """Unmount what MagicFS has mounted at `path`; returns whether there was anything.

    What programs still have open there stays usable to them until they close it, or until its node ends. Raises
    `MountError` when something else is mounted there, or when unmounting is not allowed.
    """
    place = absolute(path)
    present = mounted_at(place)
    if present is None:
        return False
    if not present.is_magicfs:
        raise MountError(f"{place} is not a mount of MagicFS: unmount it with 'umount'")
    deadline = time.monotonic() + BUSY_SECONDS
    while (refused := _command(place, lazy=False)) is not None and time.monotonic() < deadline:
        if "busy" not in refused:
            break
        time.sleep(_PAUSE_SECONDS)
    if refused is not None:
        _detach(place)
    return True


def _detach(place: Path) -> None:
    refused = _command(place, lazy=True)
    if refused is not None and mounted_at(place) is not None:
        raise MountError(f"{place} cannot be unmounted ({refused}): try again as the user who mounted it, or as root")


def _command(place: Path, *, lazy: bool) -> str | None:
    """Unmount; returns what went wrong."""
    if shutil.which("fusermount3") is not None:
        command = ["fusermount3", "-uz" if lazy else "-u", "--", str(place)]
    else:
        command = ["umount", *(["-l"] if lazy else []), "--", str(place)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else f"{command[0]} failed"


def raise_read_ahead(place: Path, *, kilobytes: int) -> None:
    """Have the kernel read further ahead in the mount, where it lets us: only root may ask."""
    present = mounted_at(place)
    if present is not None:
        with contextlib.suppress(OSError):
            Path(f"/sys/class/bdi/{present.device}/read_ahead_kb").write_text(str(kilobytes), encoding="ascii")
