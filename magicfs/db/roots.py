"""Hosts and roots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from magicfs.db.pool import Connection
from magicfs.db.queries import load
from magicfs.domain.files import Root
from magicfs.domain.ids import HostId, RootId

_SQL = load("roots")


class RootState(StrEnum):
    """What the last look at a root found. The values are the labels of `root_state` in Postgres."""

    PRESENT = "present"
    MISSING = "missing"
    """The directory is not there, or another device is mounted in its place."""
    SUSPECT = "suspect"
    """It is there, but so much of it is gone that a person should confirm."""


@dataclass(frozen=True, slots=True)
class KnownRoot:
    """A root and its state."""

    root: Root
    state: RootState
    detail: str | None


def ensure_host(connection: Connection, *, name: str) -> HostId:
    """The id of a host, which is made known when it is new."""
    row = connection.execute(_SQL["ensure_host"], {"name": name}).fetchone()
    assert row is not None  # noqa: S101: INSERT ... RETURNING gives a row
    return HostId(row[0])


def heartbeat(connection: Connection, *, host: str) -> None:
    """Record that the host's agent lives."""
    connection.execute(_SQL["heartbeat"], {"name": host})


def list_roots(connection: Connection, *, host: str | None = None) -> list[KnownRoot]:
    """The roots of the cluster, or of one host, by name."""
    return [
        KnownRoot(
            root=Root(id=RootId(root_id), host=host_name, path=path, name=name, device=device),
            state=RootState(state),
            detail=detail,
        )
        for root_id, host_name, path, name, device, state, detail in connection.execute(
            _SQL["all"], {"host": host}
        )
    ]


def root_names(connection: Connection) -> set[str]:
    """The display names that are taken."""
    return {row[0] for row in connection.execute(_SQL["names"])}


def insert_root(connection: Connection, *, host: HostId, path: bytes, name: str, device: int) -> RootId:
    """Record a new root."""
    row = connection.execute(
        _SQL["insert"], {"host_id": host, "path": path, "name": name, "device": device}
    ).fetchone()
    assert row is not None  # noqa: S101: INSERT ... RETURNING gives a row
    return RootId(row[0])


def delete_root(connection: Connection, root: RootId) -> None:
    """Forget a root and its files."""
    connection.execute(_SQL["delete"], {"root_id": root})


def set_root_state(connection: Connection, root: RootId, *, state: RootState, detail: str | None) -> None:
    """Record what a look at a root found; nothing is written when it is the same as before."""
    connection.execute(_SQL["set_state"], {"root_id": root, "state": state.value, "detail": detail})


def record_scan(connection: Connection, root: RootId) -> None:
    """Record the end of a complete scan."""
    connection.execute(_SQL["scanned"], {"root_id": root})


def count_unscanned(connection: Connection, *, host: str, since: datetime) -> int:
    """How many roots of the host still wait for a complete scan that ended after `since`."""
    row = connection.execute(_SQL["unscanned"], {"host": host, "since": since}).fetchone()
    return int(row[0]) if row else 0
