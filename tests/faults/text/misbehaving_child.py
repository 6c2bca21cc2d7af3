"""A parser process for tests: `misbehaving_child.py LIMITS [WALL] [PAGE=ACTION]...` does what requests' MIME types say.

With the name of a `Wall`, it works without that one. With `2=crash`, it crashes while it recognises page 2.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import cast
from unittest import mock

from magicfs.domain.contents import Document, Picture, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import Digest
from magicfs.text.extract.options import Limits, Wall
from magicfs.text.extract.parsed import Parsed, PartialDocument
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.process.child import drop_privileges, serve


def forever() -> None:
    while True:
        pass


def work() -> None:
    end = time.process_time() + 0.6
    while time.process_time() < end:
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


LIBC = ctypes.CDLL(None, use_errno=True)
FS_IOC_SETFLAGS, NO_DUMP = 0x40086602, 0x40
KEYCTL = {"x86_64": 250, "aarch64": 219}[platform.machine()]


def call(name: str, *arguments: int) -> None:
    """Call a function of the C library. Raises `OSError` when it fails."""
    if getattr(LIBC, name)(*map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), name)


def fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def memory_of_parent() -> None:
    call("process_vm_readv", os.getppid(), 0, 0, 0, 0, 0)


def start_thread() -> None:
    thread = threading.Thread(target=os.getpid)
    thread.start()
    thread.join()


def limit_itself() -> None:
    resource.prlimit(os.getpid(), resource.RLIMIT_CPU, resource.getrlimit(resource.RLIMIT_CPU))


ACTIONS: dict[str, Callable[[], object]] = {
    "crash": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "exit": lambda: os._exit(3),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: time.sleep(3600),
    "spin": forever,
    "work": work,
    "allocate": lambda: bytearray(8 << 30),
    "native-allocation": abort_out_of_memory,
    "raise": fail,
    "recurse": recurse,
    "chatter": lambda: os.write(1, b"noise " * 200_000),
    "nonsense": lambda: os.write(0, b"\xff" * 64),
    "network": socket.socket,
    "program": lambda: subprocess.run(["/bin/true"], check=True),
    "fork": fork,
    "vfork": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "unshare": lambda: call("unshare", 0x10000000),
    "setns": lambda: call("setns", 0, 0),
    "keyctl": lambda: call("syscall", KEYCTL, 0, -2, 0),
    "shmget": lambda: call("shmget", 0, 4096, 0o1600),
    "semget": lambda: call("semget", 0, 1, 0o1600),
    "msgget": lambda: call("msgget", 0, 0o1600),
    "limit-of-parent": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU),
    "kill-parent": lambda: os.kill(os.getppid(), 0),
    "signal-thread": lambda: call("tgkill", os.getppid(), os.getppid(), 0),
    "priority": lambda: os.setpriority(os.PRIO_USER, 0, 19),
    "memory-of-parent": memory_of_parent,
    "mount": lambda: call("umount2", 0, 0),
    "thread": start_thread,
    "limit": limit_itself,
}

FILE_USES: dict[str, Callable[[str], object]] = {
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
    "read": lambda path: os.open(path, os.O_RDONLY),
    "list": lambda path: os.listdir(os.path.dirname(path)),
    "read-proc": lambda _: os.open("/proc/self/maps", os.O_RDONLY),
    "environment-of-parent": lambda _: os.open(f"/proc/{os.getppid()}/environ", os.O_RDONLY),
}
"""Uses of the file whose path is the request's body. All of them must be refused."""


USES_OF_OPEN_FILES: dict[str, Callable[[int], object]] = {
    "write": lambda descriptor: os.write(descriptor, b"gone"),
    "open-again": lambda descriptor: os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY),
    "mode": lambda descriptor: os.fchmod(descriptor, 0),
    "flags": lambda descriptor: fcntl.ioctl(descriptor, FS_IOC_SETFLAGS, struct.pack("l", NO_DUMP)),
}
"""Uses of an open file. All of them must be refused."""


MAX_DESCRIPTORS = 4096
"""A parent that has many files open shares one of a high number."""


