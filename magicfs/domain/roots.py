"""Roots: the directory trees that MagicFS watches, and their states."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from magicfs.domain.ids import RootId


@dataclass(frozen=True, slots=True)
class Root:
    """A watched directory tree. `path` is absolute; `host` is the machine that has it."""

    id: RootId
    host: str
    path: bytes
    name: str
    device: int
    """`st_dev` when the root was last there. Another number means that a disk is missing or was swapped."""
    mount_point: bytes | None = None
    """Where the mount stands that the root lay in then; None if that is not known. Another place means that a mount is
    missing: one that shows a directory elsewhere has the device of that directory."""
    inner_mounts: tuple[bytes, ...] = field(default=(), compare=False)
    """Where such mounts stand in the root, and where they stood, if those directories are empty now. Not compared: the
    root is the same with more of them."""


class RootState(StrEnum):
    """The state of a root at its last check. The values are the labels of `root_state` in Postgres."""

    PRESENT = "present"
    MISSING = "missing"
    """The directory does not exist, or is on another device: its disk is not mounted, or another one is."""
    SUSPECT = "suspect"
    """The directory exists, but so many of its files are gone that a person must confirm the deletions."""


class Watch(StrEnum):
    """How an agent watches a root, from a moment on."""

    BEGINS = "begins"
    """Each change is seen."""
    MISSED = "missed"
    """The same; but something has been missed, and a scan is to find it."""
    NONE = "none"
    """Changes are found by scans alone, or some are."""


@dataclass(frozen=True, slots=True)
class RegisteredRoot:
    """A root as the database has it, with its state."""

    root: Root
    state: RootState
    detail: str | None
    scan_wanted_at: datetime | None
    """When somebody requested a scan, by the database's clock; None after a scan that began later has ended."""


def encloses(outer: bytes, inner: bytes) -> bool:
    """Whether `inner` is `outer` or a path below it. Both are absolute and resolved."""
    return inner == outer or inner.startswith(outer.rstrip(b"/") + b"/")
