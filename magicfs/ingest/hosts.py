"""Retires a host that is gone for good: its roots and files leave the index.

Used by `magicfs hosts retire`. It touches no disk, of this host or of another one. Any thread.
"""

from __future__ import annotations

from magicfs.db.cluster import host_certificates
from magicfs.db.cluster import hosts as hosts_db
from magicfs.db.cluster import roots as roots_db
from magicfs.db.pool import Connection, Database
from magicfs.domain.roots import Root
from magicfs.errors import HostAtWork, HostUnknown
from magicfs.ingest.roots import delete_root


def retire_host(database: Database, *, name: str, is_out: bool = False) -> list[Root]:
    """Delete a host with its roots, files, lease, workers, mounts and certificate, in one transaction.

    Returns its former roots. Contents that it alone had become orphans. Raises `HostUnknown`, and `HostAtWork` while an
    agent works the host, unless it `is_out`: it does not reach the index any more.
    """
    return database.run_in_transaction(lambda connection: _retire(connection, name, is_out=is_out))


def _retire(connection: Connection, name: str, *, is_out: bool) -> list[Root]:
    require_known(connection, name=name, is_out=is_out)
    roots = [registered.root for registered in roots_db.list_roots(connection, host=name)]
    for root in roots:
        delete_root(connection, root)
    hosts_db.delete_host(connection, name=name)
    host_certificates.delete_certificate(connection, host=name)
    return roots


def require_known(connection: Connection, *, name: str, may_cut_off: bool = False, is_out: bool = False) -> None:
    """Keep agents from a host until the transaction ends. Raises `HostUnknown`, and `HostAtWork` if one works it.

    With `may_cut_off`, an agent may work a host that is admitted: taking that back cuts the host off. Of a host that
    `is_out` already, no agent is at work, whatever it has written of its lease.
    """
    has_agent = hosts_db.lock_host(connection, name=name)
    certificate = host_certificates.find_certificate(connection, host=name)
    if has_agent is None and certificate is None:
        names = ", ".join(host.name for host in hosts_db.list_hosts(connection)) or "none"
        raise HostUnknown(f"there is no host {name}: there is {names}")
    if has_agent and not is_out and not (may_cut_off and certificate is not None and certificate.admitted):
        raise HostAtWork(f"the agent of {name} is at work: stop it there first, with 'magicfs down' or its service")
