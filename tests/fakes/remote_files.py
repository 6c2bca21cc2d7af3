"""Other hosts whose files are those of this machine, which hang, fail and are gone on demand.

`TEST_REMOTE_FILES` has a directory and the hosts, in JSON. What is written to the file with the name of a host there
makes the host so: `hung` until something else is written, `unreachable`, `cut 65536` after so many bytes of a file,
`lying` about the names in directories, `failing ENOSYS`, or `looping`: each directory has itself as `loop`. The file
`calls` there has a line for each call.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from magicfs.domain.attributes import Attributes
from magicfs.linux.files import status_and_birth
from magicfs.linux.opening import open_below
from magicfs.tree.remote.files import RemoteStatus, unreachable

NOT_NAMES = (b"", b".", b"..", b"a/b", b"a\0b", b"n" * 256)


def status_of(status: os.stat_result, born_ns: int) -> RemoteStatus:
    return RemoteStatus(Attributes.of(status), status.st_dev, status.st_ino, born_ns or None, time.time_ns())


class FakeRemoteFile:
    """An open file of another host."""

    def __init__(self, host: FakeHost, descriptor: int) -> None:
        self._host = host
        self._descriptor = descriptor
        self.status = status_of(*status_and_birth(descriptor))

    def read(self, offset: int, size: int) -> bytes:
        self._host.called(f"read {offset} {size}")
        self._host.require_byte(offset + size)
        return os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class FakeHost:
    """How a host behaves."""

    def __init__(self, name: str, control: Path) -> None:
        self._name = name
        self._control = control
        self._lock = threading.Lock()

    @property
    def behaviour(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return (self._control / self._name).read_text().split()
        return []

    def called(self, call: str) -> None:
        with self._lock, (self._control / "calls").open("a", errors="surrogateescape") as calls:
            calls.write(f"{self._name} {call}\n")
        while self.behaviour == ["hung"]:
            time.sleep(0.02)
        match self.behaviour:
            case ["unreachable"]:
                raise unreachable(self._name)
            case ["failing", name]:
                raise OSError(getattr(errno, name), name)

    def require_byte(self, end: int) -> None:
        match self.behaviour:
            case ["cut", count] if end > int(count):
                raise OSError(errno.EHOSTUNREACH, "the connection was lost")


class FakeRemoteFiles:
    """Files of hosts whose roots are directories of this machine."""

    def __init__(self, control: Path, hosts: Sequence[str]) -> None:
        self._hosts = {name: FakeHost(name, control) for name in hosts}

    @classmethod
    def of_environment(cls) -> FakeRemoteFiles | None:
        control, *hosts = json.loads(os.environ.get("TEST_REMOTE_FILES", '[""]'))
        return cls(Path(control), hosts) if hosts else None

    def hosts(self) -> Collection[str]:
        return self._hosts

    def _asked(self, host: str, call: str, path: bytes) -> FakeHost:
        if host not in self._hosts:
            raise unreachable(host)
        self._hosts[host].called(f"{call} {os.fsdecode(path)}")
        return self._hosts[host]

    def status(self, host: str, root: bytes, path: bytes) -> RemoteStatus:
        if self._asked(host, "status", path).behaviour == ["looping"]:
            path = b"/".join(name for name in path.split(b"/") if name != b"loop")
        descriptor = open_below(root, path or b".", flags=os.O_PATH)
        try:
            return status_of(*status_and_birth(descriptor))
        finally:
            os.close(descriptor)

    def list(self, host: str, root: bytes, path: bytes) -> Sequence[tuple[bytes, RemoteStatus]]:
        asked = self._asked(host, "list", path)
        if asked.behaviour == ["looping"]:
            return [(b"loop", self.status(host, root, path))]
        descriptor = open_below(root, path or b".", flags=os.O_RDONLY | os.O_DIRECTORY)
        try:
            names = [os.fsencode(name) for name in os.listdir(descriptor)]
            found = [(name, status_of(*status_and_birth(descriptor, name))) for name in names]
        finally:
            os.close(descriptor)
        if asked.behaviour == ["lying"]:
            found += [(name, found[0][1]) for name in NOT_NAMES]
        return found

    def target(self, host: str, root: bytes, path: bytes) -> bytes:
        self._asked(host, "target", path)
        descriptor = open_below(root, path, flags=os.O_PATH)
        try:
            return os.readlink(b"", dir_fd=descriptor)
        finally:
            os.close(descriptor)

    def open(self, host: str, root: bytes, path: bytes) -> FakeRemoteFile:
        asked = self._asked(host, "open", path)
        descriptor = open_below(root, path, flags=os.O_RDONLY)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return FakeRemoteFile(asked, descriptor)
