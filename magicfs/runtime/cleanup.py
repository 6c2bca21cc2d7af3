"""Ends the processes and removes the sockets that a killed supervisor has left behind.

Used by `supervisor`, under its lock, while no supervisor runs. The kernel signals our processes when their supervisor
dies, so that most of the time this only waits for their ends. Blocks; main thread.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from magicfs.errors import ServerError
from magicfs.linux.disk import remove_if_writable
from magicfs.runtime import postgres, postgres_cluster, redis
from magicfs.runtime.processes import find_process, has_ended, has_our_root, is_listening, is_path, wait_until
from magicfs.state_directory.home import POSTGRES_SOCKET

STOP_SECONDS = 10.0
"""Time for a worker to finish its batch, and for Redis to stop; they are killed after it."""

KILL_SECONDS = 30.0
"""Time for a process that was killed to end, on a busy machine."""

SUPERVISOR_SECONDS = 120.0
"""Time for a supervisor to stop all of its parts. One that takes longer hangs: it is killed, and its parts end too."""

POSTGRES_SECONDS = 60.0
"""Time for Postgres to write its checkpoint."""

CONFIGURATION_FILE = Path("run", "supervisord.conf")
"""What a supervisor is started with."""

SUPERVISOR_MODULE = "magicfs.runtime.supervisord"
"""The supervisor's program, as its command line names it."""

SOCKET_NAMES = frozenset({"supervisor.sock", "redis.sock", POSTGRES_SOCKET})
"""Sockets on which nothing may listen after the cleanup. A query embedder that a search has started keeps its own."""

_SERVER_NAMES = frozenset({"postgres", redis.PROGRAM})
"""Programs that are stopped last, by functions of their own. They overwrite the environment that `environ` reads."""


def clean_up(home: Path) -> bool:
    """End the remaining processes of a state directory and remove its sockets; whether there was any process.

    Raises `ServerError` when a process does not end, or when another program listens on one of our sockets.
    """
    ended = _end_supervisor(home)
    ended |= _end_processes(home)
    ended |= _end_redis(home)
    ended |= _end_postgres(home)
    _remove_sockets(home / "run")
    # A lock file whose pid belongs to another program by now keeps Postgres from starting.
    remove_if_writable(home / "run" / f"{POSTGRES_SOCKET}.lock")
    return ended


def _end_supervisor(home: Path) -> bool:
    """End a supervisor that nobody can reach, and wait for one that is shutting down; whether there was one.

    It is found by its command line: its socket and its pid file may have been deleted, as programs do that clean up.
    One that hangs is killed.
    """
    process = _supervisor(home)
    if process is None:
        return False
    _end(process, SUPERVISOR_SECONDS, f"the supervisor (pid {process.pid})")
    return True


def _end(process: psutil.Process, seconds: float, what: str) -> None:
    """End a process, and wait for that. After `seconds`, it is killed. Raises `ServerError` if even that fails."""
    with contextlib.suppress(psutil.Error):
        process.terminate()
    with contextlib.suppress(ServerError):
        _wait(lambda: has_ended(process), seconds, what)
        return
    with contextlib.suppress(psutil.Error):
        process.kill()
    _wait(lambda: has_ended(process), KILL_SECONDS, what)


def _supervisor(home: Path) -> psutil.Process | None:
    """The supervisor of a state directory."""
    path = home / CONFIGURATION_FILE
    return find_process(lambda _, words: SUPERVISOR_MODULE in words and any(is_path(word, path) for word in words))


def _remove_sockets(run_dir: Path) -> None:
    for path in run_dir.glob("*"):
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                continue
            if not is_listening(path):
                path.unlink()
            elif path.name in SOCKET_NAMES:
                raise ServerError(f"{path} is in use by another program: end it, or set MAGICFS_HOME elsewhere")


def _end_processes(home: Path) -> bool:
    processes = [process for process in psutil.process_iter(["name"]) if _is_ours(process, home)]
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in _still_alive(processes, STOP_SECONDS):
        with contextlib.suppress(psutil.Error):
            process.kill()
    _still_alive(processes, KILL_SECONDS)
    return bool(processes)


def _still_alive(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait for the ends of processes. Returns those that have not ended after `seconds`.

    In a container, nobody may wait for orphans: they stay zombies, for which psutil would wait in vain.
    """
    with contextlib.suppress(ServerError):
        wait_until(lambda: all(map(has_ended, processes)), seconds=seconds, failed="")
    return [process for process in processes if not has_ended(process)]


def _is_ours(process: psutil.Process, home: Path) -> bool:
    """Whether a supervisor of this state directory started a process, or the parent that it descends from."""
    if process.pid == os.getpid() or process.info["name"] in _SERVER_NAMES:
        return False
    try:
        environment = process.environ()
        return (
            "SUPERVISOR_PROCESS_NAME" in environment
            and _leads_to(environment.get("MAGICFS_HOME", ""), home)
            and process.status() != psutil.STATUS_ZOMBIE
            and has_our_root(process)
        )
    except (psutil.Error, OSError):
        return False


def _leads_to(place: str, home: Path) -> bool:
    """Whether a state directory that a process was given is `home`. Our supervisors give a whole path."""
    return os.path.isabs(place) and os.path.realpath(place) == os.path.realpath(home)


def _end_redis(home: Path) -> bool:
    """End the server, which has nothing to lose."""
    server = redis.server_process(home)
    if server is None:
        return False
    _end(server, STOP_SECONDS, f"the Redis of a killed supervisor (pid {server.pid})")
    return True


def _end_postgres(home: Path) -> bool:
    """End the server, which is found by what runs: it removes its pid file a while before it ends."""
    server = postgres_cluster.server_process(home)
    if server is not None:
        with contextlib.suppress(psutil.Error):
            server.send_signal(signal.SIGINT)

        def has_gone() -> bool:
            postgres.quit_recovering(home)
            return has_ended(server)

        _wait(has_gone, POSTGRES_SECONDS, f"the Postgres of a killed supervisor (pid {server.pid})")
    # Its backends notice the end of their parent a moment later, and hold its shared memory until then.
    postgres_cluster.kill_orphans(home)
    return server is not None


def _wait(ended: Callable[[], bool], seconds: float, what: str) -> None:
    wait_until(ended, seconds=seconds, failed=f"{what} does not stop: end it by hand, then try again")
