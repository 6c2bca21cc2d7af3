"""Files that the index knows, as nodes: the results in `search/`, and the files in `.magic/failed/`.

Used by `tree.Tree`, through the directories of `searches` and `magic`. A file of this host is the real file, and one of
another host is read through the host that has it. Nothing here blocks.
"""

from __future__ import annotations

from collections.abc import Callable

from magicfs.domain.attributes import Attributes
from magicfs.domain.files import FailedFile
from magicfs.domain.results import Hit
from magicfs.tree.directories import Entry
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS, FileLocation
from magicfs.tree.real.files import RealFile
from magicfs.tree.remote.nodes import RemoteResult, RemoteSource


class FileView:
    """Shows files of the index as files."""

    key = b"search"

    def __init__(
        self,
        *,
        host: str,
        gone_files: GoneFileLog,
        source: RemoteSource,
        allows_root: Callable[[bytes], bool] = lambda _: True,
    ) -> None:
        """`host` is the name of this host; `source` has the files of others.

        Of this host, the files are shown whose root, an absolute path, `allows_root`: the index may name others.
        """
        self._host = host
        self._gone_files = gone_files
        self._source = source
        self._allows_root = allows_root

    def listed(self, name: bytes, record: Hit | FailedFile) -> Entry:
        """The entry of a file with the attributes that the index has. The file is not opened."""
        attributes = Attributes.of_indexed(record.stat)
        return Entry(name, self.node(record), attributes, timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)

    def found(self, name: bytes, record: Hit | FailedFile) -> Entry:
        """The entry of a file. Its attributes are still to be read from it."""
        return Entry(name, self.node(record), attributes=None, timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)

    def node(self, record: Hit | FailedFile) -> FileNode:
        """The node of a file. One of this host that must not be shown is a file of a host that cannot be reached."""
        if record.host != self._host or not self._allows_root(record.root_path):
            return RemoteResult(self._source, record, self._gone_files)
        location = FileLocation(host=record.host, root=record.root_path, path=record.path)
        return RealFile(location, index_record=record, gone_files=self._gone_files)
