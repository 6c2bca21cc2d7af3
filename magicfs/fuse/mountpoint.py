"""The mountpoint: whether a directory can be mounted on, what is mounted there, and how to unmount it.

Used by the mount process and by the commands that start and stop it. What is mounted is read from the kernel's table:
an access to the mount itself would hang where its process hangs.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shlex
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from magicfs.domain.roots import Root, encloses
from magicfs.errors import MountError
from magicfs.linux.mounts import MountEntry, abort_mount, read_mounts
from magicfs.linux.process import CAP_SYS_ADMIN, capabilities, gains_no_rights

log = logging.getLogger(__name__)

FUSE_DEVICE = Path("/dev/fuse")
FUSE_DEVICE_NUMBER = os.makedev(10, 229)
"""The same on every Linux: `Documentation/admin-guide/devices.txt` of the kernel."""
CONNECTIONS = Path("/sys/fs/fuse/connections")
"""The control file system of FUSE, which is mounted nearly everywhere."""
REPLY_SECONDS = 5.0
"""A mount process that runs replies within milliseconds."""
BUSY_SECONDS = 1.0
"""Unmounting a busy mount is tried for this long, while programs close their files. Then the mount is detached."""
_RETRY_SECONDS = 0.1
_COMMAND_SECONDS = 15


def mounted_at(path: Path) -> MountEntry | None:
    """The mount at a path, the last one if there are several; None if there is none."""
    wanted = os.fsencode(path)
    last = None
    for mount in read_mounts():
        if mount.mount_point == wanted:
            last = mount
    return last


def absolute(path: Path) -> Path:
    """The path as the kernel's table has it, with links resolved. Does not access the mount itself."""
    expanded = path.expanduser().absolute()
    return Path(os.path.realpath(expanded.parent)) / expanded.name


def _umount_command(mountpoint: Path) -> str:
    """The command that unmounts it, for a shell."""
    return f"magicfs umount {shlex.quote(str(mountpoint))}"


def prepare_mountpoint(path: Path, *, roots: Iterable[Root], host: str) -> Path:
    """Make sure that a directory can be mounted on, and return its absolute path. A dead mount there is cleared.

    Raises `MountError` when FUSE is missing, or the directory cannot be used.
    """
    require_fuse()
    mountpoint = absolute(path)
    clear_dead_mount(mountpoint)
    mount = mounted_at(mountpoint)
    if mount is not None:
        what = "MagicFS is mounted there already" if mount.is_magicfs else "something else is mounted there"
        raise MountError(f"{mountpoint}: {what}: run '{_umount_command(mountpoint)}', or choose another directory")
    _require_empty_directory(mountpoint)
    resolved = os.fsencode(os.path.realpath(mountpoint))
    for root in roots:
        if root.host == host and (encloses(root.path, resolved) or encloses(resolved, root.path)):
            raise MountError(
                f"{mountpoint} and the root {os.fsdecode(root.path)} lie one inside the other: choose a mount point "
                "outside the roots, or, if this is no directory to search, run 'magicfs up --detach' and "
                f"'magicfs roots remove {shlex.quote(root.name)}'"
            )
    return mountpoint


def require_fuse() -> None:
    """Raise `MountError` when this host has no FUSE, or this user may not use it."""
    if not FUSE_DEVICE.exists():
        raise MountError("there is no /dev/fuse: run 'modprobe fuse', or start the container with --device /dev/fuse")
    device = FUSE_DEVICE.stat()
    if not stat.S_ISCHR(device.st_mode) or device.st_rdev != FUSE_DEVICE_NUMBER:
        # A runtime of containers makes an empty directory where the host had no device to bind there.
        raise MountError(
            "/dev/fuse is not the device of FUSE: start the container with --device /dev/fuse, or run "
            "'sudo rm -r /dev/fuse' and 'sudo mknod -m 666 /dev/fuse c 10 229'"
        )
    if not os.access(FUSE_DEVICE, os.R_OK | os.W_OK):
        raise MountError("/dev/fuse may not be opened: run 'sudo chmod 666 /dev/fuse', or mount as root")
    if capabilities() & CAP_SYS_ADMIN:
        return
    if os.geteuid() == 0:
        raise MountError("root may not mount here: start the container with --device /dev/fuse --cap-add SYS_ADMIN")
    helper = shutil.which("fusermount3")
    if helper is None:
        raise MountError("fusermount3 is missing: install the package fuse3")
    if gains_no_rights():
        raise MountError(
            "fusermount3 can gain no rights here, which mounting takes: remove NoNewPrivileges= from the unit, or "
            "no-new-privileges from the container"
        )
    if not os.stat(helper).st_mode & stat.S_ISUID and not _has_capabilities(helper):
        raise MountError(f"{helper} is not set-uid root: reinstall the package fuse3")


def _has_capabilities(program: str) -> bool:
    """Whether a program has rights of its own, as distributions give them in the place of those of root."""
    try:
        return bool(os.getxattr(program, "security.capability"))
    except OSError:
        return False


