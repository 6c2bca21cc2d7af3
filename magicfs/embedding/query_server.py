"""The query embedder: a process of its own with one model, so that a native crash never touches the mount.

    python -m magicfs.embedding.query_server --socket PATH --models DIR [--idle-exit SECONDS] [--detach]

Started by the supervisor, or by `client.QueryEmbedder` when none answers. A locked file beside the socket decides who
serves: a second server waits for the lock without loading anything, or leaves at once if it was started with
`--idle-exit`. One thread does everything, so the model is never shared; a request that is not answered yet when
its client hangs up is dropped. Heavy libraries are imported when the first text arrives.
"""

from __future__ import annotations

import argparse
import faulthandler
import fcntl
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicfs import logs
from magicfs.embedding import wire
from magicfs.embedding.lines import LineServer
from magicfs.errors import EmbedderUnavailable, MagicFSError, ModelError

if TYPE_CHECKING:
    from magicfs.embedding.embedder import FastembedEmbedder


logger = logging.getLogger("magicfs.embedding.query_server")

LONGEST_REQUEST_SECONDS = 60.0
"""A request that takes longer, loading the model included, hangs in native code: the process ends itself."""


class Service:
    """Answers requests with the model it has loaded last."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._embedder: FastembedEmbedder | None = None
        self._served = 0

    def answer(self, line: bytes) -> tuple[dict[str, Any], bool]:
        """The answer to a request, and whether the server is to go on."""
        try:
            request = wire.decode(line)
            return self._do(request), request.get("do") != "quit"
        except ValueError as error:
            return wire.failure(EmbedderUnavailable(f"malformed request ({error})")), True
        except MagicFSError as error:
            return wire.failure(error), True
        except Exception as error:
            logger.exception("a request failed")
            return wire.failure(EmbedderUnavailable(f"the query embedder failed ({error})")), True

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        match request.get("do"):
            case "embed":
                return self._embed(request)
            case "ping":
                return self._describe()
            case "quit":
                return {"pid": os.getpid()}
        raise ValueError("nothing known to do")

    def _embed(self, request: dict[str, Any]) -> dict[str, Any]:
        name, precision, text = (request.get(key) for key in ("name", "precision", "text"))
        if not (isinstance(name, str) and isinstance(precision, str) and isinstance(text, str)):
            raise ValueError("name, precision and text are needed")  # noqa: TRY004  malformed, as bad JSON is
        faulthandler.dump_traceback_later(LONGEST_REQUEST_SECONDS, exit=True)
        try:
            embedder = self._model(name, precision)
            vector = wire.encode_vector(embedder.embed_query(text))
        finally:
            faulthandler.cancel_dump_traceback_later()
        self._served += 1
        return {"vector": vector, "name": embedder.spec.name, "precision": str(embedder.spec.precision)}

    def _model(self, name: str, precision: str) -> FastembedEmbedder:
        from magicfs.embedding.embedder import FastembedEmbedder
        from magicfs.models.store import ModelStore

        loaded = self._embedder
        if loaded is None or (loaded.spec.name, loaded.spec.precision) != (name, precision):
            if precision == "auto":
                raise ModelError("a query names the precision of its model")
            stored = ModelStore(self._models).find(name, precision)
            # Two models at once would double the memory; the old one goes first.
            self._embedder = None
            loaded = self._embedder = FastembedEmbedder.load(stored.folder)
            logger.info("loaded %s", stored.spec.label)
        return loaded

    def _describe(self) -> dict[str, Any]:
        label = None if self._embedder is None else self._embedder.spec.label
        return {"pid": os.getpid(), "model": label, "served": self._served}


def become_server(socket: Path, *, wait: bool) -> bool:
    """Take the lock that makes this process the one server of `socket`, for the rest of its life.

    With `wait`, stand by until it is free; otherwise say whether it was.
    """
    lock = os.open(wire.lock_path(socket), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(lock)
        return False
    return True


def serve(socket: Path, models: Path, *, idle_exit: float | None, detach: bool) -> None:
    """Serve until told to stop. Returns at once when another server serves and `idle_exit` is set."""
    if not become_server(socket, wait=idle_exit is None):
        logger.info("another query embedder serves %s", socket)
        return
    with LineServer(socket, longest_line=wire.LONGEST_REQUEST, idle_exit=idle_exit) as server:
        # Who launched us can connect as soon as this process's first half is gone.
        if detach and os.fork():
            os._exit(0)
        logger.info("serving %s", socket)
        server.run(Service(models).answer)
    logger.info("stopped")


def main(arguments: list[str] | None = None) -> int:
    """Run a query embedder; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m magicfs.embedding.query_server", description="Embeds search queries."
    )
    parser.add_argument("--socket", type=Path, required=True, help="where to listen; one server serves it")
    parser.add_argument("--models", type=Path, required=True, help="directory of the model store")
    parser.add_argument("--idle-exit", type=float, help="leave after so many seconds without a request")
    parser.add_argument("--detach", action="store_true", help="return at once and serve in the background")
    options = parser.parse_args(arguments)
    socket, models = options.socket.absolute(), options.models.absolute()
    # A working directory inside the mount, or on a disk to be taken out, would be kept busy.
    os.chdir("/")
    logs.setup(role="embedder")
    faulthandler.enable()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        serve(socket, models, idle_exit=options.idle_exit, detach=options.detach)
    except OSError as error:
        logger.error("cannot serve %s: %s", socket, error)  # noqa: TRY400  a line says it all
        return 1
    return 0


def _leave(number: int, _frame: object) -> None:
    logger.info("stopping on signal %d", number)
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
