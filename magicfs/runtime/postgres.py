"""The embedded Postgres: the server of the cluster in the state directory, on a unix socket, without an open port.

The supervisor runs `python -m magicfs.runtime.postgres HOME [CONNECTIONS]`, which prepares the cluster
(`postgres_cluster`) and becomes the server. The other functions ask the server how it is. One thread.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import struct
import sys
from pathlib import Path
from urllib.parse import quote

from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseStarting, DatabaseUnavailable, ServerError
from magicfs.linux.memory import whole_memory
from magicfs.runtime.ordinary_user import as_ordinary_user
from magicfs.runtime.postgres_cluster import (
    REMEDY,
    USER,
    binaries,
    data_dir,
    prepare,
    server_pid,
)
from magicfs.runtime.processes import dies_with_parent
from magicfs.state_directory.home import POSTGRES_SOCKET

OWNER = "magicfs_owner"
"""The role of all sessions of MagicFS."""
DATABASE = "magicfs"

_LOST = 'database "postgres" does not exist'
"""How the server refuses our first connection when the folder of that database is missing. Each cluster has one."""

SERVER_SETTINGS = {
    "listen_addresses": "",
    "maintenance_work_mem": "256MB",
    "checkpoint_timeout": "15min",
    # Short queries on a warm cache: compiling them costs more than it saves.
    "jit": "off",
    "random_page_cost": "1.1",
    "autovacuum_analyze_scale_factor": "0.05",
    # Five times the pages in a round, and a fifth of the rounds, which go on as long as anybody writes a heartbeat.
    "bgwriter_delay": "1s",
    "bgwriter_lru_maxpages": "500",
    "log_min_duration_statement": "2s",
    # Parameters hold the text of files, which does not belong in a log.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

_CONTROL, _IN_CRASH_RECOVERY = struct.Struct("=QIIi"), 4
"""The beginning of the server's control file, and the state that is its last field."""

CONNECTIONS, CONNECTIONS_OF_HUB = 100, 1000
"""A host with eight cores has 45 at most, and five while nothing happens. A hundred more take 4 MB from the start, used
or not."""

SHARE_OF_MEMORY = 8
"""The server's own cache is at most an eighth of the memory: the kernel keeps the same pages once more."""
SMALLEST_CACHE_MB, LARGEST_CACHE_MB = 256, 4096
"""The largest one holds what searches read of a million chunks: of blocks from the kernel, a search takes half as long
again. Pages take memory when they are read, but what Postgres notes of them takes 25 MB for a GB from its start: so a
small index has a small cache."""

SHARE_OF_DISK = 8
SMALLEST_LOG_MB, LARGEST_LOG_MB = 128, 2048
"""A large log makes checkpoints rare, and a bulk import quicker; on a small disk it would take the room of the data."""


def admin_dsn(run_dir: Path) -> str:
    """The address of the server's maintenance database."""
    return f"postgresql:///postgres?host={quote(str(run_dir), safe='')}&user={USER}"


def is_recovering(home: Path) -> bool:
    """Whether the server recovers from a hard end, or has ended while it did."""
    try:
        with (data_dir(home) / "global" / "pg_control").open("rb") as file:
            *_, state = _CONTROL.unpack(file.read(_CONTROL.size))
    except (OSError, struct.error):
        return False
    return bool(state == _IN_CRASH_RECOVERY)


def quit_recovering(home: Path) -> None:
    """End a server that was told to stop and recovers from a hard end, or else does not end for a minute.

    Version 18 waits for ever for a recovery that it has ended itself, if one of its processes had crashed. Nothing is
    lost: the next start recovers.
    """
    if is_recovering(home) and (pid := server_pid(home)) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)


def server_command(home: Path, *, connections: int = CONNECTIONS) -> list[str]:
    """The command that becomes the server, in the foreground."""
    values = SERVER_SETTINGS | {
        # Of root, the socket belongs to another account, and parts without root's rights to files use it as its group.
        "unix_socket_permissions": "0770" if os.geteuid() == 0 else "0700",
        "max_connections": str(connections),
        "shared_buffers": f"{cache_mb(whole_memory(_read), _stored_bytes(home))}MB",
        "max_wal_size": f"{log_mb(shutil.disk_usage(home).free)}MB",
    }
    settings = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    server = [str(binaries() / "postgres"), "-D", str(data_dir(home)), "-k", str(home / "run"), *settings]
    return as_ordinary_user(dies_with_parent(server, signal_name="INT"))


def cache_mb(memory_bytes: int | None, stored_bytes: int) -> int:
    """The size of the server's cache, by the size of the database and the memory of the machine, if that is known."""
    share = (memory_bytes or 0) // SHARE_OF_MEMORY
    return max(SMALLEST_CACHE_MB, min(share >> 20, stored_bytes >> 20, LARGEST_CACHE_MB))


def log_mb(free_bytes: int) -> int:
    """The size that the server's log may have between two checkpoints, with `free_bytes` free on its disk."""
    return max(SMALLEST_LOG_MB, min(free_bytes // SHARE_OF_DISK >> 20, LARGEST_LOG_MB))


def _stored_bytes(home: Path) -> int:
    """The size of what the cluster stores when it starts."""
    return sum(path.stat().st_size for path in (data_dir(home) / "base").glob("*/*"))


def _read(path: str) -> str:
    """A file of the kernel; empty when it is missing."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def answers(run_dir: Path) -> bool:
    """Whether the server accepts connections. Prepares our database on it the first time.

    Raises `ServerError` for one that has lost a database: it will accept none.
    """
    if not (run_dir / POSTGRES_SOCKET).exists():
        return False
    try:
        _prepare_database(run_dir)
    except (DatabaseUnavailable, DatabaseConflict) as error:
        if _LOST in str(error):
            data = data_dir(run_dir.parent)
            raise ServerError(f"{data} is damaged: a database is missing in its folder 'base': {REMEDY}") from error
        return False
    return True


def is_starting(run_dir: Path) -> bool:
    """Whether the server says that it takes no connections yet, as it does while it recovers from a hard end."""
    try:
        _prepare_database(run_dir)
    except DatabaseStarting:
        return True
    except DatabaseError:
        pass
    return False


def _prepare_database(run_dir: Path) -> None:
    from magicfs.db.index_owner import prepare_database

    prepare_database(admin_dsn(run_dir), database=DATABASE, owner=OWNER)


def main() -> None:
    """Prepare the cluster of the state directory given as argument, and become its server.

    The second argument is the number of connections that it takes.
    """
    home, *more = sys.argv[1:]
    try:
        prepare(Path(home))
    except (ServerError, OSError) as error:
        sys.exit(f"magicfs: {error}")
    command = server_command(Path(home), connections=int(more[0]) if more else CONNECTIONS)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
