"""The whole tree, from its top."""

from __future__ import annotations

import time
from collections.abc import Iterable

from magicfs.domain.roots import Root
from magicfs.tree.inodes import InodeTable
from magicfs.tree.magic import Index, magic_directory
from magicfs.tree.mirror import MirrorDirectory
from magicfs.tree.results import Results, Searcher
from magicfs.tree.searches import SearchDirectory
from magicfs.tree.virtual import FixedDirectory


class Tree:
    """What a mount shows: the nodes below the top, and the inodes that the kernel knows."""

    def __init__(self, searcher: Searcher, index: Index, *, host: str, search_seconds: float) -> None:
        """`host` is this machine's name: files of other machines are listed, and cannot be opened."""
        born_ns = time.time_ns()
        self._born = time.monotonic()
        self._results = Results(searcher, index.version, search_seconds=search_seconds)
        self._mirror = MirrorDirectory(host=host, born_ns=born_ns)
        self.root = FixedDirectory(
            b"top",
            {
                b"search": SearchDirectory(self._results, host=host, born_ns=born_ns),
                b"mirror": self._mirror,
                b".magic": magic_directory(index, refresh=self.refresh, counts=self.counts, host=host, born_ns=born_ns),
            },
            born_ns=born_ns,
        )
        self.inodes = InodeTable(self.root)

    def counts(self) -> dict[str, int]:
        """What is held in memory, and for how many seconds the mount is up. Safe in any thread."""
        return {
            "inodes": len(self.inodes),
            "results": len(self._results.recent()),
            "seconds": int(time.monotonic() - self._born),
        }

    def refresh(self) -> None:
        """Have all results searched anew. Safe in any thread."""
        self._results.clear()

    def show_roots(self, roots: Iterable[Root]) -> None:
        """Mirror these roots from now on. Safe in any thread."""
        self._mirror.show(roots)
