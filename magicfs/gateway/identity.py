"""The identity of a host in a cluster: a key that never leaves it, and the certificate that the other hosts know.

Made once, at the first use, in `identity/` of the state directory. The certificate is signed by its own key: hosts
trust certificates one by one, by their fingerprints, and not those that anybody has signed. Main thread.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from magicfs.errors import ConfigError

FOLDER = "identity"
KEY_FILE, CERTIFICATE_FILE = "key.pem", "certificate.pem"
_YEARS = 100
"""A certificate is valid until somebody retires its host."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The key and the certificate of this host."""

    key_path: Path
    certificate_path: Path
    certificate: str
    """PEM."""
    fingerprint: str


def fingerprint_of(der: bytes) -> str:
    """The fingerprint of a certificate: `SHA256:` and its digest, as ssh writes those of its keys."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode("ascii").rstrip("=")


def host_identity(home: Path) -> Identity:
    """The identity in a state directory; it is made if there is none. Raises `ConfigError`."""
    folder = home / FOLDER
    try:
        if not folder.exists():
            _make(folder)
        certificate = (folder / CERTIFICATE_FILE).read_text(encoding="ascii")
        der = ssl.PEM_cert_to_DER_cert(certificate)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the identity of this host cannot be used ({error}): restore {folder}, or move it away and let the "
            "host be admitted anew"
        ) from error
    return Identity(folder / KEY_FILE, folder / CERTIFICATE_FILE, certificate, fingerprint_of(der))


def _make(folder: Path) -> None:
    """Make the folder with both files; it appears as a whole. Of two processes that do so, one wins."""
    draft = Path(tempfile.mkdtemp(prefix=f"{FOLDER}.", dir=folder.parent))
    try:
        key, certificate = _key_and_certificate()
        for name, content in ((KEY_FILE, key), (CERTIFICATE_FILE, certificate)):
            descriptor = os.open(draft / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fsync(descriptor)
        try:
            draft.rename(folder)
        except OSError:
            if not (folder / CERTIFICATE_FILE).exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _key_and_certificate() -> tuple[bytes, bytes]:
    """A new key and its certificate, as PEM. Raises `ConfigError` without the library for it."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise ConfigError("the Python package cryptography is missing: pip install 'magicfs[cluster]'") from error
    from datetime import UTC, datetime, timedelta

    key = ec.generate_private_key(ec.SECP256R1())
    # The name says nothing: hosts are known by fingerprints.
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "MagicFS host")])
    # A clock that is put back must not make the certificate one of the future.
    now = datetime.now(UTC) - timedelta(days=365)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
