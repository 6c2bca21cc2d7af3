"""Waits until parts that were started are ready. One that is not is explained by the last line of its log.

Used by `starting`. `runtime.supervisor` runs the parts, `part_logs` reads the logs. Main thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.cli import terminal
from magicfs.cli.part_logs import explain_failure
from magicfs.config import Settings
from magicfs.domain.parts import HUB_LINK, MOUNT, POSTGRES, REDIS, SERVE
from magicfs.errors import DeadlineExceeded, MountError, PeerUnavailable, ServerError
from magicfs.fuse import mountpoint
from magicfs.runtime import postgres, redis
from magicfs.runtime.processes import is_listening
from magicfs.runtime.supervisor import Supervisor
from magicfs.state_directory.home import POSTGRES_SOCKET

if TYPE_CHECKING:
    from magicfs.gateway.identity import Identity
    from magicfs.gateway.peers import PeerAddress

SERVER_SECONDS = 90.0
"""The first start creates a database. A Postgres that says that it starts is waited for without an end: after a crash
it may have minutes of work to recover, and one that fails at it ends."""

EXPLAIN_SECONDS, REPEAT_SECONDS = 10.0, 30.0
"""When the wait for a Postgres that starts is explained to a person, and the pause until it is again."""

MOUNT_SECONDS = 120.0
"""A mount process takes a second to start, on a busy machine half a minute. One that ends is noticed before that."""

SERVE_SECONDS = 120.0
"""What serves files starts like a mount."""

HANDSHAKE_SECONDS = 10.0
"""A handshake with a process of this machine, which may be starting."""

POLL_SECONDS = 0.1
"""Pause between two checks whether a part is ready."""

MAX_RESTARTS_UNTIL_READY = 2
"""A part that was started anew this many times while it was waited for counts as failed."""


class PartReadiness:
    """Waits for parts of this machine that are started after this was made."""

    def __init__(self, settings: Settings, supervisor: Supervisor) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._log_sizes = {path.name: path.stat().st_size for path in settings.log_dir.glob("*.log")}
        """What stands in the logs already is of a former start: their sizes in bytes, by name."""

    def wait_for_servers(self) -> None:
        """Wait until the embedded servers answer. Raises `ServerError`."""
        settings = self._settings
        if settings.hub is not None:
            sockets = (settings.run_dir / POSTGRES_SOCKET, redis.socket_path(settings.home))
            self._wait_for(HUB_LINK, lambda: all(map(is_listening, sockets)), SERVER_SECONDS)
        if settings.embedded_database:
            self._wait_for(
                POSTGRES,
                lambda: postgres.answers(settings.run_dir),
                SERVER_SECONDS,
                is_starting=lambda: postgres.is_starting(settings.run_dir),
            )
        if settings.embedded_broker:
            self._wait_for(REDIS, lambda: redis.answers(settings.home), SERVER_SECONDS)

    def wait_for_mount(self, mount: Path) -> None:
        """Wait until the mount is there. Raises `MountError`."""
        try:
            self._wait_for(MOUNT, lambda: _is_mounted(mount), MOUNT_SECONDS)
        except ServerError as error:
            raise MountError(str(error)) from error

    def wait_for_serve(self, address: str) -> None:
        """Wait until this host, and no other program, answers at its address. Raises `ServerError` and `UsageError`."""
        from magicfs.gateway.identity import host_identity
        from magicfs.gateway.peers import PeerAddress

        own = PeerAddress.parse(address)
        identity = host_identity(self._settings.home)
        self._wait_for(SERVE, lambda: _answers(own, identity), SERVE_SECONDS)

    def _wait_for(
        self, name: str, ready: Callable[[], bool], seconds: float, *, is_starting: Callable[[], bool] = lambda: False
    ) -> None:
        """Wait until a part is ready. Raises `ServerError` with the last line of its log when it keeps failing.

        While `is_starting`, the wait goes on, and is explained.
        """
        log_path = self._settings.log_dir / f"{name}.log"
        begin = time.monotonic()
        explained, deadline = begin + EXPLAIN_SECONDS, begin + seconds
        former_restarts: int | None = None
        while not ready():
            status = self._supervisor.part(name)
            now = time.monotonic()
            if now > explained and is_starting():
                explained, deadline = now + REPEAT_SECONDS, now + seconds
                terminal.remark(
                    f"waiting for the database, which recovers first if it has crashed ({now - begin:.0f} seconds so "
                    "far): nothing is lost"
                )
            is_late = now > deadline
            if status is not None and former_restarts is None:
                former_restarts = status.restarts
            restarts = 0 if status is None else status.restarts - (former_restarts or 0)
            if status is None or restarts >= MAX_RESTARTS_UNTIL_READY or is_late:
                since = self._log_sizes.get(log_path.name, 0)
                line = explain_failure(name, log_path, home=self._settings.home, since=since)
                raise ServerError(f"{name} does not {'get ready' if is_late else 'start'}: {line}: see {log_path}")
            time.sleep(POLL_SECONDS)


def _is_mounted(mount: Path) -> bool:
    mounted = mountpoint.mounted_at(mount)
    return mounted is not None and mounted.is_magicfs


def _answers(address: PeerAddress, identity: Identity) -> bool:
    from magicfs.domain.deadline import Deadline
    from magicfs.gateway.file_protocol import FILES_SERVICE
    from magicfs.gateway.peers import connect

    try:
        connect(
            address,
            fingerprint=identity.fingerprint,
            service=FILES_SERVICE,
            identity=identity,
            deadline=Deadline(HANDSHAKE_SECONDS),
        ).close()
    except (PeerUnavailable, DeadlineExceeded):
        return False
    return True
