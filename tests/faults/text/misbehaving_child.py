"""A parser process for tests: `misbehaving_child.py LIMITS` does what the MIME type of each request says."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.child import drop_privileges, serve
from magicfs.text.extract.options import Limits


def forever() -> None:
    while True:
        pass


def recurse() -> None:
    recurse()


def fail() -> None:
    raise RuntimeError("the parser's own error")


def abort_out_of_memory() -> None:
    print("memory allocation of 8589934592 bytes failed", file=sys.stderr, flush=True)
    os.abort()


def write_a_file(path: str) -> None:
    with open(path, "wb", buffering=0) as file:
        file.writelines(bytes(1 << 20) for _ in range(2))


def overwrite(path: str) -> None:
    with open(path, "r+b", buffering=0) as file:
        file.write(b"gone")


ACTIONS: dict[str, Callable[[], object]] = {
    "crash": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "exit": lambda: os._exit(3),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: time.sleep(3600),
    "spin": forever,
    "allocate": lambda: bytearray(8 << 30),
    "native-allocation": abort_out_of_memory,
    "raise": fail,
    "recurse": recurse,
    "chatter": lambda: os.write(1, b"noise " * 200_000),
    "nonsense": lambda: os.write(0, b"\xff" * 64),
    "network": socket.socket,
    "program": lambda: subprocess.run(["/bin/true"], check=True),
}

FILE_CHANGES: dict[str, Callable[[str], object]] = {
    "write": lambda path: write_a_file(path + ".new"),
    "overwrite": overwrite,
    "append": lambda path: os.open(path, os.O_WRONLY | os.O_APPEND),
    "cut": lambda path: os.truncate(path, 0),
    "remove": os.remove,
    "move": lambda path: os.rename(path, path + ".moved"),
    "link": lambda path: os.link(path, path + ".link"),
    "symlink": lambda path: os.symlink(path, path + ".symlink"),
    "directory": lambda path: os.mkdir(path + ".directory"),
    "pipe": lambda path: os.mkfifo(path + ".pipe"),
    "mode": lambda path: os.chmod(path, 0),
    "owner": lambda path: os.chown(path, 1, 1),
    "times": lambda path: os.utime(path, (0, 0)),
    "attribute": lambda path: os.setxattr(path, "user.a", b"b"),
    "signal": lambda _: os.kill(os.getppid(), 0),
}
"""Changes to the file whose path is the request's body. All of them must be refused."""

ANSWERS: dict[str, Callable[[], Document | Unreadable]] = {
    "long": lambda: Document("word " * (20 << 20), "text/plain"),
    "wrong-types": lambda: Document("text", "text/plain", page_starts=("x",)),  # type: ignore[arg-type]
    "environment": lambda: Document(json.dumps(dict(os.environ)), "text/plain"),
    "descriptors": lambda: Document(" ".join(sorted(os.listdir("/proc/self/fd"), key=int)), "text/plain"),
    "refuse": lambda: Unreadable(SkipReason.ENCRYPTED, "detail\nof two lines \ud800"),
}


def misbehave(content: bytes, mime_type: str) -> Document | Unreadable:
    if mime_type in ACTIONS:
        ACTIONS[mime_type]()
    elif mime_type in FILE_CHANGES:
        FILE_CHANGES[mime_type](content.decode())
    elif mime_type in ANSWERS:
        return ANSWERS[mime_type]()
    return Document(f"{os.getpid()} {content.decode()}", mime_type)


if __name__ == "__main__":
    limits = Limits(**json.loads(sys.argv[1]))
    drop_privileges(limits)
    serve(misbehave, limits=limits)
