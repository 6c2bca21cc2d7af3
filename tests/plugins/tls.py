"""Servers that are reached by TLS alone: a proxy with a certificate of an authority of its own stands before each.

The embedded Postgres and Redis are built without TLS. What is tested is the other end, which trusts or does not.
"""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST_NAME = "localhost"
"""The one name in the certificate: by its address, the server is another one."""

GSS_REQUEST = 80877104
"""How a client of Postgres asks for the encryption that these servers do not have. Any other request is for TLS."""

BLOCK_BYTES = 1 << 16

_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Authority:
    """An authority, and the certificate that it has given to the servers of a test."""

    folder: Path

    @property
    def trusted(self) -> Path:
        """What a client has to trust."""
        return self.folder / "authority.pem"

    def create(self) -> None:
        own, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority = _certificate("authority", own.public_key(), own, is_authority=True)
        self.trusted.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        for name, key in (("authority", own), ("server", server)):
            pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
            (self.folder / f"{name}.key").write_bytes(pem)
        self.issue()

    def issue(self, *, days: float = 1) -> None:
        """Give the servers a certificate that is valid for so many days from now. A negative number: it has expired."""
        own, server = (self._key(name) for name in ("authority", "server"))
        names = [x509.DNSName(HOST_NAME)]
        certificate = _certificate(HOST_NAME, server.public_key(), own, names=names, days=days)
        (self.folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _key(self, name: str) -> ec.EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key((self.folder / f"{name}.key").read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context


def _certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    signed_by: ec.EllipticCurvePrivateKey,
    *,
    names: Sequence[x509.GeneralName] = (),
    is_authority: bool = False,
    days: float = 1,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    # Newer versions of Python ask for these.
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if is_authority:
        builder = builder.add_extension(_SIGNS_CERTIFICATES, critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signed_by, hashes.SHA256())


@contextmanager
def tls_before(target: int | Path, authority: Authority) -> Iterator[int]:
    """The port of a server that speaks TLS, before one at a port, or before the Postgres at a socket's path."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_handle, args=(client, target, authority), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _handle(client: socket.socket, target: int | Path, authority: Authority) -> None:
    # The certificate may have been replaced.
    context = authority.context()
    with suppress(OSError, struct.error), client:
        if isinstance(target, Path):
            while struct.unpack("!II", client.recv(8, socket.MSG_WAITALL))[1] == GSS_REQUEST:
                client.sendall(b"N")
            client.sendall(b"S")
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(target))
        else:
            server = socket.create_connection(("127.0.0.1", target))
        with server, context.wrap_socket(client, server_side=True) as secured:
            back = threading.Thread(target=_pass_on, args=(server, secured), daemon=True)
            back.start()
            _pass_on(secured, server)
            back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(BLOCK_BYTES):
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
