"""The certificate of a host, by which the other hosts of a cluster know it. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from magicfs.errors import HostTaken


@dataclass(frozen=True, slots=True)
class HostCertificate:
    """What the index has of the certificate of a host."""

    host: str
    fingerprint: str
    """`SHA256:` and the digest of the certificate."""
    certificate: str
    """PEM."""
    address: str | None
    """`HOST:PORT` where the host serves its files; None while it does not."""
    admitted: bool
    """Whether other hosts may trust it: a person has admitted it."""


def taken(host: str) -> HostTaken:
    """The error of a machine that asks under the name of an admitted one."""
    return HostTaken(
        f"another machine is {host} in this cluster: set MAGICFS_HOST to another name, or run "
        f"'magicfs hosts retire {shlex.quote(host)}' there if that machine is gone"
    )
