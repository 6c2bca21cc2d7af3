"""Waits until parts that were started are ready. One that is not is explained by the last line of its log.

Used by `starting`; `last_line` also by `waiting` and `index_checks`. `runtime.supervisor` runs the parts. Main thread.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.cli import terminal
from magicfs.config import Settings
from magicfs.domain.parts import HUB_LINK, MOUNT, POSTGRES, REDIS, SERVE
from magicfs.errors import DeadlineExceeded, MountError, PeerUnavailable, ServerError
from magicfs.fuse import mountpoint
from magicfs.home import POSTGRES_SOCKET
from magicfs.logs import LINE_BREAK
from magicfs.runtime import postgres, postgres_cluster, redis
from magicfs.runtime.processes import is_listening
from magicfs.runtime.supervisor import Supervisor

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
"""Pause between two looks whether a part is ready."""

_ENDS_POSTGRES = re.compile(r"(?:FATAL|PANIC):(?!\s+the database system is )")
"""A line of its log with an error that ends it, and not only a connection that came too early."""

_BEHIND_AN_ERROR = re.compile(r"(?:DETAIL|HINT|CONTEXT):|database system is shut down$")
"""A last line that does not say why Postgres has ended."""

_DAMAGED = re.compile(
    r"not a valid data directory|incompatible with server|valid checkpoint record|control file|pg_control|"
    r"could not access the server configuration file|"
    r"could not find the database system|could not open critical system index|could not read from file|"
    r"[Cc]ould not open file \"[^\"]+\": No such file|required WAL directory"
)
"""What Postgres says of a cluster whose files are missing, changed, or of another version."""

_UNUSABLE_CONFIGURATION = '.conf" contains errors'
"""How the line ends by which Postgres refuses its configuration."""

MAX_RESTARTS_UNTIL_READY = 2
"""A part that was started anew this many times while it was waited for counts as failed."""


def wait_for_servers(settings: Settings, supervisor: Supervisor, logged: Mapping[str, int]) -> None:
    """Wait until the embedded servers answer. `logged` is `log_sizes` before their start. Raises `ServerError`."""
    if settings.hub is not None:
        sockets = (settings.run_dir / POSTGRES_SOCKET, redis.socket_path(settings.home))
        _wait_for(settings, supervisor, HUB_LINK, lambda: all(map(is_listening, sockets)), SERVER_SECONDS, logged)
    if settings.embedded_database:
        _wait_for(
            *(settings, supervisor, POSTGRES, lambda: postgres.answers(settings.run_dir), SERVER_SECONDS, logged),
            is_starting=lambda: postgres.is_starting(settings.run_dir),
        )
    if settings.embedded_broker:
        _wait_for(settings, supervisor, REDIS, lambda: redis.answers(settings.home), SERVER_SECONDS, logged)


def wait_for_mount(settings: Settings, supervisor: Supervisor, mount: Path, logged: Mapping[str, int]) -> None:
    """Wait until the mount is there. `logged` is `log_sizes` before its start. Raises `MountError`."""
    try:
        _wait_for(settings, supervisor, MOUNT, lambda: _is_mounted(mount), MOUNT_SECONDS, logged)
    except ServerError as error:
        raise MountError(str(error)) from error


def _is_mounted(mount: Path) -> bool:
    mounted = mountpoint.mounted_at(mount)
    return mounted is not None and mounted.is_magicfs


def wait_for_serve(settings: Settings, supervisor: Supervisor, address: str, logged: Mapping[str, int]) -> None:
    """Wait until this host, and no other program, answers at its address. Raises `ServerError`, and `UsageError`.

    `logged` is `log_sizes` before its start.
    """
    from magicfs.gateway.identity import host_identity
    from magicfs.gateway.peers import PeerAddress

    own = PeerAddress.parse(address)
    identity = host_identity(settings.home)
    _wait_for(settings, supervisor, SERVE, lambda: _answers(own, identity), SERVE_SECONDS, logged)


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


def _wait_for(
    settings: Settings,
    supervisor: Supervisor,
    name: str,
    ready: Callable[[], bool],
    seconds: float,
    logged: Mapping[str, int],
    *,
    is_starting: Callable[[], bool] = lambda: False,
) -> None:
    """Wait until a part is ready. Raises `ServerError` with the last line of its log when it keeps failing.

    `logged` has the sizes of the logs before this start: what stands in them is of a former one. While `is_starting`,
    the wait goes on, and is explained.
    """
    log_path = settings.log_dir / f"{name}.log"
    begin = time.monotonic()
    explained, deadline = begin + EXPLAIN_SECONDS, begin + seconds
    former_restarts: int | None = None
    while not ready():
        status = supervisor.part(name)
        now = time.monotonic()
        if now > explained and is_starting():
            explained, deadline = now + REPEAT_SECONDS, now + seconds
            terminal.remark(
                f"waiting for the database, which recovers first if it has crashed ({now - begin:.0f} seconds so far): "
                "nothing is lost"
            )
        is_late = now > deadline
        if status is not None and former_restarts is None:
            former_restarts = status.restarts
        restarts = 0 if status is None else status.restarts - (former_restarts or 0)
        if status is None or restarts >= MAX_RESTARTS_UNTIL_READY or is_late:
            line = explain_failure(name, log_path, home=settings.home, since=logged.get(log_path.name, 0))
            raise ServerError(f"{name} does not {'get ready' if is_late else 'start'}: {line}: see {log_path}")
        time.sleep(POLL_SECONDS)


def log_sizes(settings: Settings) -> dict[str, int]:
    """The size of each log of a part in bytes, by the name of its file."""
    return {path.name: path.stat().st_size for path in settings.log_dir.glob("*.log")}


def _telling_line(lines: Sequence[str]) -> str:
    """The last line, or the one that says why Postgres has ended, with its detail: it ends with lines that do not."""
    if _BEHIND_AN_ERROR.search(lines[-1]):
        reasons = [number for number, line in enumerate(lines) if _ENDS_POSTGRES.search(line)]
        if reasons:
            reason, *behind = lines[reasons[-1] : reasons[-1] + 2]
            details = [line.partition("DETAIL:")[2].strip(" .") for line in behind if "DETAIL:" in line]
            return ": ".join([reason, *details])
    return lines[-1]


def explain_failure(name: str, log_path: Path, *, home: Path, since: int = 0) -> str:
    """The line of a part's log that says why it does not start, and what to do where its database is damaged."""
    line = last_line(log_path, since=since)
    if name == POSTGRES and _DAMAGED.search(line) and not postgres_cluster.REFUSED.search(line):
        return f"{line}: {postgres_cluster.data_dir(home)} is damaged: {postgres_cluster.REMEDY}"
    if name == POSTGRES and line.endswith(_UNUSABLE_CONFIGURATION):
        return f"{line}, which the line above in the log names: correct them, or delete the file to have a new one"
    return line


def last_line(log_path: Path, *, since: int = 0) -> str:
    """The last line of a part's log, without the prefix `magicfs: `. Of a traceback in it, the last line alone.

    The first `since` bytes are not read, unless the log is shorter: then it has begun anew.
    """
    try:
        content = log_path.read_bytes()
    except OSError:
        content = b""
    new = content[since if since <= len(content) else 0 :]
    lines = new.decode("utf-8", errors="replace").strip().splitlines()
    if not lines:
        return "its log has no new line" if content else "its log is empty"
    first, *others = _telling_line(lines).strip().removeprefix("magicfs: ").split(LINE_BREAK)
    return f"{first}: {others[-1]}" if others else first
