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
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import ModelSpec
from magicfs.domain.status import EmbedderStatus
from magicfs.embedding.embedder import unit_vectors
from magicfs.embedding.query_server import MAX_QUESTION_CHARACTERS, lock_path
from magicfs.errors import (
    EmbedderUnavailable,
    LanguageUnread,
    MagicFSError,
    ModelCorrupt,
    ModelError,
    ModelMismatch,
    ModelMissing,
)
from magicfs.framing import Disconnected, FramingError, Message, receive, seconds_until, send

log = logging.getLogger(__name__)

FindFolder = Callable[[ModelSpec], Path]
"""Returns the folder of a stored model. Raises `ModelMissing` or `ModelCorrupt`."""

MAX_CACHED_QUESTIONS = 512
IDLE_EXIT_SECONDS = 900.0
"""A server that a client has started exits this long after its last request."""
MAX_VECTOR_BYTES = 1024 * 1024
_MAX_SERVER_DEATHS = 2
"""A request during which the server dies is sent once more; a second death may be the fault of the request."""
_POLL_SECONDS = 0.02

_ERRORS = {kind.__name__: kind for kind in (ModelError, ModelMissing, ModelCorrupt, ModelMismatch, LanguageUnread)}
"""What the server may report, besides `EmbedderUnavailable`."""


class QueryEmbedder:
    """A client of the query embedder at `socket`. It starts a server when none answers, unless `may_start` is False."""

    def __init__(
        self,
        socket: Path,
        find_folder: FindFolder,
        *,
        may_start: bool = True,
        log_path: Path | None = None,
        log_options: Sequence[str] = (),
        idle_exit: float = IDLE_EXIT_SECONDS,
    ) -> None:
        """`find_folder` may raise `ModelError`; `log_options` are options of `query_server` about the server's log."""
        self._log_options = log_options
        self._socket = socket
        self._find_folder = find_folder
        self._may_start = may_start
        self._log_path = log_path or socket.with_name(f"{socket.name}.log")
        self._idle_exit = idle_exit
        self._cache_lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._replace_lock = threading.Lock()
        self._folders: dict[ModelSpec, Path] = {}
        self._cache: OrderedDict[tuple[str, str, str], NDArray[np.float32]] = OrderedDict()

    def embed(self, text: str, *, spec: ModelSpec, deadline_s: float) -> NDArray[np.float32]:
        """The vector of a question under the model `spec`: shape (dimension,), of length 1, read-only.

        Raises `EmbedderUnavailable` within `deadline_s` seconds, and `ModelMissing`, `ModelCorrupt` or
        `ModelMismatch` if the model's files on this machine are not those of `spec`. Raises `LanguageUnread` for a
        question that the model does not read.
        """
        text = text[:MAX_QUESTION_CHARACTERS]
        key = (spec.label, spec.digest, text)
        with self._cache_lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        vector = _vector(self._ask_for_vector(text, spec, time.monotonic() + deadline_s), spec)
        with self._cache_lock:
            self._cache[key] = vector
            while len(self._cache) > MAX_CACHED_QUESTIONS:
                self._cache.popitem(last=False)
        return vector

    def _ask_for_vector(self, text: str, spec: ModelSpec, deadline: float) -> Message:
        """The server's answer for a question. A server that uses another model is replaced, and its successor is asked.

        It is one that an older version left, or that loaded the folder before its files were replaced.
        """

        def ask() -> Message:
            request = Message({"do": "embed", "folder": str(self._folder(spec)), "text": text})
            return self._ask(request, deadline, may_start=self._may_start)

        answer = ask()
        if not _is_of_model(answer, spec):
            with self._replace_lock:
                # Another thread may have replaced it.
                answer = ask()
                if not _is_of_model(answer, spec):
                    log.info("the query embedder uses another model than %s and is replaced", spec.full_label)
                    self._folders.pop(spec, None)
                    self.quit(deadline_s=deadline - time.monotonic())
                    answer = ask()
        return answer

    def _folder(self, spec: ModelSpec) -> Path:
        """The folder of a model. Cached, because finding it takes a tenth of the time of a request."""
        folder = self._folders.get(spec)
        if folder is None:
            # The server has another working directory.
            folder = self._folders[spec] = self._find_folder(spec).resolve()
        return folder

    def ping(self, *, deadline_s: float = 1.0) -> EmbedderStatus | None:
        """The status that the server reports; None when no server answers. Starts none."""
        try:
            answer = self._ask(Message({"do": "ping"}), time.monotonic() + deadline_s, may_start=False, wait=False).head
            return EmbedderStatus(int(answer["pid"]), answer["model"], int(answer["served"]))
        except (MagicFSError, KeyError, TypeError, ValueError):
            return None

    def quit(self, *, deadline_s: float = 5.0) -> bool:
        """Stop the server and wait for its end. Returns False if it still runs at the deadline."""
        deadline = time.monotonic() + deadline_s
        try:
            self._ask(Message({"do": "quit"}), deadline, may_start=False, wait=False)
        except MagicFSError as error:
            log.debug("no query embedder to stop: %s", error)
        while self._is_served():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _is_served(self) -> bool:
        """Whether a process holds the server's lock."""
        try:
            descriptor = os.open(lock_path(self._socket), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _ask(self, request: Message, deadline: float, *, may_start: bool, wait: bool = True) -> Message:
        """Send a request until it is answered. Raises `EmbedderUnavailable` at the deadline, or the reported error.

        Without `wait`, raises `EmbedderUnavailable` at once when no server listens.
        """
        deaths = 0
        while True:
            try:
                answer = self._exchange(request, deadline)
            except Disconnected as error:
                deaths += 1
                if deaths == _MAX_SERVER_DEATHS:
                    raise EmbedderUnavailable(
                        f"the query embedder died twice on a request: see {self._log_path}"
                    ) from error
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError) as error:
                # No socket, no listener, or (the last) a full queue of connections.
                if not wait:
                    raise EmbedderUnavailable("no query embedder is running: start one with `magicfs up`") from error
            except (OSError, FramingError) as error:
                raise EmbedderUnavailable(
                    f"the query embedder does not answer ({error}): see {self._log_path}"
                ) from error
            else:
                raise_failure(answer)
                return answer
            if may_start:
                self._start_if_absent(deadline)
            if time.monotonic() + _POLL_SECONDS > deadline:
                raise EmbedderUnavailable(f"no query embedder came up in time: see {self._log_path}")
            time.sleep(_POLL_SECONDS)

    def _exchange(self, request: Message, deadline: float) -> Message:
        """Send a request on a connection of its own, and wait for the answer."""
        with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
            connection.settimeout(seconds_until(deadline))
            connection.connect(str(self._socket))
            send(connection, request, deadline=deadline)
            return receive(connection, max_body_bytes=MAX_VECTOR_BYTES, deadline=deadline)

    def _start_if_absent(self, deadline: float) -> None:
        """Start a server in the background if none serves; when this returns, its socket is open."""
        with self._start_lock:
            if not self._is_served():
                self._start_server(deadline)

    def _start_server(self, deadline: float) -> None:
        command = [sys.executable, "-m", "magicfs.embedding.query_server", "--detach"]
        command += ["--socket", str(self._socket), "--idle-exit", str(self._idle_exit), *self._log_options]
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


