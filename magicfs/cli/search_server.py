"""The search server: a process with everything in memory that a search needs, which answers `magicfs search`.

    python -P -m magicfs.cli.search_server [--time-zone TZ] [--socket PATH [--idle-exit SECONDS]]

It is a part of `magicfs up`, which forks it with its libraries in memory: it connects to nothing before it is asked.
For commands with other settings than those of `up`, and where `up` does not run, `search_client` starts one after a
search that no server has answered, with a socket and the settings of that search; that one ends when nobody has asked
for a while. `ipc/local_server.py` has the socket, which its user alone may use. It prints nothing: the terminal is that
of the command.

Protocol: `{"do": "search", "caller": ..., "query": ..., ...}`, with the other options of a search, gets two answers.
The first says whether this server `serves` the caller, as one with the same settings, and how long the search may take.
The second has what is to be printed as its body, or `error` and `message`, and the `complaints` about the variables.

Threads: those of `ipc/local_server.py`, and one that prepares the first search of a server that a command has started.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicfs import config
from magicfs.cli import environment, search_client
from magicfs.cli.search_client import Caller
from magicfs.cli.searching import SearchOptions, find, seconds_to_search, text_of
from magicfs.config import Settings
from magicfs.errors import ConfigError, MagicFSError, MalformedRequest, ServerError
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

    def __init__(self, settings: Settings, caller: Caller, *, file_versions: list[list[int] | None]) -> None:
        """Search with `settings`, for those that ask with the same ones and are otherwise like `caller`.

        `file_versions` are those in the caller.
        """
        self._settings = settings
        self._caller = caller
        self._decisive = decisive_settings(settings, caller.variables)
        self._file_versions = file_versions
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
        caller = _caller(request.head)
        match request.head.get("do"):
            case "search" if caller is not None:
                serves = self._serves(caller)
                yield Message({"pid": os.getpid(), "serves": serves, "seconds": seconds_to_search(self._settings)})
                if serves:
                    answer = self._answer(request.head)
                    self._served += "error" not in answer.head
                    complaints = config.unknown_variables(caller.variables)
                    yield Message(answer.head | {"complaints": complaints}, answer.body)
            case "ping" if caller is not None:
                yield Message({"pid": os.getpid(), "serves": self._serves(caller)})
            case "ping" | "quit":
                yield Message({"pid": os.getpid(), "served": self._served})
            case _:
                yield failure(MalformedRequest("malformed request (unknown command, or a search without a caller)"))

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

    def _serves(self, caller: Caller) -> bool:
        """Whether the caller would find the same. One whose settings are wrong reports that itself."""
        if (caller.place, caller.program) != (self._caller.place, self._caller.program):
            return False
        try:
            return decisive_settings(config.load(caller.variables), caller.variables) == self._decisive
        except ConfigError:
            return False

    def _answer(self, head: dict[str, Any]) -> Message:
        """The answer with the text to print, or with the error."""
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


def decisive_settings(settings: Settings, variables: Mapping[str, str]) -> tuple[object, ...]:
    """All that an answer depends on in the settings and in the variables that they were read from.

    The variables of libpq, and the home directory, where it looks for passwords and certificates, count for a Postgres
    at an address alone: `environment` keeps them from that in the state directory.
    """
    read = (settings.database_dsn, settings.hub, settings.host, settings.search_seconds, settings.search_limit)
    if settings.local_database:
        return read
    return *read, *sorted(item for item in variables.items() if item[0].startswith("PG") or item[0] == "HOME")


def _caller(head: dict[str, Any]) -> Caller | None:
    """The caller in a request; None without one."""
    match head.get("caller"):
        case [list(place), list(program), dict(variables)] if all(type(value) is str for value in variables.values()):
            return Caller(place, program, variables)
    return None


def _options(head: dict[str, Any]) -> SearchOptions:
    """The options in a request. Raises `MalformedRequest`."""
    options = {name: head.get(name, SearchOptions._field_defaults.get(name)) for name in SearchOptions._fields}
    if any(type(value) not in _TYPES[name] for name, value in options.items()):
        raise MalformedRequest("malformed request (a search has a query and options)")
    return SearchOptions._make(options.values())


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
    parser.add_argument("--time-zone", help="without --socket, the value of TZ; supervisord may have another one")
    options = parser.parse_args(arguments)
    if options.lock is not None:
        os.set_inheritable(options.lock, False)
    is_part = options.socket is None
    if is_part:
        os.environ.pop("TZ", None)
        os.environ |= {} if options.time_zone is None else {"TZ": options.time_zone}
        time.tzset()
    share_one_heap()
    # The server leaves its working directory.
    os.environ["MAGICFS_HOME"] = home()
    # Before the environment is changed.
    file_versions = search_client.file_versions()
    caller = search_client.this_caller(file_versions)
    try:
        settings = environment.settings_for_service("search")
    except MagicFSError as error:
        sys.stderr.write(f"magicfs: {error}\n")
        return 1
    path = Path(search_client.shared_socket() if is_part else search_client.socket_path(caller))
    if not is_part and options.socket != path:
        # It would refuse all that it is asked, and keep the lock of a server that does not.
        log.warning("the settings or the program have changed since the command started %s", options.socket.name)
        return 0

    def make_service() -> SearchAnswers:
        service = SearchAnswers(settings, caller, file_versions=file_versions)
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
