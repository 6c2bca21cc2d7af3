"""The certificates of hosts: which are admitted, which wait for it, and where each host serves.

Used by `magicfs.gateway` and `magicfs hosts`. Runs in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import asdict

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.host_certificates import HostCertificate, taken
from magicfs.errors import HostUnknown

_SQL = load_queries("host_certificates")


def list_certificates(connection: Connection) -> list[HostCertificate]:
    """All certificates, by the names of their hosts."""
    return [HostCertificate(*row) for row in connection.execute(_SQL["list_certificates"])]


def find_certificate(connection: Connection, *, host: str) -> HostCertificate | None:
    """The certificate of a host."""
    row = connection.execute(_SQL["find_certificate"], {"host": host}).fetchone()
    return None if row is None else HostCertificate(*row)


def request_admission(connection: Connection, *, host: str, fingerprint: str, certificate: str) -> HostCertificate:
    """Record the certificate of a host, which waits for admission then. Returns what the index has.

    A request replaces an earlier one of the host. Raises `HostTaken` if another certificate of that host is admitted.
    """
    connection.execute(
        _SQL["request_admission"], {"host": host, "fingerprint": fingerprint, "certificate": certificate}
    )
    found = find_certificate(connection, host=host)
    if found is None or found.fingerprint != fingerprint:
        raise taken(host)
    return found


def set_address(connection: Connection, *, host: str, fingerprint: str, address: str | None) -> None:
    """Record where a host serves, or that it does not any more. Nothing happens if its certificate is another one."""
    connection.execute(_SQL["set_address"], {"host": host, "fingerprint": fingerprint, "address": address})


def admit(connection: Connection, *, host: str, fingerprint: str) -> HostCertificate:
    """Admit the certificate of a host. Raises `HostUnknown` if the host has asked with no such certificate."""
    row = connection.execute(_SQL["admit"], {"host": host, "fingerprint": fingerprint}).fetchone()
    if row is None:
        raise HostUnknown(f"{host} has not asked with the certificate {fingerprint}: see 'magicfs hosts list'")
    return HostCertificate(*row)


def put_certificate(connection: Connection, entry: HostCertificate) -> None:
    """Have this certificate of a host, and no other one of it, whatever there is."""
    connection.execute(_SQL["delete_other_names"], {"host": entry.host, "fingerprint": entry.fingerprint})
    connection.execute(_SQL["put_certificate"], asdict(entry))


def delete_certificate(connection: Connection, *, host: str) -> None:
    """Forget the certificate of a host, which is not admitted any more."""
    connection.execute(_SQL["delete_certificate"], {"host": host})
