"""The hosts of an index, as `magicfs hosts list` shows them.

Used by `magicfs hosts`. What hosts write to the index themselves is shown without control characters. Main thread.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from magicfs.cli import terminal

if TYPE_CHECKING:
    from magicfs.domain.host_certificates import HostCertificate
    from magicfs.domain.status import HostStatus, IndexStatus


@dataclass(frozen=True, slots=True)
class Host:
    """A host as `magicfs hosts list` shows it. The fields are the keys of its JSON."""

    name: str
    agent: bool = False
    """Whether an agent works it."""
    machine: str | None = None
    """The machine that has the host, or had it when its agent fell silent; None after the agent was stopped."""
    heartbeat: float | None = None
    """When its agent last reported, in seconds since the epoch."""
    files: int = 0
    roots: list[str] = field(default_factory=list)
    workers: int = 0
    mounts: int = 0
    address: str | None = None
    """The address at which it serves its files to admitted hosts; None while it does not."""
    fingerprint: str | None = None
    """The fingerprint of its certificate; None if it has shown none."""
    admitted: bool = False
    """Whether somebody has admitted that certificate."""

    def as_json(self) -> dict[str, Any]:
        """The object of this host that `--json` prints."""
        return {name: getattr(self, name) for name in self.__slots__}


def hosts_of(index: IndexStatus, certificates: Sequence[HostCertificate] = ()) -> list[Host]:
    """The hosts of an index by name: those with an agent or roots, and those with workers, mounts or certificates.

    A name that several certificates have is there for each; the first one is that of the host.
    """
    shown = {certificate.host: certificate for certificate in reversed(certificates)}
    known = {host.name: host for host in index.hosts}
    others = {root.host for root in index.roots} | {worker.host for worker in index.workers}
    others |= {mount.host for mount in index.mounts}
    found = []
    for name in sorted(known.keys() | shown.keys() | others):
        found.append(_host(name, index, known.get(name), shown.get(name)))
        found += [
            Host(name, fingerprint=other.fingerprint, admitted=other.admitted)
            for other in certificates
            if other.host == name and other is not shown.get(name)
        ]
    return found


def _host(name: str, index: IndexStatus, status: HostStatus | None, certificate: HostCertificate | None) -> Host:
    roots = [root for root in index.roots if root.host == name]
    return Host(
        name=name,
        agent=status is not None and status.has_agent,
        machine=status.machine if status else None,
        heartbeat=status.heartbeat if status else None,
        files=sum(root.files.total for root in roots),
        roots=[root.name for root in roots],
        workers=sum(worker.host == name for worker in index.workers),
        mounts=sum(mount.host == name for mount in index.mounts),
        address=certificate.address if certificate else None,
        fingerprint=certificate.fingerprint if certificate else None,
        admitted=certificate is not None and certificate.admitted,
    )


def show_hosts(hosts: Sequence[Host]) -> None:
    """Print the hosts for people, and who of them waits for admission."""
    from magicfs.cli.tables import Listing

    if not hosts:
        terminal.remark("no hosts: start one with 'magicfs up' or 'magicfs agent'")
        return
    table = Listing("host", "agent", "files", "workers", "roots", "machine")
    for host in hosts:
        names = (", ".join(host.roots) or "-", host.machine or "-")
        table.add(host.name, agent_state(host, now=time.time()), str(host.files), str(host.workers), *names)
    terminal.results().print(table)
    if any(host.fingerprint for host in hosts):
        terminal.say("")
        show_certificates(hosts)


def show_certificates(hosts: Sequence[Host]) -> None:
    """Print who has a certificate, and where it serves. No line is broken: fingerprints are copied from here."""
    rows = [("host", "admission", "serves", "certificate")]
    rows += [
        # Each admitted host writes to the index, addresses and fingerprints too.
        (
            terminal.shown(host.name),
            "admitted" if host.admitted else "waits",
            terminal.shown(host.address or "-"),
            terminal.shown(host.fingerprint),
        )
        for host in hosts
        if host.fingerprint
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for *cells, fingerprint in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        terminal.write("  ".join((*padded, fingerprint)))
    for name in dict.fromkeys(host.name for host in hosts if host.fingerprint and not host.admitted):
        # Whoever reaches the hub chooses the name, and somebody copies the line into a shell.
        terminal.remark(f"to admit {name}: magicfs hosts admit {shlex.quote(name)}")


def agent_state(host: Host, *, now: float) -> str:
    """The state of a host's agent, in words."""
    if host.agent:
        return "at work"
    if host.heartbeat is None:
        return "none yet"
    # The clock of Postgres may be ahead of this one.
    return f"silent for {terminal.duration(max(0.0, now - host.heartbeat))}"
