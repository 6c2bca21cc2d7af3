"""The TLS contexts of hosts of a cluster: TLS 1.3, where both sides have certificates that are pinned.

A certificate counts by its fingerprint alone. Names, issuers and authorities of the system mean nothing, so that no
certificate that an admitted host signs is admitted itself.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable

from magicfs.gateway.identity import Identity, fingerprint_of

log = logging.getLogger(__name__)


def server_context(identity: Identity, *, admitted: Iterable[str], services: Iterable[str]) -> ssl.SSLContext:
    """The context in which a host serves, by ALPN, the services of these names.

    `admitted` are certificates as PEM; one that cannot be loaded is left out, because other hosts write to the index. A
    client without a certificate passes the handshake, and one with a certificate that is not admitted does not, unless
    an admitted one has signed it: so the caller compares the fingerprint too.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_cert_chain(identity.certificate_path, identity.key_path)
    # Tickets would let a host that is retired come back.
    context.num_tickets = 0
    for certificate in admitted:
        try:
            context.load_verify_locations(cadata=certificate.encode("ascii", "replace").decode("ascii"))
        except (ssl.SSLError, ValueError) as error:
            log.warning("a certificate that cannot be loaded is admitted: %s", error)
    context.set_alpn_protocols(list(services))
    return context


def client_context(identity: Identity | None, *, service: str) -> ssl.SSLContext:
    """The context in which a host asks another one for a service. With an `identity` it shows its own certificate.

    The caller compares the fingerprint of the server after the handshake, and sends nothing before.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if identity is not None:
        context.load_cert_chain(identity.certificate_path, identity.key_path)
    context.set_alpn_protocols([service])
    return context


def peer_fingerprint(connection: ssl.SSLSocket | ssl.SSLObject) -> str | None:
    """The fingerprint of the other side's certificate; None if it has shown none."""
    der = connection.getpeercert(binary_form=True)
    return None if der is None else fingerprint_of(der)
