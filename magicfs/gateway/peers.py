"""Connections to other hosts of a cluster, and the addresses where these serve. Blocking; any thread."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass

from magicfs.domain.deadline import Deadline
from magicfs.errors import DeadlineExceeded, PeerUnavailable, UsageError
from magicfs.gateway.identity import Identity
from magicfs.gateway.tls import client_context, peer_fingerprint

DEFAULT_PORT = 7420

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<host>[^:\[\]/\s]+))(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where a host serves."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> PeerAddress:
        """The address in `10.8.0.1`, `hub.example.org:7420` or `[fd00::1]:7420`. Raises `UsageError`."""
        match = _ADDRESS.fullmatch(text)
        port = int(match["port"] or DEFAULT_PORT) if match else 0
        if match is None or not 0 < port < 1 << 16:
            raise UsageError(f"{text} is no address: name HOST or HOST:PORT, such as 10.8.0.1:{DEFAULT_PORT}")
        return cls(match["six"] or match["host"], port)


def connect(
    address: PeerAddress, *, fingerprint: str, service: str, identity: Identity | None, deadline: Deadline
) -> ssl.SSLSocket:
    """A connection to a service of another host, which is the one with the certificate of that fingerprint.

    Without an `identity` this host shows no certificate. Raises `PeerUnavailable`, and `DeadlineExceeded`. That the
    other side refuses our certificate shows at the first read only.
    """
    context = client_context(identity, service=service)
    try:
        plain = socket.create_connection((address.host, address.port), timeout=deadline.seconds_left())
    except (TimeoutError, DeadlineExceeded) as error:
        raise _late(address) from error
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PeerUnavailable(f"{address} cannot be reached: {reason}") from error
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.settimeout(deadline.seconds_left())
        secured = context.wrap_socket(plain)
    except (TimeoutError, DeadlineExceeded) as error:
        plain.close()
        raise _late(address) from error
    except OSError as error:
        plain.close()
        raise PeerUnavailable(f"{address} does not speak with this host: {error}") from error
    try:
        require_peer(secured, address, fingerprint=fingerprint, service=service)
    except PeerUnavailable:
        secured.close()
        raise
    return secured


def require_peer(
    secured: ssl.SSLSocket | ssl.SSLObject, address: PeerAddress, *, fingerprint: str, service: str
) -> None:
    """Raise `PeerUnavailable` unless the other side has that certificate and offers that service."""
    shown = peer_fingerprint(secured)
    if shown != fingerprint:
        raise PeerUnavailable(f"another machine answers at {address}: it shows {shown}, and not {fingerprint}")
    if secured.selected_alpn_protocol() != service:
        raise PeerUnavailable(f"{address} does not offer {service}: it runs another version, or is no hub")


def _late(address: PeerAddress) -> DeadlineExceeded:
    return DeadlineExceeded(f"{address} does not answer in time")
