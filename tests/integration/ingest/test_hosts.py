"""A host that is gone for good leaves the index, with all that it alone had, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.db.cluster.heartbeats import LeaseTerms, extend_lease, hold_host, record_mount, record_workers, take_host
from magicfs.db.status import read_status
from magicfs.domain.status import RootStatus, WorkerStatus
from magicfs.errors import HostAtWork, HostUnknown, RootError
from magicfs.ingest.hosts import retire_host
from magicfs.ingest.roots import add_root, remove_root
from tests.plugins.index import HOST, Index

OURS = LeaseTerms(HOST, "machine", "boot", 3600)


@pytest.fixture
def two_hosts(index: Index, tmp_path: Path) -> Index:
    """The host of the index, and the host `there` with a file of its own and one that both have."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    root = add_root(index.database, host="there", path=folder, home=tmp_path / "home")
    other = Index(index.database, root, folder, index.reader, index.embedder)
    for each in (index, other):
        (each.folder / "shared.txt").write_text("shared words")
        (each.folder / "own.txt").write_text(f"words of {each.root.host} alone")
    for each in (index, other):
        each.scan()
        while each.extraction(f"extract-1@{each.root.host}", host=each.root.host).run_batch():
            pass
    return index


def test_a_retired_host_takes_its_roots_and_what_it_alone_had(two_hosts: Index) -> None:
    index = two_hosts
    with index.database.transaction() as connection:
        record_workers(connection, [WorkerStatus("w", HOST, "embed", 1), WorkerStatus("v", "there", "embed", 1)])
        record_mount(connection, host=HOST, path=b"/mnt", pid=1)
    assert [root.name for root in retire_host(index.database, name=HOST)] == [index.root.name]
    with index.database.transaction() as connection:
        status = read_status(connection)
    assert [host.name for host in status.hosts] == ["there"]
    assert [root.host for root in status.roots] == ["there"]
    assert (status.files.total, status.chunks.total) == (2, 2)
    assert [worker.host for worker in status.workers] == ["there"]
    assert status.mounts == ()
    orphans = index.rows(
        "SELECT text FROM contents o JOIN content_chunks c ON c.content_id = o.id JOIN chunks ON chunks.id = c.chunk_id"
        " WHERE o.orphaned_at = '-infinity'"
    )
    assert orphans == [(f"words of {HOST} alone",)]
    assert (index.folder / "own.txt").read_text() == f"words of {HOST} alone"


def test_a_root_is_removed_on_its_own_host_alone(index: Index, tmp_path: Path) -> None:
    theirs = tmp_path / "docs"
    theirs.mkdir(exist_ok=True)
    (tmp_path / "there" / "docs").mkdir(parents=True)
    other = add_root(index.database, host="there", path=tmp_path / "there" / "docs", home=tmp_path / "home")
    with pytest.raises(RootError) as refused:
        remove_root(index.database, host="there", name_or_path=index.root.name)
    assert str(refused.value).startswith(
        f"{index.root.name} is a root of {HOST}: that of there is {other.name}; run 'magicfs roots remove"
    )
    with pytest.raises(RootError, match="magicfs hosts retire there"):
        remove_root(index.database, host=HOST, name_or_path=other.name)
    assert remove_root(index.database, host="there", name_or_path=other.name).id == other.id
    assert [root.name for root in _roots(index)] == [index.root.name]


def _roots(index: Index) -> list[RootStatus]:
    with index.database.transaction() as connection:
        return list(read_status(connection).roots)


def test_a_host_at_work_is_not_retired(two_hosts: Index) -> None:
    index = two_hosts
    with index.database.transaction() as connection:
        assert take_host(connection, OURS) is None
    before = index.states()
    with pytest.raises(HostAtWork, match=f"agent of {HOST}"):
        retire_host(index.database, name=HOST)
    assert index.states() == before
    index.rows("UPDATE hosts SET agent_until = now() - interval '1 second' WHERE name = %s RETURNING 1", HOST)
    retire_host(index.database, name=HOST)
    # What a machine that was cut off has seen since is not written, and its agent takes no other one's place.
    with index.database.transaction() as connection:
        assert not hold_host(connection, host=HOST, machine=OURS.machine)
        assert not extend_lease(connection, OURS)


def test_a_host_that_comes_back_begins_anew(two_hosts: Index) -> None:
    index = two_hosts
    retire_host(index.database, name=HOST)
    with index.database.transaction() as connection:
        assert take_host(connection, LeaseTerms(HOST, "another", "", 3600)) is None
    root = add_root(index.database, host=HOST, path=index.folder, home=Path("/nowhere"))
    again = Index(index.database, root, index.folder, index.reader, index.embedder)
    again.settle()
    assert again.rows("SELECT count(*) FROM files WHERE root_id = %s AND state = 'indexed'", root.id) == [(2,)]


def test_a_host_that_is_not_there_is_named_with_those_that_are(two_hosts: Index) -> None:
    with pytest.raises(HostUnknown, match="no host nowhere: there is here, there"):
        retire_host(two_hosts.database, name="nowhere")
