"""The directories of the tree: how names are looked up, listed and changed in one.

Implemented by the other modules of this package, called by the FUSE adapter. Here every change is refused.

Threading: `negative_timeout`, `note_lookup`, `hides`, `note_opening`, `lookup_cached`, `lookup_pool`, `change_pool`,
`removal_steps` and `rename_steps` run on the event loop of the mount and never block. The rule for the others is that
of `nodes`.
"""

# ruff: noqa: ARG002 - the defaults refuse, whatever they are asked for

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from magicfs.domain.attributes import Attributes
from magicfs.tree.nodes import STATIC_TIMEOUT_SECONDS, Handle, Node, ThreadPool, read_only
from magicfs.tree.steps import Steps

RENAME_NOREPLACE = 1
"""The flag of `renameat2`: raise `EEXIST` instead of replacing something."""


class Entry(NamedTuple):
    """A name in a directory. A tuple: a listing makes hundreds."""

    name: bytes
    node: Node
    attributes: Attributes | None
    """None if they are still to be read from the node."""
    timeout_seconds: float = STATIC_TIMEOUT_SECONDS
    """How long the kernel may cache the name."""
    has_own_attributes: bool = True
    """False where the attributes stand for those of the node, which the kernel asks for before it uses them."""


class DirectoryListing(Protocol):
    """The entries that a directory had when it was opened."""

    @property
    def number(self) -> int:
        """The number of this listing if the kernel may keep it, else 0: it must not continue one with another."""

    @property
    def may_block(self) -> bool:
        """Whether `batch` may block."""

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """Up to `count` entries from position `start`, each with the position after it; empty at the end."""


@dataclass(frozen=True, slots=True)
class InMemoryListing:
    """A listing whose entries are all made already."""

    entries: Sequence[Entry]
    number: int = field(default=0, init=False)
    may_block: bool = field(default=False, init=False)

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """The slice of the entries."""
        return list(enumerate(self.entries[start : start + count], start + 1))


class Caller(NamedTuple):
    """Who makes something: it belongs to this user and group."""

    uid: int
    gid: int
    asked_mode: int
    """The mode that it asks for. What is made gets that without its umask, but where a default access list counts."""


class Directory(Node):
    """A node with names in it."""

    negative_timeout_seconds: float = 0.0
    """How long the kernel may cache that a name does not exist."""
    takes_search: bool = False
    """Whether listing it searches."""
    parent_ino: int = 1
    """The inode number of the directory in which it was found last; that of the top for the top itself."""

    def negative_timeout(self, name: bytes) -> float:
        """How many seconds the kernel may cache that this name does not exist."""
        del name
        return self.negative_timeout_seconds

    def note_lookup(self, name: bytes, caller: int) -> None:
        """Record that a thread, by its id, looks up a name."""
        del name, caller

    def hides(self, name: bytes, caller: int) -> bool:
        """Whether a thread, by its id, is to believe for now that a name does not exist that it looks up."""
        del name, caller
        return False

    def note_opening(self, caller: int) -> None:
        """Record that a thread, by its id, opens the directory."""
        del caller

    def lookup_cached(self, name: bytes) -> Entry | None:
        """The entry of that name if it is available without blocking; None if it takes a `lookup`.

        Raises `FileNotFoundError` if it is certain that the name does not exist.
        """
        del name
        return None

    def lookup_pool(self, name: bytes) -> ThreadPool | None:
        """Where `lookup` of that name runs."""
        del name
        return self.thread_pool

    @abstractmethod
    def lookup(self, name: bytes) -> Entry:
        """The entry of that name. Raises `FileNotFoundError`. May block."""

    @abstractmethod
    def list(self) -> DirectoryListing:
        """The current entries. May block."""

    def change_pool(self, *names: bytes) -> ThreadPool | None:
        """Where a change of these names runs. Never blocks."""
        del names
        return self.thread_pool

    def create_file(self, name: bytes, *, mode: int, flags: int, caller: Caller) -> tuple[Entry, Handle]:
        """Create a regular file for `caller` and open it with the flags of `os.open`. May block.

        Raises `FileExistsError`, and `ESTALE` for an existing file that the program wants to open without `O_EXCL`:
        the kernel looks it up then. So do the next methods, but for `ESTALE`. Here nothing can be made or changed.
        """
        raise read_only()

    def undo_create(self, entry: Entry, handle: Handle) -> None:
        """Take back what `create_file` has done after the program was told that it failed, or close it. May block."""
        del entry
        handle.close()

    def make_directory(self, name: bytes, *, mode: int, caller: Caller) -> Entry:
        """Make a directory. May block."""
        raise read_only()

    def make_special_file(self, name: bytes, *, mode: int, device: int, caller: Caller) -> Entry:
        """Make a FIFO, socket, device or regular file; `mode` has its type. May block."""
        raise read_only()

    def make_link(self, name: bytes, target: bytes, *, caller: Caller) -> Entry:
        """Make a symbolic link. May block."""
        raise read_only()

    def add_name(self, name: bytes, node: Node) -> Entry:
        """Give the file of a node this name too, a hard link. Raises `EXDEV` if it is in another root. May block."""
        raise read_only()

    def remove(self, name: bytes, *, is_directory: bool) -> None:
        """Remove a name, of an empty directory or of anything else. May block."""
        raise read_only()

    def removal_steps(self, name: bytes, *, is_directory: bool) -> Steps[None] | None:
        """What removes a name in steps; None if `remove` does. Never blocks."""
        return None

    def rename_steps(
        self, name: bytes, target: Directory, new_name: bytes, *, flags: int
    ) -> Steps[Sequence[Node]] | None:
        """What renames in steps; None if `rename` does. Never blocks."""
        return None

    def rename(self, name: bytes, target: Directory, new_name: bytes, *, flags: int) -> Sequence[Node]:
        """Rename to a name in `target`; `flags` are the kernel's `RENAME_*`. May block.

        Returns new nodes of what was renamed, with their new places. Raises `EXDEV` if `target` is in another root.
        """
        raise read_only()

    def sync(self) -> None:
        """Flush the names to the disk. May block."""
