"""How directories on disk differ from what the index believes about them. Used by the scanner."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from magicfs.db.files import SeenFile
from magicfs.domain.files import Root
from magicfs.ingest.before import Before
from magicfs.ingest.walk import Listing, Walk


@dataclass(slots=True)
class Difference:
    """How the directories that a walk met differ from what was there before."""

    changed: int = 0
    arrived: set[int] = field(default_factory=set)
    """Inode numbers of files under paths that are new."""
    gone: dict[bytes, int] = field(default_factory=dict)
    """Inode numbers of files that were not met, by path."""
    unfinished: bool = False


def compared(listing: Listing, walk: Walk, before: Before, found: Difference) -> Iterator[SeenFile]:
    """The files of a directory that are new or have changed; which ones arrived and are gone goes into `found`."""
    known = before.signatures(listing.path)
    prefix = listing.path + b"/" if listing.path else b""
    for name, signature in listing.signatures().items():
        old = known.pop(name, None)
        if old == signature:
            continue
        if old is None:
            found.arrived.add(signature[3])
        if seen := walk.look(prefix + name):
            yield seen
    missed = {prefix + name: signature[3] for name, signature in known.items()}
    found.gone |= {path: ino for path, ino in missed.items() if path not in walk.unsure}


def count_lost(root: Root, gone: dict[bytes, int], arrived: set[int]) -> int:
    """How many of the files that were not met were neither moved within the root nor are merely unwanted now."""
    return sum(ino not in arrived and not os.path.lexists(os.path.join(root.path, path)) for path, ino in gone.items())
