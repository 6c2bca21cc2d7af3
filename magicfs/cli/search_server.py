"""The search server: a process with everything in memory that a search needs, which answers `magicfs search`.

    python -P -m magicfs.cli.search_server [--variables NAME...] [--socket PATH [--idle-exit SECONDS]]

It is a part of `magicfs up`, which forks it with its libraries in memory: it connects to nothing before it is asked.
For commands with other settings than those of `up`, and where `up` does not run, `search_client` starts one after a
search that no server has answered, with a socket and the settings of that search; that one ends when nobody has asked
for a while. `ipc/local_server.py` has the socket, which its user alone may use. It prints nothing: the terminal is that
of the command.

Protocol: `{"do": "search", "key": ..., "query": ..., ...}`, with the other options of a search, gets two answers. The
first says that it is taken, and how long it may take; the second has what is to be printed as its body, or `error` and
`message`, and the `complaints` about the settings.

Threads: those of `ipc/local_server.py`, and one that prepares the first search of a server that a command has started.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicfs import config
from magicfs.cli import environment, search_client
from magicfs.cli.searching import SearchOptions, find, seconds_to_search, text_of
from magicfs.config import Settings
from magicfs.errors import MagicFSError, MalformedRequest, ServerError
from magicfs.ipc.framing import Message, failure
from magicfs.ipc.local_server import IsWanted, serve
from magicfs.linux.process import collect_garbage_rarely, return_free_memory, share_one_heap
from magicfs.state_directory.home import home

if TYPE_CHECKING:
    from magicfs.db.pool import Database
    from magicfs.search.service import SearchService

log = logging.getLogger("magicfs.cli.search_server")

CONNECTIONS = 4
"""The number of searches that run at once; others wait for their turn."""

CHECK_SECONDS = 10.0
"""Pause between two looks at the files of the program and the settings, each of which takes a millisecond."""

_TEXT, _FLAG = (str, type(None)), (bool,)
_TYPES: dict[str, tuple[type, ...]] = {
    "query": (str,),
    "number": (int, type(None)),
    "as_json": _FLAG,
    "passages": _FLAG,
    "within": _TEXT,
    "lines": _FLAG,
    "similar_to": _TEXT,
    "host": _TEXT,
}
"""The types of the options of a search, as a request has them."""


class SearchAnswers:
    """Answers requests with a search service. A `Service` of `ipc/local_server.py`."""

    def __init__(
        self, settings: Settings, *, key: str, file_versions: list[list[int] | None], complaints: Sequence[str] = ()
    ) -> None:
        """Search with `settings`, for clients whose settings have the same `key`, and about which it complains.

        `file_versions` are those in the key.
        """
        self._settings = settings
        self._key = key
        self._file_versions = file_versions
        self._complaints = list(complaints)
        self._building = threading.Lock()
        self._built: tuple[Database, SearchService] | None = None
        self._served = 0
        self._checked_at = time.monotonic()

    def prepare(self) -> None:
        """Make ready for the first search, in a thread."""
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def answers(self, request: Message, *, is_wanted: IsWanted) -> Iterator[Message]:
        """The answers to a request, each when it is ready."""
        del is_wanted
        match request.head.get("do"):
            case "search":
                yield Message({"pid": os.getpid(), "seconds": seconds_to_search(self._settings)})
                answer = self._answer(request.head)
                self._served += "error" not in answer.head
                yield Message(answer.head | {"complaints": self._complaints}, answer.body)
            case "ping" | "quit":
                yield Message({"pid": os.getpid(), "served": self._served})
            case _:
                yield failure(MalformedRequest("malformed request (unknown command)"))

    def is_outdated(self) -> bool:
        """Whether the settings or the program have changed: the next search gets another server."""
        if time.monotonic() - self._checked_at < CHECK_SECONDS:
            return False
        self._checked_at = time.monotonic()
        return search_client.file_versions() != self._file_versions

    def free_memory(self) -> None:
        """Free what searches have left. The pool closes its connections itself."""
        if self._served:
            return_free_memory()

    def stop(self) -> None:
        """Close the connections."""
        with self._building:
            if self._built is not None:
                self._built[0].close()

    def _answer(self, head: dict[str, Any]) -> Message:
        """The answer with the text to print, or with the error."""
        if head.get("key") != self._key:
            return failure(ServerError("this server has other settings"))
        try:
            text = self._text(_options(head))
        except MagicFSError as error:
            return failure(error)
        except Exception as error:
            log.exception("a search failed")
            return failure(ServerError(f"the search server failed ({error})"))
        # What a program has typed may have bytes that are no text.
        return Message({}, text.encode("utf-8", "surrogatepass"))

    def _text(self, options: SearchOptions) -> str:
        """The text to print."""
        environment.require_server(self._settings)
        return text_of(find(self._settings, self._service(), options), options, host=self._settings.host)

    def _service(self) -> SearchService:
        with self._building:
            if self._built is None:
                from magicfs.cli import wiring
                from magicfs.db.pool import Database

                database = Database(
                    self._settings.database_dsn,
                    application="search",
                    size=CONNECTIONS,
                    connect_seconds=environment.COMMAND_CONNECT_SECONDS,
                    idle_seconds=self._settings.idle_seconds,
                )
                self._built = database, wiring.search_service(self._settings, database)
            return self._built[1]

    def _warm_up(self) -> None:
        """Search for something: that loads the libraries, makes a connection, and lets Postgres plan the statements."""
        with suppress(MagicFSError):
            self._text(SearchOptions("warm up", number=1))
        collect_garbage_rarely()


def _options(head: dict[str, Any]) -> SearchOptions:
    """The options in a request. Raises `MalformedRequest`."""
    options = {name: head.get(name, SearchOptions._field_defaults.get(name)) for name in SearchOptions._fields}
    if any(type(value) not in _TYPES[name] for name, value in options.items()):
        raise MalformedRequest("malformed request (a search has a query and options)")
    return SearchOptions._make(options.values())


def _keep_variables(names: Sequence[str]) -> None:
    """Unset the variables that decide the settings, except these: supervisord has more, of the `up` that started it."""
    for name in search_client.settings_variables().keys() - set(names):
        del os.environ[name]
    time.tzset()


def main(arguments: list[str] | None = None) -> int:
    """Run a search server; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m magicfs.cli.search_server", description="Answers searches.")
    parser.add_argument("--socket", type=Path, help="where the command asks; by default that of the settings")
    parser.add_argument(
        "--idle-exit",
        type=float,
        default=search_client.IDLE_SECONDS,
        help="with --socket, end after this many seconds without a request",
    )
    parser.add_argument("--lock", type=int, help="the descriptor of the lock of the socket, which this process has")
    parser.add_argument("--variables", nargs="*", help="the variables that decide the settings; others are unset")
    options = parser.parse_args(arguments)
    if options.lock is not None:
        os.set_inheritable(options.lock, False)
    if options.variables is not None:
        _keep_variables(options.variables)
    share_one_heap()
    # The server leaves its working directory.
    os.environ["MAGICFS_HOME"] = home()
    # Before the environment is changed.
    file_versions = search_client.file_versions()
    key = search_client.settings_key(file_versions)
    try:
        settings = environment.settings_for_service("search")
    except MagicFSError as error:
        sys.stderr.write(f"magicfs: {error}\n")
        return 1
    path = Path(search_client.socket_path(key))
    is_part = options.socket is None
    if not is_part and options.socket != path:
        # It would refuse all that it is asked, and keep the lock of a server that does not.
        log.warning("the settings or the program have changed since the command started %s", options.socket.name)
        return 0

    def make_service() -> SearchAnswers:
        service = SearchAnswers(settings, key=key, file_versions=file_versions, complaints=config.unknown_variables())
        if is_part:
            collect_garbage_rarely()
        else:
            service.prepare()
        return service

    idle_exit = None if is_part else options.idle_exit
    has_lock = options.lock is not None
    return serve(path, make_service, idle_exit=idle_exit, free_after=settings.idle_seconds, has_lock=has_lock)


if __name__ == "__main__":
    sys.exit(main())
