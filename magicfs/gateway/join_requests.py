"""`JoinRequests`: who waits for admission at a hub, in a file of its state directory.

Whoever reaches the address of a hub may ask, under any name and with any number of certificates. So what is kept is
bounded, and a place is taken from the network that has most of them: one that floods a hub takes its own places. Hosts
ask again while they wait (`magicfs cluster join`), so one that has lost its place gets another. Any thread and process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from magicfs.domain.host_certificates import HostCertificate
from magicfs.state_directory.state_file import StateFile

FILE_NAME = "requests.json"

MAX_REQUESTS = 20
"""A person reads them."""


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A certificate that waits, with the name that it shall have and the network from which it came."""

    host: str
    fingerprint: str
    certificate: str
    network: str


class JoinRequests:
    """The requests at one hub, the oldest first."""

    def __init__(self, home: Path) -> None:
        """`home` is the state directory of the hub."""
        self._file: StateFile[list[JoinRequest]] = StateFile(
            home, FILE_NAME, parse=lambda values: [JoinRequest(*value) for value in values], advice="delete it"
        )

    def certificates(self) -> list[HostCertificate]:
        """What waits, several of one name too. Raises `ConfigError` when it cannot be read, as all others do."""
        return [
            HostCertificate(each.host, each.fingerprint, each.certificate, None, admitted=False)
            for each in self._file.read() or []
        ]

    def add(self, request: JoinRequest) -> None:
        """Let a request wait, unless it does so already. The oldest of the network with most may lose its place."""
        with self._file.changing() as present:
            waiting = present or []
            if any((each.host, each.fingerprint) == (request.host, request.fingerprint) for each in waiting):
                return
            waiting = [*waiting, request]
            while len(waiting) > MAX_REQUESTS:
                most = Counter(each.network for each in waiting).most_common(1)[0][0]
                waiting.remove(next(each for each in waiting if each.network == most))
            self._write(waiting)

    def remove(self, host: str) -> bool:
        """Forget what waits under a name; whether there was any."""
        if all(each.host != host for each in self._file.read() or []):
            return False
        with self._file.changing() as present:
            self._write(each for each in present or [] if each.host != host)
        return True

    def _write(self, waiting: Iterable[JoinRequest]) -> None:
        self._file.write([astuple(each) for each in waiting])
