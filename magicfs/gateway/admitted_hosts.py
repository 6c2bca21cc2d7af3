"""`AdmittedHosts`: the hosts that a hub has admitted, in a file of its state directory.

Every admitted host writes to the index. So the index of a hub says who is admitted for people to see and for mounts to
ask, and this file decides: no host admits another one, nor keeps itself in. `magicfs hosts` writes it on the hub, and
`magicfs serve` reads it there. Any thread and process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from magicfs.domain.host_certificates import HostCertificate
from magicfs.state_directory.state_file import StateFile

FILE_NAME = "admitted.json"


class AdmittedHosts:
    """The certificates that a hub has admitted, its own among them."""

    def __init__(self, home: Path) -> None:
        """`home` is the state directory of the hub."""
        self._file: StateFile[dict[str, HostCertificate]] = StateFile(
            home, FILE_NAME, parse=_parsed, advice="restore it, or delete it and look whom the index has admitted"
        )

    @property
    def exists(self) -> bool:
        """Whether this machine has such a list. Raises `ConfigError` when it cannot be read, as all others do."""
        return self._file.read() is not None

    def entries(self) -> list[HostCertificate]:
        """All certificates, without addresses, by the names of their hosts. None is known without the file."""
        return list((self._file.read() or {}).values())

    def find(self, host: str) -> HostCertificate | None:
        """The certificate that is admitted under a name."""
        return (self._file.read() or {}).get(host)

    def begin(self, certificates: Iterable[HostCertificate]) -> None:
        """Begin the list with those of the certificates that are admitted, unless there is one already."""
        with self._file.changing() as present:
            if present is None:
                self._write(entry for entry in certificates if entry.admitted)

    def add(self, entry: HostCertificate) -> None:
        """Admit a certificate, as the only one of its host and under no other name."""
        with self._file.changing() as present:
            known = present or {}
            kept = {host: other for host, other in known.items() if other.fingerprint != entry.fingerprint}
            wanted = kept | {entry.host: replace(entry, address=None, admitted=True)}
            if wanted != known:
                self._write(wanted.values())

    def remove(self, host: str) -> None:
        """Admit a host no more."""
        with self._file.changing() as present:
            self._write(entry for entry in (present or {}).values() if entry.host != host)

    def corrected(self, certificates: Iterable[HostCertificate]) -> list[HostCertificate]:
        """The certificates that the index has, with what this list says of each of them, and those that it lacks."""
        found = {entry.host: replace(entry, admitted=False) for entry in certificates}
        for own in self.entries():
            known = found.get(own.host)
            is_same = known is not None and known.fingerprint == own.fingerprint
            found[own.host] = replace(own, address=known.address if known is not None and is_same else None)
        admitted = {own.fingerprint: own.host for own in self.entries()}
        # One certificate has one name.
        kept = [entry for entry in found.values() if admitted.get(entry.fingerprint, entry.host) == entry.host]
        return sorted(kept, key=lambda entry: entry.host)

    def _write(self, entries: Iterable[HostCertificate]) -> None:
        self._file.write(
            [
                {"host": entry.host, "fingerprint": entry.fingerprint, "certificate": entry.certificate}
                for entry in sorted(entries, key=lambda entry: entry.host)
            ]
        )


def _parsed(values: Iterable[dict[str, str]]) -> dict[str, HostCertificate]:
    entries = [
        HostCertificate(value["host"], value["fingerprint"], value["certificate"], None, admitted=True)
        for value in values
    ]
    return {entry.host: entry for entry in entries}