def raise_failure(answer: Message) -> None:
    """Raise the error that an answer reports, if it reports one."""
    if "error" in answer.head:
        kind: type[MagicFSError] = _ERRORS.get(str(answer.head["error"]), EmbedderUnavailable)
        raise kind(str(answer.head.get("message", "the query embedder failed")))


def _is_of_model(answer: Message, spec: ModelSpec) -> bool:
    """Whether the vector in an answer is one of a model. Any is of a model without a digest."""
    digests = answer.head.get("digests")
    return not spec.digest or (isinstance(digests, list) and not spec.digests.isdisjoint(map(str, digests)))


def _vector(answer: Message, spec: ModelSpec) -> NDArray[np.float32]:
    """The vector in an answer, after a check that it is one of the model `spec`."""
    if not _is_of_model(answer, spec):
        raise ModelMismatch(
            f"the query embedder uses another model than {spec.full_label}: "
            "restart it with `magicfs down` and `magicfs up`"
        )
    try:
        vector = np.frombuffer(answer.body, "<f4")
    except ValueError as error:
        raise EmbedderUnavailable(f"the query embedder gave no vector ({error})") from error
    if vector.shape != (spec.dimension,):
        raise ModelMismatch(
            f"{spec.label} on this machine gives {vector.size} dimensions and the index has {spec.dimension}: "
            f"run `magicfs model use {spec.name}` to index anew"
        )
    try:
        unit: NDArray[np.float32] = unit_vectors(vector[np.newaxis], count=1, dimension=spec.dimension)[0]
    except ModelError as error:
        raise EmbedderUnavailable(f"the query embedder gave no vector ({error})") from error
    unit.setflags(write=False)
    return unit
