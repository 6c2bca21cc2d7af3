"""The hub of this host: which machine it is, how a host asks it for admission, and whether it takes the host.

The address is a setting; the fingerprint of its certificate lies beside this host's own identity. Used by `cluster
join`, by `doctor` and by the link. The service for strangers runs in the event loop of the hub's `serve`; the rest
blocks.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from magicfs.config import Settings
from magicfs.domain.deadline import Deadline
from magicfs.errors import ConfigError, MagicFSError, PeerUnavailable
from magicfs.gateway.identity import FOLDER, Identity, fingerprint_of
from magicfs.gateway.join_requests import JoinRequest
from magicfs.gateway.peers import PeerAddress, connect
from magicfs.gateway.serve import JOIN_SERVICE, POSTGRES_SERVICE, Service, network_of

log = logging.getLogger(__name__)

FINGERPRINT_FILE = "hub"

MAX_REQUEST_BYTES = 8192
MAX_NAME_LENGTH = 255

_SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""A client of Postgres asks with it for encryption, and gets a byte before anything else happens."""

RequestAdmission = Callable[[JoinRequest], bool]
"""Records the request of a host, unless it is admitted; whether it is. May block."""


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub of a node: where it serves, and the fingerprint of its certificate."""

    address: PeerAddress
    fingerprint: str


def read_hub(settings: Settings) -> Hub:
    """The hub of this host. Raises `ConfigError` when it has joined none, or not completely."""
    if settings.hub is None:
        raise ConfigError("this host has joined no hub: run 'magicfs cluster join'")
    path = settings.home / FOLDER / FINGERPRINT_FILE
    try:
        fingerprint = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): run 'magicfs cluster join' again") from error
    return Hub(PeerAddress.parse(settings.hub), fingerprint)


def write_fingerprint(home: Path, fingerprint: str) -> None:
    """Record the fingerprint of the hub's certificate. The identity of this host is there."""
    (home / FOLDER / FINGERPRINT_FILE).write_text(f"{fingerprint}\n", encoding="ascii")


def ask_admission(hub: Hub, identity: Identity, *, host: str, deadline: Deadline) -> bool:
    """Ask the hub to admit this host under that name; whether it has. Raises `PeerUnavailable` and `DeadlineExceeded`.

    The hub is told what it may know of us; its own certificate is checked before.
    """
    request = json.dumps({"host": host, "certificate": identity.certificate}).encode() + b"\n"
    with connect(
        hub.address, fingerprint=hub.fingerprint, service=JOIN_SERVICE, identity=None, deadline=deadline
    ) as connection:
        try:
            connection.sendall(request)
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline(MAX_REQUEST_BYTES))
            state, error = answer.get("state"), answer.get("error")
        except (OSError, ValueError, AttributeError) as failure:
            raise PeerUnavailable(f"{hub.address} gives no answer that is understood: try again") from failure
    if error is not None:
        raise PeerUnavailable(f"the hub says: {' '.join(str(error).split())}")
    return bool(state == "admitted")


def require_admission(hub: Hub, identity: Identity, deadline: Deadline) -> None:
    """Raise `PeerUnavailable` or `DeadlineExceeded` unless the hub lets this host use its servers."""
    with connect(
        hub.address, fingerprint=hub.fingerprint, service=POSTGRES_SERVICE, identity=identity, deadline=deadline
    ) as connection:
        try:
            connection.sendall(_SSL_REQUEST)
            is_taken = connection.recv(1) == b"N"
        except OSError:
            is_taken = False
    if not is_taken:
        raise not_admitted(hub)


def not_admitted(hub: Hub) -> PeerUnavailable:
    """The error of a host that its hub does not let in: it was retired, or the hub has forgotten it."""
    return PeerUnavailable(
        f"the hub {hub.address} has not admitted this host: run 'magicfs cluster init' there, and here the line that "
        "it prints"
    )


def join_service(request: RequestAdmission) -> Service:
    """The service of a hub by which strangers ask for admission. It tells them nothing but their own state."""

    async def handle(_: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer: dict[str, str]
        try:
            host, certificate = _parsed(await reader.readuntil(b"\n"))
            fingerprint = fingerprint_of(ssl.PEM_cert_to_DER_cert(certificate))
            network = network_of(writer.get_extra_info("peername")[0])
            is_admitted = await asyncio.to_thread(request, JoinRequest(host, fingerprint, certificate, network))
        except asyncio.LimitOverrunError:
            answer = {"error": "the request is too long"}
        except (ConfigError, OSError) as error:
            # What it says of this machine is not for strangers.
            log.warning("a request for admission is not recorded: %s", error)
            answer = {"error": "it cannot record the request: look at its log"}
        except MagicFSError as error:
            answer = {"error": str(error)}
        else:
            answer = {"state": "admitted" if is_admitted else "waiting"}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()

    return Service(handle, for_strangers=True)


def _parsed(line: bytes) -> tuple[str, str]:
    """The name and the certificate in a request. Raises `PeerUnavailable`."""
    try:
        values = json.loads(line)
        host = str(values["host"])
        certificate = ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(str(values["certificate"])))
        # One that cannot be loaded would be in the way of all others once it is admitted.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=certificate)
    except (ValueError, KeyError, TypeError, ssl.SSLError) as error:
        raise PeerUnavailable(f"the request is not understood: {error}") from error
    if len(line) > MAX_REQUEST_BYTES or not 0 < len(host) <= MAX_NAME_LENGTH or not host.isprintable():
        raise PeerUnavailable("the request is too long, or the name of the host is none")
    return host, certificate
