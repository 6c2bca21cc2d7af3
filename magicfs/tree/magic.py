"""`.magic/`: the state of the index, a way to drop what is cached, and the files that could not be indexed."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from magicfs.domain.attributes import Attributes, Change
from magicfs.domain.files import FailedFile
from magicfs.domain.status import IndexStatus
from magicfs.search.render import status_json
from magicfs.tree.files import REAL_SECONDS, FileLocation, RealFile
from magicfs.tree.names import plain_names
from magicfs.tree.nodes import Entry, Handle, Openable, ReadyEntries, ThreadPool, missing
from magicfs.tree.virtual import FixedDirectory, GeneratedFile, OurDirectory, TextHandle

MOST_SHOWN = 2000
"""Files of one reason that are listed; `magicfs failures` has them all."""


class Index(Protocol):
    """What the tree asks of the database. Its methods block, and raise `DatabaseError`."""

    def version(self) -> str:
        """A text that is another one after each change."""

    def status(self) -> IndexStatus:
        """The state of the whole."""

    def reasons(self) -> Sequence[str]:
        """The reasons for which files could not be indexed."""

    def failed(self, *, reason: str, limit: int) -> Sequence[FailedFile]:
        """Files that could not be indexed."""


def magic_directory(
    index: Index,
    *,
    refresh: Callable[[], None],
    counts: Callable[[], Mapping[str, int]],
    host: str,
    born_ns: int,
) -> FixedDirectory:
    """`.magic/` with all that is in it. `counts` says what this mount holds in memory."""

    def status() -> bytes:
        state = status_json(index.status()) | {"this_mount": counts()}
        return json.dumps(state, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"

    entries = {
        b"status.json": GeneratedFile(b"status", status, born_ns=born_ns),
        b"refresh": RefreshFile(refresh, born_ns=born_ns),
        b"failed": FailedDirectory(index, host=host, born_ns=born_ns),
    }
    return FixedDirectory(b"magic", entries, born_ns=born_ns)


class RefreshHandle(TextHandle):
    """Takes whatever is written to it."""

    def write(self, offset: int, data: bytes) -> int:
        """The opening has done the work."""
        del offset
        return len(data)


class RefreshFile(Openable):
    """Whoever writes to it or touches it has all results searched anew."""

    attributes_seconds = 0.0

    def __init__(self, refresh: Callable[[], None], *, born_ns: int) -> None:
        super().__init__(b"grefresh")
        self._refresh = refresh
        self._born_ns = born_ns

    def known_attributes(self) -> Attributes:
        """Empty, and writable for its owner."""
        return Attributes.of_virtual(mode=stat.S_IFREG | 0o644, born_ns=self._born_ns)

    def attributes(self) -> Attributes:
        """The same."""
        return self.known_attributes()

    def open(self, flags: int) -> Handle:
        """To write is to refresh."""
        if flags & os.O_ACCMODE != os.O_RDONLY:
            self._refresh()
        return RefreshHandle(b"")

    def change(self, wanted: Change, handle: Handle | None) -> None:
        """`touch` refreshes too."""
        del wanted, handle
        self._refresh()

    def may(self, mode: int) -> bool:
        """To read and to write."""
        return not mode & os.X_OK


class FailedDirectory(OurDirectory):
    """`.magic/failed/`: one directory a reason."""

    lane = ThreadPool.INDEX

    def __init__(self, index: Index, *, host: str, born_ns: int) -> None:
        super().__init__(b"failed", born_ns=born_ns)
        self._index = index
        self._host = host

    def lookup(self, name: bytes) -> Entry:
        """A reason, if a file has it. May block."""
        if name.decode("utf-8", "replace") not in self._index.reasons():
            raise missing(name)
        return self._entry(name)

    def list(self) -> ReadyEntries:
        """The reasons that files have. May block."""
        return ReadyEntries([self._entry(reason.encode()) for reason in self._index.reasons()])

    def _entry(self, name: bytes) -> Entry:
        node = ReasonDirectory(name, self._index, host=self._host, born_ns=self.born_ns)
        return Entry(name, node, node.known_attributes(), seconds=REAL_SECONDS)


class ReasonDirectory(OurDirectory):
    """The files that could not be indexed for one reason."""

    lane = ThreadPool.INDEX

    def __init__(self, reason: bytes, index: Index, *, host: str, born_ns: int) -> None:
        super().__init__(b"failed/" + reason, born_ns=born_ns)
        self._reason = reason.decode("utf-8", "replace")
        self._index = index
        self._host = host

    def lookup(self, name: bytes) -> Entry:
        """A file by its name in the list. May block."""
        for entry in self.list().entries:
            if entry.name == name:
                return entry
        raise missing(name)

    def list(self) -> ReadyEntries:
        """The files with what the index knows of them. May block."""
        files = self._index.failed(reason=self._reason, limit=MOST_SHOWN)
        names = plain_names(file.path.rpartition(b"/")[2] for file in files)
        return ReadyEntries([self._entry(name, file) for name, file in zip(names, files, strict=True)])

    def _entry(self, name: bytes, file: FailedFile) -> Entry:
        known = Attributes.of_indexed(file.stat)
        place = FileLocation(host=file.host, root=file.root_path, path=file.path)
        node = RealFile(place, here=file.host == self._host, known=known, about=file)
        return Entry(name, node, known, seconds=REAL_SECONDS)
