"""The kernel's table of mounts. Reading it never touches a mount."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from magicfs.linux.calls import last_error, libc
from magicfs.linux.files import mount_of_descriptor

MOUNTINFO = "/proc/self/mountinfo"

_MNT_FORCE = 1
_UMOUNT_NOFOLLOW = 8

_SHARED_FILE_SYSTEMS = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "ceph", "afs", "lustre", "beegfs", "gpfs", "9p", "virtiofs", "ocfs2", "gfs2")
)

_KERNEL_FILE_SYSTEMS = frozenset(
    (
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "nfsd",
        "nsfs",
        "proc",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tracefs",
    )
)
"""File systems that show the kernel, and make what they show when it is read. Some reads block, never end, or change
something."""


@dataclass(frozen=True, slots=True)
class MountEntry:
    """A line of the kernel's table of mounts."""

    mount_id: int
    device: str
    """`major:minor`."""
    mount_point: bytes
    """As seen by this process."""
    file_system: str
    """Its type, such as `ext4` or `fuse.magicfs`."""

    @property
    def is_magicfs(self) -> bool:
        """Whether it is a mount of MagicFS, of whatever index."""
        return self.file_system == "fuse.magicfs"

    @property
    def is_shared(self) -> bool:
        """Whether other machines or programs serve it, and change it without an event here."""
        return self.file_system in _SHARED_FILE_SYSTEMS or self.file_system.partition(".")[0] == "fuse"


def read_mounts() -> Iterator[MountEntry]:
    """The mounts that this process sees, later mounts after earlier ones. Never touches a mount itself."""
    with open(MOUNTINFO, "rb") as lines:
        yield from map(parse_mount, lines)


class MountChanges:
    """Tells where something was mounted or unmounted."""

    def __init__(self) -> None:
        self._known = set(read_mounts())

    def take(self) -> set[bytes]:
        """The mount points that have come or gone since this was asked last."""
        before, self._known = self._known, set(read_mounts())
        return {mount.mount_point for mount in before ^ self._known}


def device_of_path(path: bytes) -> str:
    """The device, `major:minor`, of the mount that an absolute path lies in, by the table of mounts.

    Never touches the path or a mount. The table is at most a second old.
    """
    return _device_in(devices_by_mount_point(int(time.monotonic())), path)


def _device_in(devices: Mapping[bytes, str], path: bytes) -> str:
    while path not in devices and path not in (b"", b"/"):
        path = path.rpartition(b"/")[0]
    return devices.get(path or b"/", "")


def is_shared_file_system(path: bytes) -> bool:
    """Whether an absolute path lies on a file system that other machines or programs change without an event here.

    Never touches the path.
    """
    device = device_of_path(path)
    return any(mount.is_shared for mount in read_mounts() if mount.device == device)


def foreign_mounts_below(path: bytes) -> set[bytes]:
    """Where file systems of other machines or programs are mounted below an absolute path, but for that of the path.

    Whoever asks one may wait for ever: its server may be gone. Never touches one.
    """
    mounts, inside = {mount.mount_point: mount for mount in read_mounts()}, path.rstrip(b"/") + b"/"
    own = _device_in({point: mount.device for point, mount in mounts.items()}, path)
    return {
        point
        for point, mount in mounts.items()
        if point.startswith(inside) and mount.device != own and (mount.is_shared or mount.file_system == "autofs")
    }


def kernel_file_system(path: bytes) -> str | None:
    """The type of the file system that an absolute path lies in, if it shows the kernel and holds no files.

    Never touches the path.
    """
    device = device_of_path(path)
    types = {mount.file_system for mount in read_mounts() if mount.device == device}
    return next(iter(types & _KERNEL_FILE_SYSTEMS), None)


def mount_point_of(path: bytes) -> bytes | None:
    """Where the mount stands that a directory lies in; None where the kernel does not say. Raises `OSError`."""
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mount_id, _ = mount_of_descriptor(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return next((mount.mount_point for mount in read_mounts() if mount.mount_id == mount_id), None)


@lru_cache(maxsize=1)
def devices_by_mount_point(second: int) -> Mapping[bytes, str]:
    """The device of each mount point, `major:minor`."""
    del second  # a part of the cache's key: an answer holds that long
    return {mount.mount_point: mount.device for mount in read_mounts()}


def parse_mount(line: bytes) -> MountEntry:
    """The entry in a line of `/proc/self/mountinfo`; proc(5) has the format."""
    # A variable number of optional fields ends with a lone dash.
    fields, _, source = line.partition(b" - ")
    mount_id, _, device, _, mount_point, *_ = fields.split(b" ")
    file_system = source.split(b" ", 1)[0]
    return MountEntry(int(mount_id), device.decode("ascii"), _unescaped(mount_point), os.fsdecode(file_system))


def _unescaped(path: bytes) -> bytes:
    r"""A path of the table: blanks, line breaks and backslashes stand there as `\` and three octal digits."""
    return re.sub(rb"\\([0-7]{3})", lambda digits: bytes([int(digits[1], 8)]), path)


def abort_mount(mountpoint: bytes) -> None:
    """End all requests of a mount with an error, and unmount it if nothing is open there. For the superuser alone."""
    if libc().umount2(mountpoint, _MNT_FORCE | _UMOUNT_NOFOLLOW):
        raise last_error(mountpoint)
