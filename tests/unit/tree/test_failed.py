"""`.magic/failed/`: looking up every file of a listing asks the database once, not once for each file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from magicfs.domain.files import FailedFile, FileStat, FileState
from magicfs.tree import magic
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.magic import FailedDirectory, ReasonDirectory
from magicfs.tree.remote.files import NoRemoteFiles
from magicfs.tree.remote.nodes import RemoteSource
from magicfs.tree.results.file_views import FileView

STAT = FileStat(size=1, mtime_ns=1, ctime_ns=1, ino=1, dev=1, mode=0o644, uid=0, gid=0)


@dataclass
class FakeIndex:
    """An index with files of one reason, which counts how often they are read."""

    files: list[FailedFile] = field(default_factory=list)
    reads: int = 0

    def add(self, path: bytes) -> None:
        self.files.append(
            FailedFile("there", "root", b"/root", path, STAT, FileState.SKIPPED, "too-large", None, changed_at=0.0)
        )

    def unindexed_reasons(self) -> Sequence[str]:
        return ["too-large"] if self.files else []

    def unindexed_files(self, *, reason: str, limit: int) -> Sequence[FailedFile]:
        self.reads += 1
        return [file for file in self.files if file.reason == reason][:limit]


def reason_directory(index: FakeIndex) -> tuple[FailedDirectory, ReasonDirectory]:
    view = FileView(host="here", gone_files=GoneFileLog(), source=RemoteSource(NoRemoteFiles()))
    failed = FailedDirectory(index, view, mounted_at_ns=1)
    node = failed.lookup(b"too-large").node
    assert isinstance(node, ReasonDirectory)
    return failed, node


def test_looking_up_all_listed_files_reads_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(magic, "LISTING_SECONDS", 3600.0)
    index = FakeIndex()
    for number in range(200):
        index.add(b"%d/big.iso" % number)
    failed, node = reason_directory(index)
    names = [entry.name for entry in node.list().entries]
    assert names[:2] == [b"big.iso", b"big (2).iso"]
    for name in names:
        assert node.lookup(name).name == name
    # The kernel may ask through another node of the same directory.
    again = failed.lookup(b"too-large").node
    assert isinstance(again, ReasonDirectory)
    again.lookup(names[-1])
    with pytest.raises(FileNotFoundError):
        again.lookup(b"no such name")
    assert index.reads == 1


def test_a_new_file_is_found_after_a_moment_or_a_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    index = FakeIndex()
    index.add(b"a.iso")
    _, node = reason_directory(index)
    node.lookup(b"a.iso")
    index.add(b"b.iso")
    assert [entry.name for entry in node.list().entries] == [b"a.iso", b"b.iso"]
    node.lookup(b"b.iso")
    index.add(b"c.iso")
    monkeypatch.setattr(magic, "LISTING_SECONDS", -1.0)
    node.lookup(b"c.iso")
