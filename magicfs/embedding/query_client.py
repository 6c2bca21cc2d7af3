"""Query vectors from the query embedder's process, for the mount and the commands, which hold no model themselves.

Every call ends within its deadline, whatever happens to the process. Thread-safe: each request has a connection of its
own, which on a unix socket costs less than a tenth of a millisecond.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket as sockets
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import ModelSpec
from magicfs.domain.status import EmbedderStatus
from magicfs.embedding import wire
from magicfs.embedding.embedder import unit_vectors
from magicfs.errors import EmbedderUnavailable, MagicFSError, ModelError, ModelMismatch

logger = logging.getLogger(__name__)

REMEMBERED_QUERIES = 512
IDLE_EXIT_SECONDS = 900.0
"""How long a server that a client has started outlives the last request."""
_ATTEMPTS = 2
"""A request on which the server died is sent once more; what kills it twice may be to blame for it."""
_POLL_SECONDS = 0.02
_RECEIVE_BYTES = 64 * 1024


class _Died(Exception):
    """The server went away in the middle of a request."""


class QueryEmbedder:
    """A client of the query embedder at `socket`, which it starts when none answers, unless `launch` is off."""

    def __init__(
        self,
        socket: Path,
        models_dir: Path,
        *,
        launch: bool = True,
        log: Path | None = None,
        idle_exit: float = IDLE_EXIT_SECONDS,
    ) -> None:
        self._socket = socket
        self._models_dir = models_dir
        self._launch = launch
        self._log = log or socket.with_name(f"{socket.name}.log")
        self._idle_exit = idle_exit
        self._guard = threading.Lock()
        self._launching = threading.Lock()
        self._remembered: OrderedDict[tuple[str, str, str], NDArray[np.float32]] = OrderedDict()

    def embed(self, text: str, *, spec: ModelSpec, deadline_s: float) -> NDArray[np.float32]:
        """The vector of a question under the model `spec`: shape (dimension,), of length 1. Do not write to it.

        Raises `EmbedderUnavailable` within `deadline_s` seconds, and `ModelMissing`, `ModelCorrupt` or
        `ModelMismatch` as the server finds them.
        """
        text = text[: wire.LONGEST_TEXT]
        key = (spec.name, str(spec.precision), text)
        with self._guard:
            if key in self._remembered:
                self._remembered.move_to_end(key)
                return self._remembered[key]
        request = {"do": "embed", "name": spec.name, "precision": str(spec.precision), "text": text}
        vector = _vector(self._ask(request, time.monotonic() + deadline_s, start=self._launch), spec)
        with self._guard:
            self._remembered[key] = vector
            while len(self._remembered) > REMEMBERED_QUERIES:
                self._remembered.popitem(last=False)
        return vector

    def ping(self, *, deadline_s: float = 1.0) -> EmbedderStatus | None:
        """What the server says of itself; None when none answers. Starts none."""
        try:
            answer = self._ask({"do": "ping"}, time.monotonic() + deadline_s, start=False, wait=False)
            return EmbedderStatus(int(answer["pid"]), answer["model"], int(answer["served"]))
        except (MagicFSError, KeyError, TypeError, ValueError):
            return None

    def quit(self, *, deadline_s: float = 5.0) -> bool:
        """Stop the server and wait until it is gone. Whether it is; no server at all counts as gone."""
        deadline = time.monotonic() + deadline_s
        try:
            self._ask({"do": "quit"}, deadline, start=False, wait=False)
        except MagicFSError as error:
            logger.debug("no query embedder to stop: %s", error)
        while not self._nobody_serves():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _nobody_serves(self) -> bool:
        """Whether nobody holds the server's lock."""
        try:
            descriptor = os.open(wire.lock_path(self._socket), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _ask(self, request: dict[str, Any], deadline: float, *, start: bool, wait: bool = True) -> dict[str, Any]:
        """Send a request until it is answered. Raises `EmbedderUnavailable` at the deadline, or what the answer says.

        Without `wait`, a server that is not there at once is not waited for.
        """
        line = wire.encode(request)
        deaths = 0
        while True:
            try:
                answer = self._exchange(line, deadline)
                wire.raise_failure(answer)
            except _Died as error:
                deaths += 1
                if deaths == _ATTEMPTS:
                    raise EmbedderUnavailable(f"the query embedder died twice on a request: see {self._log}") from error
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError) as error:
                # Not there, just gone, or (the last) with a full queue of connections.
                if not wait:
                    raise EmbedderUnavailable("no query embedder is running: start one with `magicfs up`") from error
            except (OSError, ValueError) as error:
                raise EmbedderUnavailable(f"the query embedder does not answer ({error}): see {self._log}") from error
            else:
                return answer
            if start:
                self._start(deadline)
            if time.monotonic() + _POLL_SECONDS > deadline:
                raise EmbedderUnavailable(f"no query embedder came up in time: see {self._log}")
            time.sleep(_POLL_SECONDS)

    def _exchange(self, line: bytes, deadline: float) -> dict[str, Any]:
        """One request on a connection of its own."""
        with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as channel:
            channel.settimeout(_left(deadline))
            channel.connect(str(self._socket))
            received = bytearray()
            try:
                channel.sendall(line)
                while not received.endswith(b"\n"):
                    channel.settimeout(_left(deadline))
                    data = channel.recv(_RECEIVE_BYTES)
                    if not data:
                        raise _Died
                    received += data
            except (ConnectionResetError, BrokenPipeError) as error:
                raise _Died from error
        return wire.decode(bytes(received))

    def _start(self, deadline: float) -> None:
        """Launch a server in the background if none serves; when this returns, its socket is open."""
        with self._launching:
            if self._nobody_serves():
                self._launch_server(deadline)

    def _launch_server(self, deadline: float) -> None:
        command = [sys.executable, "-m", "magicfs.embedding.query_server", "--detach"]
        command += ["--socket", str(self._socket), "--models", str(self._models_dir)]
        command += ["--idle-exit", str(self._idle_exit)]
        try:
            with self._log.open("ab") as log:
                subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,
                    timeout=_left(deadline),
                    check=True,
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbedderUnavailable(f"the query embedder cannot be started ({error}): see {self._log}") from error


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises `TimeoutError` when it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def _vector(answer: dict[str, Any], spec: ModelSpec) -> NDArray[np.float32]:
    """The vector in an answer, checked against the model that it should be of."""
    if (answer.get("name"), answer.get("precision")) != (spec.name, str(spec.precision)):
        raise ModelMismatch(
            f"the query embedder uses another model than {spec.label}: restart it with `magicfs down` and `magicfs up`"
        )
    try:
        vector = wire.decode_vector(str(answer.get("vector")))
        if vector.shape != (spec.dimension,):
            raise ModelMismatch(
                f"{spec.label} on this machine gives {vector.size} dimensions and the index has {spec.dimension}: "
                f"run `magicfs model use {spec.name}` to index anew"
            )
        unit: NDArray[np.float32] = unit_vectors(vector[np.newaxis], count=1, dimension=spec.dimension)[0]
    except (ValueError, ModelError) as error:
        if isinstance(error, ModelMismatch):
            raise
        raise EmbedderUnavailable(f"the query embedder gave no vector ({error})") from error
    unit.setflags(write=False)
    return unit
