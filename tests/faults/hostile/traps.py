"""A root under watch that a test changes, and the traps that are set in it."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.growth import zombies
from tests.plugins.office_files import docx, laughs, paragraphs, with_declared_size, zipped
from tests.plugins.stack import Stack

SOON = 120.0
"""A generous time from an event to the index. The next scan is an hour away, so events alone bring it."""

INDEXED = ("indexed", None)
MIB = 1 << 20


@dataclass
class Tree:
    """A root under watch."""

    stack: Stack
    folder: Path

    def states(self, below: str | bytes) -> dict[bytes, tuple[str, str | None]]:
        """State and reason of the files below a directory of the tree, by their path in it."""
        prefix = os.fsencode(below) + b"/"
        rows = self.stack.rows(
            "SELECT substring(path FROM %s), state, reason FROM files WHERE starts_with(encode(path, 'escape'), %s)",
            len(prefix) + 1,
            prefix.decode(),
        )
        return {path: (state, reason) for path, state, reason in rows}

    def wait_for(self, below: str, names: set[bytes], *, seconds: float = SOON) -> None:
        """Wait until the index has exactly these files below a directory, all of them indexed."""
        wanted = dict.fromkeys(names, INDEXED)
        try:
            self.stack.wait(lambda: self.states(below) == wanted, seconds=seconds, what=f"the index of {below}")
        except AssertionError as error:
            raise AssertionError(f"{self.states(below)} instead of {wanted}") from error

    def text(self, path: str) -> str:
        """The text that the index has of a file."""
        rows = self.stack.rows(
            "SELECT text FROM files JOIN content_chunks USING (content_id) JOIN chunks ON chunks.id = chunk_id"
            " WHERE display = %s ORDER BY ordinal",
            path,
        )
        return "\n".join(text for (text,) in rows)

    def wait_for_text(self, path: str, text: str) -> None:
        """Wait until the index has this text of a file."""
        self.stack.wait(lambda: text in self.text(path), seconds=SOON, what=f"'{text}' in {path}")

    def assert_healthy(self) -> None:
        """A file that is saved now is extracted at once, no claim is held, and no process is a zombie."""
        (self.folder / "canary").mkdir(exist_ok=True)
        canary = self.folder / "canary" / f"{time.monotonic_ns()}.txt"
        canary.write_text(f"The canary {canary.name} sings.")
        wanted = f"canary/{canary.name}"
        self.wait_for_text(wanted, canary.name)
        held = "SELECT count(*) FROM files WHERE lease IS NOT NULL"
        self.stack.wait(lambda: self.stack.rows(held) == [(0,)], seconds=SOON, what="the end of all claims")
        self.stack.wait(lambda: not zombies(self.stack), seconds=SOON, what="the end of zombies")


def set_traps(folder: Path, outside: Path) -> None:
    folder.mkdir()
    (folder / "plain.txt").write_text("Nothing wrong with this one.")
    os.mkfifo(folder / "pipe.txt")
    with short_name(folder) as place, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}/socket.txt")
    if os.getuid() == 0:
        os.mknod(folder / "device.txt", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    (folder / "loop").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "everything").symlink_to("/")
    (folder / "away").symlink_to(outside)
    (folder / "secret.txt").symlink_to(outside / "secret.txt")
    dig(folder, name="d", depth=1000)
    dig(folder, name="longer than the longest path", depth=200)
    with (folder / "sparse.txt").open("wb") as sparse:
        sparse.truncate(1 << 40)
    (folder / "42.zip").write_bytes(zipped({f"{at}.zip": zipped({"zeros": bytes(MIB)}) for at in range(10)}))
    (folder / "laughs.svg").write_text(laughs('<svg xmlns="http://www.w3.org/2000/svg"><text>{}</text></svg>'))
    (folder / "laughs.docx").write_bytes(docx(laughs("<w:document>{}</w:document>")))
    (folder / "lying.docx").write_bytes(with_declared_size(docx(paragraphs(10)), 0xFFFFFFF0))
    (folder / "nul.txt").write_bytes(b"plain words of text\n" * 20 + b"a\0b")
    (folder / "halves.txt").write_bytes("\ufeffhalf \ud83d a pair \udc00".encode("utf-16-le", errors="surrogatepass"))
    (folder / "empty.txt").touch()
    (folder / "blank.txt").write_text(" \n\t\r\n" * 1000)
    (folder / "closed.txt").write_text("For nobody.")
    (folder / "closed.txt").chmod(0)
    (folder / "closed").mkdir()
    (folder / "closed" / "inside.txt").write_text("For nobody either.")
    (folder / "closed").chmod(0)


@contextmanager
def short_name(folder: Path) -> Iterator[str]:
    """A short name of a folder, because socket addresses are short."""
    descriptor = os.open(folder, os.O_PATH)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def dig(folder: Path, *, name: str, depth: int) -> None:
    """Make nested directories with a path longer than the system takes, and a file in the deepest one."""
    descriptor = os.open(folder, os.O_PATH)
    for _ in range(depth):
        os.mkdir(name, dir_fd=descriptor)
        deeper = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    with os.fdopen(os.open("bottom.txt", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor), "w") as file:
        file.write(f"At the bottom of {depth} directories.")
    os.close(descriptor)
