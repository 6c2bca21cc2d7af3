"""Roots: the directory trees under watch, and what the last look at each one found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from magicfs.domain.ids import RootId


@dataclass(frozen=True, slots=True)
class Root:
    """A directory tree under watch. `path` is absolute; `host` is the machine that has it."""

    id: RootId
    host: str
    path: bytes
    name: str
    device: int
    """`st_dev` when the root was added: another one means that a disk is missing or was swapped."""


class RootState(StrEnum):
    """What the last look at a root found. The values are the labels of `root_state` in Postgres."""

    PRESENT = "present"
    MISSING = "missing"
    """The directory is not there, or another device is mounted in its place."""
    SUSPECT = "suspect"
    """It is there, but so much of it is gone that a person should confirm."""


@dataclass(frozen=True, slots=True)
class RegisteredRoot:
    """A root and its state."""

    root: Root
    state: RootState
    detail: str | None
    scan_wanted_at: datetime | None
    """When somebody asked for a scan, by the database's clock; None once one that began later has ended."""


def encloses(outer: bytes, inner: bytes) -> bool:
    """Whether `inner` is `outer` or lies below it. Both are absolute and resolved."""
    return inner == outer or inner.startswith(outer.rstrip(b"/") + b"/")
