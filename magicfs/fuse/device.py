"""The connection to the kernel: mounting, which opens it, and its end.

Used by the life of a mount. `fusermount3` mounts for everybody; where it is missing, root mounts by itself.
"""

from __future__ import annotations

import array
import errno
import os
import select
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

from magicfs.errors import MountError
from magicfs.fuse.mountpoint import FUSE_DEVICE, detach
from magicfs.linux import mount_fuse

_COMMAND_SECONDS = 15
_TYPE = "magicfs"


def open_mount(mountpoint: Path, options: Iterable[str]) -> int:
    """Mount at a directory, and return the descriptor of the connection. Raises `MountError`."""
    wanted = sorted(options)
    if shutil.which("fusermount3") is None:
        return _mount_as_root(mountpoint, wanted)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        command = ["fusermount3", "-o", ",".join(wanted), "--", str(mountpoint)]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | {"_FUSE_COMMFD": str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise MountError(lines[0] if lines else "fusermount3 failed")
        return _prepared(_received_descriptor(ours))


def _received_descriptor(connection: socket.socket) -> int:
    room = socket.CMSG_SPACE(array.array("i").itemsize)
    _, messages, _, _ = connection.recvmsg(1, room)
    for level, kind, data in messages:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            return array.array("i", data[: array.array("i").itemsize])[0]
    raise MountError("fusermount3 sent no connection")


def _mount_as_root(mountpoint: Path, options: Iterable[str]) -> int:
    descriptor = os.open(FUSE_DEVICE, os.O_RDWR | os.O_CLOEXEC)
    own = {"fsname=magicfs", f"subtype={_TYPE}", "nosuid", "nodev"}
    mode = stat.S_IFMT(os.stat(mountpoint).st_mode)
    data = [f"fd={descriptor}", f"rootmode={mode:o}", f"user_id={os.geteuid()}", f"group_id={os.getegid()}"]
    try:
        mount_fuse(
            os.fsencode(mountpoint),
            kind=_TYPE,
            options=",".join([*data, *(part for part in options if part not in own)]),
        )
    except OSError as error:
        os.close(descriptor)
        raise MountError(error.strerror or str(error)) from error
    return _prepared(descriptor)


def _prepared(descriptor: int) -> int:
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - os has it so
    os.set_blocking(descriptor, False)
    return descriptor


def close_mount(descriptor: int, mountpoint: Path) -> None:
    """End the connection; unmount if the mount is still there: its directory is an empty one again."""
    poll = select.poll()
    poll.register(descriptor, 0)
    is_mounted = not any(events & select.POLLERR for _, events in poll.poll(0))
    # All requests end with the connection, so that unmounting waits for none.
    os.close(descriptor)
    if is_mounted:
        detach(mountpoint)


def is_end(error: OSError) -> bool:
    """Whether reading has failed because the mount is gone."""
    return error.errno in {errno.ENODEV, errno.ENOTCONN, errno.EBADF}
