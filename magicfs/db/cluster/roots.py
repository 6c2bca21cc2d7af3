"""Hosts and roots: their rows, the states of roots, and requests for scans.

The agent and `magicfs roots` write them; the mount reads them. Changes are announced to both (`magicfs.db.listener`).
It touches no disk. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from magicfs.db.listener import CHANNEL
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.ids import HostId, RootId
from magicfs.domain.roots import RegisteredRoot, Root, RootState

_SQL = load_queries("roots")


def _announce(connection: Connection) -> None:
    """Wake those who wait with a `magicfs.db.listener.Listener`, when this transaction is committed."""
    connection.execute(_SQL["announce"], {"channel": CHANNEL})


def ensure_host(connection: Connection, *, name: str) -> HostId:
    """The id of a host. Inserts the host if it is new."""
    row = fetch_one(connection.execute(_SQL["ensure_host"], {"name": name}))
    return HostId(row[0])


def list_roots(connection: Connection, *, host: str | None = None) -> list[RegisteredRoot]:
    """The roots of the cluster or of one host, by name."""
    return [
        RegisteredRoot(
            root=Root(RootId(root_id), host_name, path, name, device, mount_point, tuple(inner_mounts)),
            state=RootState(state),
            detail=detail,
            scan_wanted_at=scan_wanted_at,
        )
        for (
            root_id,
            host_name,
            path,
            name,
            device,
            mount_point,
            inner_mounts,
            state,
            detail,
            scan_wanted_at,
        ) in connection.execute(_SQL["list_roots"], {"host": host})
    ]


def troubled_roots(connection: Connection) -> list[tuple[str, str, str]]:
    """The name, the state and the detail of each root that is missing or suspect."""
    return connection.execute(_SQL["troubled_roots"]).fetchall()


def root_names(connection: Connection) -> set[str]:
    """The display names of all roots."""
    return {row[0] for row in connection.execute(_SQL["root_names"])}


def insert_root(
    connection: Connection,
    *,
    host: HostId,
    path: bytes,
    name: str,
    folded: str,
    device: int,
    mount_point: bytes | None = None,
) -> RootId:
    """Insert a root. Returns its id. `folded` is its name in the form that filters compare."""
    values = {"host_id": host, "path": path, "name": name, "folded": folded}
    values |= {"device": device, "mount_point": mount_point}
    root_id = RootId(fetch_one(connection.execute(_SQL["insert_root"], values))[0])
    _announce(connection)
    return root_id


def write_folded_names(connection: Connection, fold: Callable[[str], str]) -> None:
    """Write the folded names of roots that an older version has inserted. `fold` is `text.names.fold_path`."""
    for root_id, name in connection.execute(_SQL["roots_without_folded_name"]).fetchall():
        connection.execute(_SQL["write_folded_name"], {"root_id": root_id, "folded": fold(name)})


def delete_root(connection: Connection, root: RootId) -> None:
    """Delete a root and its files. Mark their contents as orphans first: see `magicfs.db.corpus.contents`."""
    connection.execute(_SQL["lock_files_of_root"], {"root_id": root})
    connection.execute(_SQL["delete_root"], {"root_id": root})
    _announce(connection)


def set_root_state(connection: Connection, root: RootId, *, state: RootState, detail: str | None) -> None:
    """Record the state of a root after a check. Writes nothing when it is the same as before."""
    if connection.execute(_SQL["set_root_state"], {"root_id": root, "state": state.value, "detail": detail}).rowcount:
        _announce(connection)


def is_suspect(connection: Connection, root: RootId) -> bool:
    """Whether a root waits for a person who confirms deletions."""
    return bool(fetch_one(connection.execute(_SQL["is_suspect"], {"root_id": root}))[0])


def end_missing(connection: Connection, root: RootId) -> None:
    """Record that a root that counts as missing is present."""
    if connection.execute(_SQL["end_missing"], {"root_id": root}).rowcount:
        _announce(connection)


def set_detail_of_present(connection: Connection, root: RootId, *, detail: str | None) -> None:
    """Record what is wrong inside of a root that is present; None if nothing is. Any other root keeps its detail."""
    connection.execute(_SQL["set_detail_of_present"], {"root_id": root, "detail": detail})


def consume_deletion_confirmation(connection: Connection, root: RootId) -> bool:
    """Whether a person has confirmed the deletion of missing files. A confirmation is for one scan: this resets it."""
    return connection.execute(_SQL["consume_deletion_confirmation"], {"root_id": root}).rowcount == 1


def restore_deletion_confirmation(connection: Connection, root: RootId) -> None:
    """Set the confirmation again, after the scan that consumed it has failed."""
    connection.execute(_SQL["restore_deletion_confirmation"], {"root_id": root})


def set_place(connection: Connection, root: Root) -> None:
    """Record a new device number, mount point or inner mounts of a root."""
    place = {"device": root.device, "mount_point": root.mount_point, "inner_mounts": list(root.inner_mounts)}
    connection.execute(_SQL["set_place"], {"root_id": root.id, **place})
    _announce(connection)


def record_scan(connection: Connection, root: RootId, *, began: datetime, detail: str | None = None) -> None:
    """Record a scan that has ended; `began` is the database's time when it began.

    The scan may have skipped directories that it could not read, which `detail` says. The index keeps their files.
    """
    # The commit need not wait for the disk: after a crash of the server, the root is scanned again.
    connection.execute("SET LOCAL synchronous_commit TO off")
    connection.execute(_SQL["record_scan"], {"root_id": root, "began": began, "detail": detail})


def request_scan(
    connection: Connection, *, name: str | None = None, host: str | None = None, may_delete: bool = False
) -> int:
    """Request a scan of the root `name`, of the roots of `host`, or of all. Returns the number of roots.

    `may_delete` confirms the deletion of files that a suspect root lacks.
    """
    values = {"name": name, "host": host, "may_delete": may_delete}
    roots = connection.execute(_SQL["request_scan"], values).rowcount
    _announce(connection)
    return roots


def list_unscanned(connection: Connection, *, host: str, root: str | None = None, since: datetime) -> list[str]:
    """The names of a host's roots without a completed scan that began after `since`. Missing roots do not count.

    With the name of a `root`, on any host, only that one counts.
    """
    values = {"host": host, "root": root, "since": since}
    return [name for (name,) in connection.execute(_SQL["list_unscanned"], values)]


def count_deletion_statements(connection: Connection, root: RootId) -> int:
    """How many statements of any program have deleted files of a root. Each function that deletes files is one."""
    return int(fetch_one(connection.execute(_SQL["count_deletion_statements"], {"root_id": root}))[0])


def database_time(connection: Connection) -> datetime:
    """The time of the database's clock, which all hosts share."""
    now: datetime = fetch_one(connection.execute(_SQL["database_time"]))[0]
    return now
