"""The query embedder's process as its clients reach it: they send it requests, and start it when none runs.

Used by `query_client`. Every call ends within its deadline, whatever happens to the process; one that does not answer
any more is ended (`query_watchdog`). Safe in any thread: each request has a connection of its own, which on a unix
socket costs less than a tenth of a millisecond.
"""

from __future__ import annotations

import socket as sockets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self, TypeVar

from magicfs.embedding.query_watchdog import QueryWatchdog
from magicfs.errors import EmbedderUnavailable
from magicfs.ipc.framing import Disconnected, FramingError, Message, receive, seconds_until, send
from magicfs.ipc.server_lock import is_served
from magicfs.linux.files import rotate_log

MAX_VECTOR_BYTES = 1024 * 1024
_MAX_SERVER_DEATHS = 2
"""A request during which the server dies is sent once more; a second death may be the fault of the request."""
_POLL_SECONDS = 0.02

_Result = TypeVar("_Result")


class DiedTwice(EmbedderUnavailable):
    """The server died twice on a request."""


class Exchange:
    """A request that was sent on a connection of its own, and its answers. A context manager, which ends it."""

    def __init__(self, connection: sockets.socket) -> None:
        """Take over the connection."""
        self._connection = connection

    def answers(self, deadline: float) -> Iterator[Message]:
        """One answer after the other, each waited for up to the deadline. Raises `FramingError` and `TimeoutError`."""
        while True:
            yield receive(self._connection, max_body_bytes=MAX_VECTOR_BYTES, deadline=deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


class QueryConnection:
    """Reaches the server at `socket`. It starts one when none answers, unless `may_start` is False."""

    def __init__(
        self, socket: Path, *, may_start: bool, log_path: Path, options: Sequence[str], idle_exit: float
    ) -> None:
        self._socket = socket
        self._may_start = may_start
        self._log_path = log_path
        self._options = options
        self._idle_exit = idle_exit
        self._start_lock = threading.Lock()
        self._watchdog = QueryWatchdog(socket)

    def with_server(self, exchange: Callable[[], _Result], deadline: float) -> _Result:
        """The result of an exchange with the server, which is tried until a server answers.

        Raises `EmbedderUnavailable` at the deadline.
        """
        deaths = 0
        while True:
            try:
                return exchange()
            except Disconnected as error:
                deaths += 1
                if deaths == _MAX_SERVER_DEATHS:
                    raise DiedTwice(f"the query embedder died twice on a request: see {self._log_path}") from error
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                # No socket, no listener, or (the last) a full queue of connections.
                pass
            except (OSError, FramingError) as error:
                self._watchdog.suspect()
                raise EmbedderUnavailable(
                    f"the query embedder does not answer ({error}): see {self._log_path}"
                ) from error
            if self._may_start:
                self._start_if_absent(deadline)
            if time.monotonic() + _POLL_SECONDS > deadline:
                self._watchdog.suspect()
                raise EmbedderUnavailable(f"no query embedder came up in time: see {self._log_path}")
            time.sleep(_POLL_SECONDS)

    def begin(self, request: Message, deadline: float) -> Exchange:
        """Send a request on a connection of its own. Raises `OSError` and `FramingError`; starts no server."""
        connection = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        try:
            connection.settimeout(seconds_until(deadline))
            connection.connect(str(self._socket))
            send(connection, request, deadline=deadline)
        except BaseException:
            connection.close()
            raise
        return Exchange(connection)

    def _start_if_absent(self, deadline: float) -> None:
        """Start a server in the background if none serves; when this returns, its socket is open."""
        with self._start_lock:
            if not is_served(self._socket):
                self._start_server(deadline)

    def _start_server(self, deadline: float) -> None:
        command = [sys.executable, "-m", "magicfs.embedding.query_server", "--detach"]
        command += ["--socket", str(self._socket), "--idle-exit", str(self._idle_exit), *self._options]
        rotate_log(self._log_path)
        try:
            with self._log_path.open("ab") as stderr:
                subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    start_new_session=True,
                    timeout=seconds_until(deadline),
                    check=True,
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbedderUnavailable(
                f"the query embedder cannot be started ({error}): see {self._log_path}"
            ) from error
