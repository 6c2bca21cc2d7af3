"""Hosts and roots."""

from __future__ import annotations

from datetime import datetime

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.ids import HostId, RootId
from magicfs.domain.roots import RegisteredRoot, Root, RootState

_SQL = load_queries("roots")


def ensure_host(connection: Connection, *, name: str) -> HostId:
    """The id of a host, which is made known when it is new."""
    row = fetch_one(connection.execute(_SQL["ensure_host"], {"name": name}))
    return HostId(row[0])


def list_roots(connection: Connection, *, host: str | None = None) -> list[RegisteredRoot]:
    """The roots of the cluster, or of one host, by name."""
    return [
        RegisteredRoot(
            root=Root(id=RootId(root_id), host=host_name, path=path, name=name, device=device),
            state=RootState(state),
            detail=detail,
            scan_wanted_at=scan_wanted_at,
        )
        for root_id, host_name, path, name, device, state, detail, scan_wanted_at in connection.execute(
            _SQL["all"], {"host": host}
        )
    ]


def root_names(connection: Connection) -> set[str]:
    """The display names that are taken."""
    return {row[0] for row in connection.execute(_SQL["names"])}


def insert_root(connection: Connection, *, host: HostId, path: bytes, name: str, device: int) -> RootId:
    """Record a new root."""
    row = fetch_one(connection.execute(_SQL["insert"], {"host_id": host, "path": path, "name": name, "device": device}))
    return RootId(row[0])


def delete_root(connection: Connection, root: RootId) -> None:
    """Forget a root and its files."""
    connection.execute(_SQL["lock_files"], {"root_id": root})
    connection.execute(_SQL["delete"], {"root_id": root})


def set_root_state(connection: Connection, root: RootId, *, state: RootState, detail: str | None) -> None:
    """Record what a look at a root found; nothing is written when it is the same as before."""
    connection.execute(_SQL["set_state"], {"root_id": root, "state": state.value, "detail": detail})


def consume_deletion_confirmation(connection: Connection, root: RootId) -> bool:
    """Whether a person has confirmed that what a root lacks is to be forgotten. Holds for the scan that asks."""
    return connection.execute(_SQL["consume_deletion_confirmation"], {"root_id": root}).rowcount == 1


def restore_deletion_confirmation(connection: Connection, root: RootId) -> None:
    """Give a confirmation back that was taken in vain."""
    connection.execute(_SQL["restore_deletion_confirmation"], {"root_id": root})


def set_device(connection: Connection, root: RootId, *, device: int) -> None:
    """Record under which device number a root is found from now on."""
    connection.execute(_SQL["set_device"], {"root_id": root, "device": device})


def record_scan(connection: Connection, root: RootId, *, began: datetime) -> None:
    """Record that a scan has ended; `began` is the database's time when it began.

    It may have left out what could not be looked at: the index keeps what it knows of that.
    """
    # Nothing waits for the disk: should the server crash, the root is scanned again.
    connection.execute("SET LOCAL synchronous_commit TO off")
    connection.execute(_SQL["scanned"], {"root_id": root, "began": began})


def request_scan(connection: Connection, *, name: str | None = None, may_delete: bool = False) -> int:
    """Ask for a scan of one root, or of all. `may_delete` confirms what a suspect root lacks. Returns how many."""
    return connection.execute(_SQL["request_scan"], {"name": name, "may_delete": may_delete}).rowcount


def count_unscanned(connection: Connection, *, host: str, root: str | None = None, since: datetime) -> int:
    """How many present roots of a host still wait for the end of a scan that began after `since`.

    With the name of a `root`, whatever host has it, only that one counts.
    """
    values = {"host": host, "root": root, "since": since}
    return int(fetch_one(connection.execute(_SQL["unscanned"], values))[0])


def database_time(connection: Connection) -> datetime:
    """The database's clock: the one that every host shares."""
    now: datetime = fetch_one(connection.execute(_SQL["now"]))[0]
    return now
