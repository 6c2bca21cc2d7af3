"""The clock of the database is put back: the times in the index are ahead of it, and nothing waits for them."""

from __future__ import annotations

import pytest

from magicfs.db.as_of import read_as_of
from magicfs.db.clock import is_put_back
from magicfs.db.cluster.heartbeats import LeaseTerms, has_agent, take_host
from magicfs.db.cluster.roots import database_time, list_unscanned, request_scan
from magicfs.errors import HostTaken
from magicfs.ingest.host_lease import HostLease
from tests.plugins.index import HOST, Index

TIMES = """
    SELECT table_name, column_name FROM information_schema.columns
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE data_type = 'timestamp with time zone' AND table_schema = current_schema() AND table_type = 'BASE TABLE'
"""


@pytest.fixture
def lease(index: Index) -> HostLease:
    """Ours; the index has two files."""
    lease = HostLease(index.database, host=HOST, machine="ours", boot="")
    lease.renew()
    for name in ("one.txt", "two.txt"):
        (index.folder / name).write_text(f"words of {name}")
    index.settle()
    return lease


def put_back(index: Index) -> None:
    """Make all times of the index later by an hour, as they look when the clock has lost one."""
    for table, column in index.rows(TIMES):
        index.rows(f'UPDATE "{table}" SET "{column}" = "{column}" + interval \'1 hour\' RETURNING 1')
    index.rows(
        "UPDATE meta SET value = (value::timestamptz + interval '1 hour')::text"
        " WHERE starts_with(key, 'watched') RETURNING 1"
    )


def test_a_waiting_file_is_read_once(index: Index, lease: HostLease) -> None:
    (index.folder / "one.txt").write_text("other words")
    index.scan()
    put_back(index)
    lease.renew()
    index.reader.calls.clear()
    index.settle()
    assert index.states()["one.txt"] == ("indexed", None)
    assert index.reader.calls == [b"one.txt"]


def test_deleted_files_leave_the_index(index: Index, lease: HostLease) -> None:
    put_back(index)
    lease.renew()
    (index.folder / "one.txt").unlink()
    index.restart_agent()
    index.scan()
    assert set(index.states()) == {"two.txt"}


def test_a_scan_is_asked_for_and_waited_for(index: Index, lease: HostLease) -> None:
    put_back(index)
    lease.renew()
    with index.database.transaction() as connection:
        since = database_time(connection)
        assert list_unscanned(connection, host=HOST, since=since) == ["docs"]
        request_scan(connection, name="docs")
    assert index.registered().scan_wanted_at is not None
    index.scan()
    assert index.registered().scan_wanted_at is None
    with index.database.transaction() as connection:
        assert list_unscanned(connection, host=HOST, since=since) == []


def test_roots_are_scanned_anew_before_it_is_said_up_to_when_they_are_known(index: Index, lease: HostLease) -> None:
    put_back(index)
    lease.renew()
    assert index.registered().scan_wanted_at is not None
    with index.database.transaction() as connection:
        assert read_as_of(connection).moment is None
    index.scan()
    with index.database.transaction() as connection:
        assert read_as_of(connection).moment is not None


def test_the_lease_of_a_machine_that_is_gone_lasts_no_longer(index: Index, lease: HostLease) -> None:
    with index.database.transaction() as connection:
        take_host(connection, LeaseTerms("other", "theirs", "", 0.5))
    put_back(index)
    index.rows("UPDATE hosts SET agent_until = heartbeat + interval '0.5 seconds' WHERE name = 'other' RETURNING 1")
    lease.renew()
    index.rows("SELECT pg_sleep(1)")
    with index.database.transaction() as connection:
        assert not has_agent(connection, host="other")
        assert has_agent(connection, host=HOST)
    HostLease(index.database, host="other", machine="a third one", boot="").renew()


def test_the_lease_of_a_machine_that_works_stays(index: Index, lease: HostLease) -> None:
    put_back(index)
    with pytest.raises(HostTaken, match="the agent of ours has the host name"):
        HostLease(index.database, host=HOST, machine="theirs", boot="").renew()
    lease.renew()


def test_what_is_written_while_a_transaction_is_held_up_is_not_ahead_of_the_clock(
    index: Index, lease: HostLease
) -> None:
    with index.database.transaction() as held_up:
        held_up.execute("SELECT pg_sleep(1.2)")
        lease.renew()
        assert not is_put_back(held_up)
