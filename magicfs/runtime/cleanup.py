"""What a supervisor that was killed has left behind: processes on their way out, servers, sockets.

The kernel tells our processes to stop when their supervisor dies, so mostly this is a matter of waiting. Called
under the lock of `supervisor`, with no supervisor running.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from magicfs.errors import ServerError
from magicfs.runtime import postgres, redis
from magicfs.runtime.processes import accepts, gone, wait_until

WORK_SECONDS = 10.0
"""How long a worker may take to finish its batch before it is killed."""

SUPERVISOR_SECONDS = 120.0
"""How long a supervisor may take to stop all of its parts."""

OUR_SOCKETS = frozenset({"supervisor.sock", "redis.sock", ".s.PGSQL.5432"})
"""The query embedder's is not among them: one that a search has started goes on serving."""

DATABASE_SECONDS = 60.0
"""How long Postgres may take to write its checkpoint."""

_SERVERS = frozenset({"postgres", "redis-server"})
"""They are stopped in their own way, and last. Both write over what `environ` shows, besides."""


def clean_up(home: Path) -> bool:
    """End what is left over and remove its sockets. Whether there was any process.

    Raises `ServerError` when something does not end, or when another program has one of our sockets.
    """
    found = _outlive_supervisor(home)
    found |= _end_processes(home)
    found |= _end_redis(home)
    found |= _end_postgres(home)
    _remove_sockets(home / "run")
    # A lock that names a pid which another program has by now would keep Postgres from starting.
    (home / "run" / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    return found


def _outlive_supervisor(home: Path) -> bool:
    """Wait for a supervisor that is on its way out, if there is one."""
    try:
        pid = int((home / "run" / "supervisor.pid").read_text(encoding="ascii"))
        process = psutil.Process(pid)
        is_ours = any(word.startswith(str(home / "run")) for word in process.cmdline())
    except (OSError, ValueError, psutil.Error):
        return False
    if is_ours:
        _wait(lambda: gone(process), SUPERVISOR_SECONDS, f"the supervisor (pid {pid})")
    return is_ours


def _remove_sockets(run_dir: Path) -> None:
    for path in run_dir.glob("*"):
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                continue
            if not accepts(path):
                path.unlink()
            elif path.name in OUR_SOCKETS:
                raise ServerError(f"{path} is in use by another program: end it, or set MAGICFS_HOME elsewhere")


def _end_processes(home: Path) -> bool:
    processes = [process for process in psutil.process_iter(["name"]) if _is_ours(process, str(home))]
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=WORK_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=WORK_SECONDS)
    return bool(processes)


def _is_ours(process: psutil.Process, home: str) -> bool:
    """Whether a supervisor of this state directory has started it, or a process that such a one has started."""
    if process.pid == os.getpid() or process.info["name"] in _SERVERS:
        return False
    try:
        environment = process.environ()
        return (
            environment.get("MAGICFS_HOME") == home
            and "SUPERVISOR_PROCESS_NAME" in environment
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except (psutil.Error, OSError):
        return False


def _end_redis(home: Path) -> bool:
    if not redis.answers(home):
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(WORK_SECONDS)
        client.connect(str(redis.socket_path(home)))
        client.sendall(b"SHUTDOWN NOSAVE\r\n")
        client.recv(64)
    _wait(lambda: not redis.answers(home), WORK_SECONDS, "a Redis left over")
    return True


def _end_postgres(home: Path) -> bool:
    pid = postgres.server_pid(home)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    _wait(lambda: postgres.server_pid(home) != pid, DATABASE_SECONDS, f"a Postgres left over (pid {pid})")
    # Its backends see the end of their parent a moment later, and hold its shared memory until then.
    time.sleep(0.1)
    return True


def _wait(gone: Callable[[], bool], seconds: float, what: str) -> None:
    wait_until(gone, seconds=seconds, failed=f"{what} does not stop: end it by hand, then try again")
