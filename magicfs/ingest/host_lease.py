"""The lease of a host: one agent a host works, and its name is in the database with the machine that has it.

Used by the agent and by the composition root, which locks the state directory first. The lease is renewed with each
heartbeat, and runs out `LEASE_SECONDS` after the last one. Each transaction that writes what the agent has seen on disk
holds the host. `machine_id` differs between machines, containers and state directories, and is the
same after a restart, so an agent that was killed goes on without a pause.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from magicfs.config import Settings
from magicfs.db import clock
from magicfs.db.as_of import forget_watches
from magicfs.db.cluster import heartbeats
from magicfs.db.pool import Connection, Database
from magicfs.errors import DatabaseUnavailable, HostTaken, MagicFSError

log = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
"""Several heartbeats, so that a slow database or broker does not lose the lease."""

POLL_SECONDS = 5.0
"""Time between two tries of an agent whose host another machine has."""

CORRECTED_FILES = 20_000
"""Files whose times one transaction corrects: a second at most."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""The kernel's own identity: two machines or two boots never share it, even where a machine was cloned."""


class HostLease:
    """The lease of a host by this machine. Threads may share one."""

    def __init__(self, database: Database, *, host: str, machine: str, boot: str) -> None:
        """`machine` is `machine_id()`, `boot` is `boot_id()`."""
        self._database = database
        self._host = host
        self._machine = machine
        self._boot = boot
        self._held = False
        self.lost: HostTaken | None = None
        """Why this machine does not have the host; None while it has."""

    def renew(self) -> None:
        """Take the host, and from then on extend the lease: the agent's heartbeat.

        Raises `HostTaken` and `DatabaseError`. A host that was lost is not taken again, even if nobody has it any more:
        the agent between may have changed what this one believes to be in the index.
        """
        while not self._renew():
            log.warning("the clock of the database was put back: the roots are scanned anew")
            self._correct_times()

    def _renew(self) -> bool:
        """Whether the lease is taken or extended: not while times in the index are ahead of the database's clock."""
        terms = heartbeats.LeaseTerms(self._host, self._machine, self._boot, LEASE_SECONDS)
        with self._database.transaction() as connection:
            if clock.is_put_back(connection):
                return False
            if self._held:
                if not heartbeats.extend_lease(connection, terms):
                    raise self._taken(heartbeats.machine_of_host(connection, host=self._host))
                return True
            other = heartbeats.take_host(connection, terms)
            if other is not None:
                raise self._taken(other)
            # What has changed before is not known until the roots are watched and scanned.
            forget_watches(connection, host=self._host)
        self._held, self.lost = True, None
        return True

    def _correct_times(self) -> None:
        """Correct the times in the index after the clock of the database was put back."""
        correct_files = partial(clock.correct_files, limit=CORRECTED_FILES)
        while self._database.run_in_transaction(correct_files) == CORRECTED_FILES:
            pass
        with self._database.transaction() as connection:
            clock.correct_others(connection)

    def hold(self, connection: Connection) -> None:
        """Keep the host until the transaction of `connection` ends. Raises `HostTaken` if another machine has it.

        Each transaction that writes what this machine has seen on disk begins with it. A machine that was cut off does
        not know that its lease has run out, and may still commit.
        """
        if not heartbeats.hold_host(connection, host=self._host, machine=self._machine):
            raise self._taken(heartbeats.machine_of_host(connection, host=self._host))

    def _taken(self, machine: str) -> HostTaken:
        """The error for a host that another machine has, or has had and given back if `machine` is empty."""
        if machine:
            advice = "stop it, or set MAGICFS_HOST to another name"
            self.lost = HostTaken(f"the agent of {machine} has the host name '{self._host}': {advice}")
        else:
            self.lost = HostTaken(f"another agent had the host name '{self._host}' meanwhile: start this one again")
        return self.lost

    def wait(self, stop: threading.Event, *, poll_s: float = POLL_SECONDS) -> bool:
        """Take the host, and wait while another machine has it, which is logged once. False once `stop` is set."""
        logged = ""
        while not stop.is_set():
            try:
                self.renew()
            except (HostTaken, DatabaseUnavailable) as error:
                if str(error) != logged:
                    log.warning("this agent waits: %s", error)
                    logged = str(error)
                stop.wait(poll_s)
            else:
                return True
        return False

    def release(self) -> None:
        """Give the host back, so that another machine's agent need not wait. Without a database, the lease runs out."""
        with contextlib.suppress(MagicFSError), self._database.transaction() as connection:
            heartbeats.release_host(connection, host=self._host, machine=self._machine)
        self._held = False


def boot_id() -> str:
    """What tells this boot of this kernel from any other; empty if the kernel does not say it. Containers share it."""
    with contextlib.suppress(OSError):
        return BOOT_ID.read_text(encoding="ascii").strip()
    return ""


def machine_id(home: Path) -> str:
    """What tells this state directory on this machine from any other, after the machine's own name."""
    status = home.stat()
    identity = f"{boot_id()} {status.st_dev} {status.st_ino}"
    return f"{socket.gethostname()} ({hashlib.sha256(identity.encode()).hexdigest()[:12]})"


@contextmanager
def state_directory_locked(settings: Settings) -> Iterator[None]:
    """A context in which no other agent uses the state directory. Raises `HostTaken` if one does, and `ConfigError`."""
    descriptor = settings.try_lock("agent")
    if descriptor is None:
        raise HostTaken(
            "an agent of this state directory runs already: end it first, or set MAGICFS_HOME and MAGICFS_HOST"
        )
    try:
        yield
    finally:
        os.close(descriptor)
