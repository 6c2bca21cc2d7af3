"""The whole tree: the root with `search/`, `links/`, `mirror/` and `.magic/`, and the inode table.

Made by `magicfs.fuse.mount` and served by `magicfs.fuse.operations`. Knows nothing of FUSE, and has no entries of its
own but these four. The methods of `Tree` are safe in any thread; the inode table belongs to the event loop of the
mount.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from magicfs.domain.roots import RegisteredRoot
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.magic import IndexQueries, magic_directory
from magicfs.tree.mirror import MirrorDirectory
from magicfs.tree.remote.nodes import RemoteSource
from magicfs.tree.results.editable_results import EditableQueryDirectory
from magicfs.tree.results.file_views import FileView
from magicfs.tree.results.given_names import ResultNameCache
from magicfs.tree.results.links import LinkView
from magicfs.tree.results.result_cache import ResultCache
from magicfs.tree.results.searches import SearchDirectory
from magicfs.tree.scratch.scratch import Scratch
from magicfs.tree.virtual import StaticDirectory, VirtualDirectory


class Tree:
    """What a mount shows: the nodes from the root down, and the inode table."""

    def __init__(
        self,
        index: IndexQueries,
        results: ResultCache,
        *,
        host: str,
        source: RemoteSource,
        scratch: Path | None = None,
        allows_root: Callable[[bytes], bool] = lambda _: True,
    ) -> None:
        """`host` is the name of this host. Files of others come from `source`.

        If that says that other users may enter the mount, they may enter `mirror/` alone: the index has texts of files
        that they may not read. Of this host, the files are shown whose root, an absolute path, `allows_root`: the index
        may name others. `scratch` is a directory as `scratch_directory` makes it, for what programs make in `search/`
        while they save; without it they make nothing there.
        """
        mounted_at_ns = time.time_ns()
        self._started_at = time.monotonic()
        self._results = results
        self._gone_files = gone = GoneFileLog()
        self._mirror = MirrorDirectory(host=host, gone_files=gone, source=source, mounted_at_ns=mounted_at_ns)
        self._host, self._allows_root = host, allows_root
        view = FileView(host=host, gone_files=gone, source=source, allows_root=allows_root)
        names = ResultNameCache()
        self.scratch = None if scratch is None else Scratch(scratch, host=host, names=names)
        """What programs have made in `search/`; None if they cannot."""
        search_directory = partial(SearchDirectory, self._results, names, mounted_at_ns=mounted_at_ns)
        private: dict[bytes, VirtualDirectory] = {
            b"search": search_directory(
                view,
                None if self.scratch is None else partial(EditableQueryDirectory, self.scratch),
            ),
            b"links": search_directory(LinkView(host=host)),
            b".magic": magic_directory(
                index,
                refresh=self.refresh,
                counts=self.counts,
                host=host,
                view=view,
                mounted_at_ns=mounted_at_ns,
            ),
        }
        if source.is_shared:
            for directory in private.values():
                directory.make_private()
        entries = {name: private.get(name, self._mirror) for name in (b"search", b"links", b"mirror", b".magic")}
        self.root = StaticDirectory(b"top", entries, mounted_at_ns=mounted_at_ns)
        self.inodes = InodeTable(self.root)

    def counts(self) -> dict[str, int]:
        """The numbers of inodes and cached results, and the age of the mount in seconds. Safe in any thread."""
        return {
            "inodes": len(self.inodes),
            "results": len(self._results.recent_queries()),
            "seconds": int(time.monotonic() - self._started_at),
        }

    def root_paths(self) -> list[bytes]:
        """The directories of the roots of this host. Safe in any thread."""
        return self._mirror.root_paths()

    def refresh(self) -> None:
        """Clear the result cache. Safe in any thread."""
        self._results.clear()

    def end(self) -> None:
        """Wait a while for files that are being saved, at the end of the mount. May block."""
        if self.scratch is not None:
            self.scratch.wait()

    def set_roots(self, roots: Sequence[RegisteredRoot]) -> None:
        """Replace the roots that the mirror shows, with their states. Safe in any thread."""
        shown = [entry for entry in roots if entry.root.host != self._host or self._allows_root(entry.root.path)]
        self._mirror.set_roots(registered.root for registered in shown)
        self._gone_files.set_roots(shown)
