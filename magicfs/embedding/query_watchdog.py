"""`QueryWatchdog`: ends a query embedder that has stopped answering, so that whoever runs it starts it again.

A process that hangs outside of its models, or that a signal has stopped, looks well to its supervisor, and every search
waits for it in vain. A client that has got no answer looks closer, in a thread of its own, which ends when it knows.
The query embedder holds nothing but models: one that is ended by mistake costs the next question half a second. One
that hangs in a model answers pings, and ends itself (`query_service`). Used by `query_connection`; safe in any thread.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from magicfs.ipc.server_lock import answers_ping, holders

log = logging.getLogger(__name__)

PINGS = 5
"""Unanswered in a row. Their number counts and not the time, because this process may have been stopped meanwhile."""

PING_SECONDS = 2.0
"""It answers within milliseconds, on a busy machine in half a second."""


class QueryWatchdog:
    """Looks after the query embedder at `socket`."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._looking = threading.Lock()

    def suspect(self) -> None:
        """Look whether the server answers at all, because it has left a request unanswered. Does not wait for that."""
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look, name="query watchdog", daemon=True).start()

    def _look(self) -> None:
        try:
            suspects = holders(self._socket)
            if any(answers_ping(self._socket, seconds=PING_SECONDS) for _ in range(PINGS)):
                return
            # A successor may be starting.
            for pid in suspects & holders(self._socket):
                log.error("the query embedder (process %d) answers no ping, and is ended, to be started again", pid)
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        finally:
            self._looking.release()