def _require_empty_directory(path: Path) -> None:
    try:
        status = path.stat()
        if not stat.S_ISDIR(status.st_mode):
            raise MountError(f"{path} is not a directory: choose an empty directory")
        with os.scandir(path) as entries:
            if next(entries, None) is not None:
                raise MountError(f"{path} is not empty: choose an empty directory")
    except FileNotFoundError as error:
        raise MountError(f"{path} does not exist: create it with 'mkdir -p {shlex.quote(str(path))}'") from error
    except OSError as error:
        raise MountError(f"{path} cannot be used ({error.strerror}): choose a directory of yours") from error
    if os.geteuid() != 0 and not os.access(path, os.W_OK):
        raise MountError(f"{path} is not writable for you: choose a directory of yours")


def clear_dead_mount(path: Path) -> bool:
    """Unmount a mount of MagicFS whose process has ended; return whether there was one.

    Raises `MountError` when the process runs and does not reply, or when unmounting is not allowed.
    """
    mountpoint = absolute(path)
    mount = mounted_at(mountpoint)
    if mount is None or not mount.is_magicfs or not _is_dead(mountpoint):
        return False
    log.info("clearing the dead mount at %s", mountpoint)
    _detach(mountpoint)
    return True


def _is_dead(mountpoint: Path) -> bool:
    """Whether the process of a mount has ended. Raises `MountError` when it runs and does not reply."""
    errors: list[int] = []

    def call_statvfs() -> None:
        # The kernel answers `stat` by itself for minutes, whether the process lives or not.
        try:
            os.statvfs(mountpoint)
            errors.append(0)
        except OSError as error:
            errors.append(error.errno or 0)

    if not _ends(call_statvfs):
        raise MountError(
            f"the mount at {mountpoint} does not answer: end its process, or run '{_umount_command(mountpoint)}'"
        )
    return errors[0] in (errno.ENOTCONN, errno.ECONNABORTED)


def _answers(mountpoint: Path) -> bool:
    """Whether a mount answers, if only with an error. What it is asked for the kernel does not keep."""

    def call_statvfs() -> None:
        with contextlib.suppress(OSError):
            os.statvfs(mountpoint)

    return _ends(call_statvfs)


def _ends(call: Callable[[], None]) -> bool:
    """Whether a call ends within `REPLY_SECONDS`. It cannot be interrupted: its thread is abandoned."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(REPLY_SECONDS)
    return not thread.is_alive()


def abort_requests(mount: MountEntry) -> None:
    """End all requests of a mount with an error, if that is allowed.

    A process that was killed while it told the kernel of a change may wait there for a request that it was to answer
    itself. Neither ends without this.
    """
    _, _, number = mount.device.partition(":")
    try:
        (CONNECTIONS / number / "abort").write_text("1", encoding="ascii")
    except OSError:
        # The control file system is not mounted. Busy or not, the requests have ended.
        with contextlib.suppress(OSError):
            abort_mount(mount.mount_point)


def umount(path: Path) -> bool:
    """Unmount the mount of MagicFS at `path`; return whether there was one.

    Files that programs have open there stay usable until they are closed, or the mount process ends. Raises
    `MountError` when something else is mounted there, or when unmounting is not allowed.
    """
    mountpoint = absolute(path)
    mount = mounted_at(mountpoint)
    if mount is None:
        return False
    if not mount.is_magicfs:
        raise MountError(f"{mountpoint} is not a mount of MagicFS: unmount it with 'umount'")
    if not _answers(mountpoint):
        log.warning("the mount at %s does not answer: what programs wait for there fails now", mountpoint)
        abort_requests(mount)
        if mounted_at(mountpoint) != mount:
            return True
    deadline = time.monotonic() + BUSY_SECONDS
    while (failure := _run_umount(mountpoint, lazy=False)) is not None and time.monotonic() < deadline:
        if "busy" not in failure:
            break
        time.sleep(_RETRY_SECONDS)
    if failure is not None:
        _detach(mountpoint)
    return True


def _detach(mountpoint: Path) -> None:
    failure = _run_umount(mountpoint, lazy=True)
    if failure is not None and mounted_at(mountpoint) is not None:
        raise MountError(
            f"{mountpoint} cannot be unmounted ({failure}): try again as the user who mounted it, or as root"
        )


def _run_umount(mountpoint: Path, *, lazy: bool) -> str | None:
    """Run the command that unmounts; return its error message, or None when it succeeds."""
    if shutil.which("fusermount3") is not None:
        command = ["fusermount3", "-uz" if lazy else "-u", "--", str(mountpoint)]
    else:
        command = ["umount", *(["-l"] if lazy else []), "--", str(mountpoint)]
    try:
        process = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if process.returncode == 0:
        return None
    lines = process.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else f"{command[0]} failed"


def raise_read_ahead(mountpoint: Path, *, kilobytes: int) -> None:
    """Set the kernel's read-ahead of the mount. Does nothing without the right to, which only root has."""
    mount = mounted_at(mountpoint)
    if mount is not None:
        with contextlib.suppress(OSError):
            Path(f"/sys/class/bdi/{mount.device}/read_ahead_kb").write_text(str(kilobytes), encoding="ascii")
