"""Heartbeats: what they record, and what they do not use up."""

from concurrent.futures import ThreadPoolExecutor

from magicfs.db.cluster.heartbeats import LeaseTerms, record_mount, record_workers, take_host
from magicfs.db.cluster.roots import ensure_host
from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from tests.fakes.embedder import FAKE_SPEC


def used_numbers(database: Database) -> dict[str, int]:
    """The last number that each sequence has given; sequences that were not used are left out."""
    with database.transaction() as connection:
        return dict(
            connection.execute(
                "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
            ).fetchall()
        )


def test_what_is_recorded_again_and_again_uses_up_no_numbers(database: Database) -> None:
    def record() -> None:
        with database.transaction() as connection:
            take_host(connection, LeaseTerms("one", "here", "", 30))
            assert ensure_host(connection, name="one") == ensure_host(connection, name="one")
            activate_model(connection, FAKE_SPEC)

    record()
    used = used_numbers(database)
    for _ in range(5):
        record()
    assert used["hosts_id_seq"] == used["models_id_seq"] == 1
    assert used_numbers(database) == used


def test_a_heartbeat_moves_the_time(database: Database) -> None:
    seen = []
    for _ in range(2):
        with database.transaction() as connection:
            take_host(connection, LeaseTerms("one", "here", "", 30))
            seen += connection.execute("SELECT heartbeat FROM hosts WHERE name = 'one'").fetchall()
    assert seen[0] < seen[1]


def test_a_host_that_starts_in_several_processes_at_once_is_one(database: Database) -> None:
    def start(number: int) -> int:
        with database.transaction() as connection:
            if number % 2:
                take_host(connection, LeaseTerms("new", "here", "", 30))
            return ensure_host(connection, name="new")

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(20)))) == 1


def test_mounts_that_were_killed_do_not_stay_for_ever(database: Database) -> None:
    with database.transaction() as connection:
        for path in (b"/killed", b"/mnt"):
            record_mount(connection, host="box", path=path, pid=1)
        connection.execute("UPDATE mounts SET seen_at = now() - interval '11 minutes' WHERE path = '/killed'")
        record_workers(connection, [])
        assert connection.execute("SELECT path FROM mounts").fetchall() == [(b"/mnt",)]
