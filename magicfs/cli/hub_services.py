"""What a hub offers to the hosts that have joined it, and to those that ask for it. Used by `magicfs serve`.

A hub decides by a list of its own who is admitted (`gateway.admitted_hosts`). The index gets what that says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from magicfs.config import Settings
from magicfs.db.cluster import host_certificates
from magicfs.domain.host_certificates import HostCertificate, taken
from magicfs.gateway.admitted_hosts import AdmittedHosts
from magicfs.gateway.join_requests import JoinRequests
from magicfs.runtime import postgres, redis
from magicfs.state_directory.home import POSTGRES_SOCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from magicfs.db.pool import Connection, Database
    from magicfs.gateway.identity import Identity
    from magicfs.gateway.join_requests import JoinRequest
    from magicfs.gateway.serve import Service


def is_hub(settings: Settings) -> bool:
    """Whether this host lets others use its servers: those that it serves at all, and that are its own."""
    return settings.listen is not None and settings.embedded_database and settings.embedded_broker


def own_list(settings: Settings) -> AdmittedHosts | None:
    """The list of this host that decides who is admitted; None where the hub or the index decides."""
    return AdmittedHosts(settings.home) if settings.embedded_database else None


def admissions(settings: Settings, database: Database, identity: Identity) -> Callable[[], Sequence[HostCertificate]]:
    """A function that returns the certificates of hosts, for one thread. It may raise `MagicFSError`.

    A hub reads its own list and not the index, where a host that is retired could hold a lock. A host that has joined a
    hub asks the hub. With servers of somebody's own, the index has them.
    """
    own = own_list(settings)
    if own is not None:
        return own.entries
    if settings.hub is not None:
        from magicfs.gateway.admissions import Admissions
        from magicfs.gateway.hub import read_hub

        return Admissions(read_hub(settings), identity).read

    def read_index() -> Sequence[HostCertificate]:
        with database.transaction() as connection:
            return host_certificates.list_certificates(connection)

    return read_index


def hub_services(settings: Settings) -> dict[str, Service]:
    """The services of a hub by their ALPN names; none on another host."""
    from magicfs.gateway.admissions import ADMISSIONS_SERVICE, admissions_service
    from magicfs.gateway.hub import join_service
    from magicfs.gateway.serve import JOIN_SERVICE
    from magicfs.gateway.tunnel import Tunnels

    if not is_hub(settings):
        return {}

    admitted, requests = AdmittedHosts(settings.home), JoinRequests(settings.home)

    def request(asked: JoinRequest) -> bool:
        known = admitted.find(asked.host)
        if known is not None and known.fingerprint != asked.fingerprint:
            raise taken(asked.host)
        if known is None:
            requests.add(asked)
        return known is not None

    tunnels = Tunnels(
        postgres=settings.run_dir / POSTGRES_SOCKET,
        redis=redis.socket_path(settings.home),
        user=postgres.OWNER,
        database=postgres.DATABASE,
    )
    return tunnels.services() | {
        JOIN_SERVICE: join_service(request),
        ADMISSIONS_SERVICE: admissions_service(admitted.entries),
    }


def record_certificate(settings: Settings, database: Database, identity: Identity) -> None:
    """Record the certificate of this host in the index; on a hub, those of all hosts that its own list admits.

    Raises `HostTaken` when another machine has the name of this host, which is no hub.
    """
    admitted = own_list(settings)
    with database.transaction() as connection:
        if admitted is None:
            host_certificates.request_admission(
                connection, host=settings.host, fingerprint=identity.fingerprint, certificate=identity.certificate
            )
            return
        admitted.begin(host_certificates.list_certificates(connection))
        admitted.add(HostCertificate(settings.host, identity.fingerprint, identity.certificate, None, admitted=True))
        correct_index(connection, admitted)


def known_certificates(settings: Settings, connection: Connection) -> Sequence[HostCertificate]:
    """The certificates of all hosts, sorted by name: on a hub, those of its own list and of hosts that ask to join.

    Several hosts may wait under one name.
    """
    certificates = host_certificates.list_certificates(connection)
    admitted = own_list(settings)
    if admitted is None or not admitted.exists:
        return certificates
    known = admitted.corrected(certificates)
    shown = {(entry.host, entry.fingerprint) for entry in known}
    asking = JoinRequests(settings.home).certificates()
    known += [entry for entry in asking if (entry.host, entry.fingerprint) not in shown]
    return sorted(known, key=lambda entry: (entry.host, not entry.admitted))


def admit_host(settings: Settings, connection: Connection, entry: HostCertificate) -> None:
    """Admit a certificate that `known_certificates` has returned. Raises `HostUnknown` if the index has another one."""
    admitted = own_list(settings)
    if admitted is None:
        host_certificates.admit(connection, host=entry.host, fingerprint=entry.fingerprint)
        return
    admitted.begin(host_certificates.list_certificates(connection))
    host_certificates.put_certificate(connection, replace(entry, admitted=True))
    admitted.add(entry)
    JoinRequests(settings.home).remove(entry.host)


def wrong_in_index(admitted: AdmittedHosts, certificates: Sequence[HostCertificate]) -> list[HostCertificate]:
    """The certificates that the index lacks or has otherwise than the list, as the list has them."""
    return [entry for entry in admitted.corrected(certificates) if entry not in certificates]


def correct_index(connection: Connection, admitted: AdmittedHosts) -> None:
    """Write to the index what it lacks of the list of this hub, or has otherwise."""
    for entry in wrong_in_index(admitted, host_certificates.list_certificates(connection)):
        host_certificates.put_certificate(connection, entry)