def is_open(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


def pictures_of(numbers: Iterable[int]) -> tuple[Picture, ...]:
    return tuple(Picture(Digest(number.to_bytes(16))) for number in numbers)


ANSWERS: dict[str, Callable[[], Document | Unreadable]] = {
    "long": lambda: Document("word " * (20 << 20), "text/plain"),
    "wrong-types": lambda: Document("text", "text/plain", page_starts=cast("tuple[int]", ("x",))),
    "pictures": lambda: Document(f"read by {os.getpid()}", "pictures", pictures=pictures_of(range(6))),
    "wrong-pictures": lambda: Document("text", "text/plain", pictures=(Picture(Digest(b"short")),)),
    "environment": lambda: Document(json.dumps(dict(os.environ)), "text/plain"),
    "descriptors": lambda: Document(" ".join(map(str, filter(is_open, range(MAX_DESCRIPTORS)))), "text/plain"),
    "refuse": lambda: Unreadable(SkipReason.ENCRYPTED, "detail\nof two lines \ud800"),
}


class Misbehaving:
    """A parser. A file `pages` has a text layer on its first page, and five pages without one."""

    def __init__(self, pages: dict[int, str]) -> None:
        """`pages` has the actions of pages, by number from 0."""
        self._pages = pages

    def __call__(self, content: bytes | OpenFile, mime_type: str) -> Parsed:
        if isinstance(content, OpenFile):
            if mime_type in USES_OF_OPEN_FILES:
                USES_OF_OPEN_FILES[mime_type](content.fileno())
            content = content.read(1 << 20)
        if mime_type == "application/pdf":
            ACTIONS[content.decode()]()
        elif mime_type in ACTIONS:
            ACTIONS[mime_type]()
        elif mime_type in FILE_USES:
            FILE_USES[mime_type](content.decode())
        elif mime_type in ANSWERS:
            return ANSWERS[mime_type]()
        elif mime_type == "pages":
            text = f"read by {os.getpid()}\n\n"
            starts = (0, *(len(text) + 2 * page for page in range(5)))
            return PartialDocument(Document(text + "\n\n" * 5, mime_type, page_starts=starts), (1, 2, 3, 4, 5))
        return Document(f"{os.getpid()} {content.decode()}", mime_type)

    @property
    def is_spent(self) -> bool:
        return False

    def open_pages(self, descriptor: int, mime_type: str) -> MisbehavingPages:
        return MisbehavingPages(self._pages)


class MisbehavingPages:
    """The pages of a file that is read page by page, or whose pages are recognised."""

    def __init__(self, pages: dict[int, str]) -> None:
        self._pages = pages

    def document(self) -> Document:
        return Document("", "application/pdf", page_starts=(0,) * 6)

    def layer(self, page: int) -> str:
        return self.recognise(page)

    def shows_more(self, page: int, *, known_letters: int) -> bool:
        return True

    def recognise(self, page: int) -> str:
        if page in self._pages:
            ACTIONS[self._pages[page]]()
        return f"page {page} by {os.getpid()}"


def take_down(wall: Wall) -> None:
    """Make `confine` believe that the machine lacks what a wall is made of."""
    if wall not in {Wall.READING, Wall.WRITING}:
        # What nobody may not do, it may not do without the wall either.
        mock.patch("os.setgroups", side_effect=PermissionError).start()
    match wall:
        case Wall.READING | Wall.WRITING:
            mock.patch("magicfs.text.extract.process.landlock.restrict_files", return_value=False).start()
        case Wall.ATTRIBUTES:
            mock.patch("magicfs.text.extract.process.seccomp.refuse_attribute_changes", return_value=False).start()
        case Wall.NETWORK | Wall.PROGRAMS | Wall.PROCESSES:
            mock.patch("magicfs.text.extract.process.seccomp.refuse_dangerous_calls", return_value=False).start()
        case Wall.PRIVILEGES:
            pass


if __name__ == "__main__":
    limits = Limits(**json.loads(sys.argv[1]))
    # The last argument is the descriptor of the shared file.
    pages = dict(argument.split("=") for argument in sys.argv[2:-1] if "=" in argument)
    for name in sys.argv[2:-1]:
        if "=" not in name:
            take_down(Wall[name])
    drop_privileges(limits)
    parser = Misbehaving({int(page): action for page, action in pages.items()})
    serve(parser, limits=limits, shared=int(sys.argv[-1]))
