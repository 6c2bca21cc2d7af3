"""What a hub offers to the hosts that have joined it, and to those that ask for it. Used by `magicfs serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicfs.config import Settings
from magicfs.db import host_certificates
from magicfs.domain.host_certificates import HostCertificate
from magicfs.home import POSTGRES_SOCKET
from magicfs.runtime import postgres, redis

if TYPE_CHECKING:
    from magicfs.db.pool import Database
    from magicfs.gateway.identity import Identity
    from magicfs.gateway.serve import Service


def is_hub(settings: Settings) -> bool:
    """Whether this host lets others use its servers: those that it serves at all, and that are its own."""
    return settings.listen is not None and settings.embedded_database and settings.embedded_broker


def hub_services(settings: Settings, database: Database) -> dict[str, Service]:
    """The services of a hub by their ALPN names; none on another host."""
    from magicfs.gateway.hub import join_service
    from magicfs.gateway.serve import JOIN_SERVICE
    from magicfs.gateway.tunnel import Tunnels

    if not is_hub(settings):
        return {}

    def request(host: str, fingerprint: str, certificate: str) -> HostCertificate:
        with database.transaction() as connection:
            return host_certificates.request_admission(
                connection, host=host, fingerprint=fingerprint, certificate=certificate
            )

    tunnels = Tunnels(
        postgres=settings.run_dir / POSTGRES_SOCKET,
        redis=redis.socket_path(settings.home),
        user=postgres.OWNER,
        database=postgres.DATABASE,
    )
    return tunnels.services() | {JOIN_SERVICE: join_service(request)}


def record_certificate(settings: Settings, database: Database, identity: Identity) -> None:
    """Let the index know the certificate of this host. That of the hub needs nobody to admit it, and takes its place.

    Raises `HostTaken` when another machine has the name of this host, which is no hub.
    """
    with database.transaction() as connection:
        known = host_certificates.find_certificate(connection, host=settings.host)
        if is_hub(settings) and known is not None and known.fingerprint != identity.fingerprint:
            host_certificates.delete_certificate(connection, host=settings.host)
        host_certificates.request_admission(
            connection, host=settings.host, fingerprint=identity.fingerprint, certificate=identity.certificate
        )
        if is_hub(settings):
            host_certificates.admit(connection, host=settings.host, fingerprint=identity.fingerprint)
