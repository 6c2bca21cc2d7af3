"""Asks the search server for what `magicfs search` prints, and starts one where none listens.

The start of a program that searches takes longer than the search, so a process that has all of it in memory answers.
`magicfs up` runs one, which is asked first. It says whether the settings of the command are its own: only a server can
read them, because that takes libraries. For other settings, there is a server of the very `Caller`, which decides the
name of its socket. A server is asked by its own user alone. What none answers, the command searches itself, and writes
into the log of the servers why it had to. Used by `searching`, by `search_server` for the names, and by
`magicfs doctor`. It imports what a socket takes and no more. Main thread.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import magicfs
from magicfs.errors import DatabaseUnavailable, DeadlineExceeded, MagicFSError, NotComparable, UsageError
from magicfs.ipc.framing import FramingError, Message, error_in, receive, send
from magicfs.state_directory.home import FILE_NAME, home

LOG_NAME = "search-server.log"
SOCKET_NAME = "search.sock"
"""The socket of the server of `magicfs up`."""
IDLE_SECONDS = 300.0
"""A server that a search has started exits this long after its last search: it holds some 40 MB."""
SEARCH_SECONDS = 10.0
"""The least time that a search of a person may take."""
TAKEN_SECONDS = 1.0
"""How long a server may take to say that it has got a search, unless it hangs."""
GRACE_SECONDS = 1.0
SLOW_FAILURE_SECONDS = 2.0
"""If the server has waited for the database this long in vain, the command does not try: it would wait as long."""
MAX_ANSWER_BYTES = 256 * 1024 * 1024

_PEER = struct.Struct("3i")
_PACKAGES = (
    *("cli", "config", "domain", "embedding", "ipc", "linux", "models", "search", "state_directory"),
    *("db", "db/cluster", "db/corpus", "db/search", "db/sql/queries", "db/vectors", "text", "text/analysis"),
)
"""The folders of the program that take part in a search, besides that of `magicfs` itself."""
_SUFFIXES = (".py", ".sql")
_REPORTED = (UsageError, NotComparable, DeadlineExceeded)
"""Errors of the server that the command reports. After any other it searches itself, and reports its own."""


class ServedAnswer(NamedTuple):
    """What a server has answered."""

    text: str
    """The text to print: a document, or an `Answer` as JSON."""
    complaints: list[str]
    """About the settings."""
    error: MagicFSError | None = None
    """The error to report instead."""


class Unserved(NamedTuple):
    """That the command has to search itself."""

    reason: str | None = None
    """Why a server that listens was of no use. None where none listens that has the settings of the command."""


class Caller(NamedTuple):
    """What an answer depends on besides the options of the search, in the process that asks."""

    place: list[object]
    """The state directory, the user, the machine, and its time zone."""
    program: list[object]
    """The program, and the versions of its files and of those of the settings."""
    variables: dict[str, str]
    """The variables of MagicFS and of libpq. Many change nothing: a server reads the settings from them."""


def this_caller(versions: list[list[int] | None] | None = None) -> Caller:
    """This process. `versions` are what `file_versions` has returned; without them it is called."""
    return Caller(
        [os.path.realpath(home()), os.geteuid(), os.uname().nodename, os.environ.get("TZ")],
        [magicfs.__version__, sys.executable, versions or file_versions()],
        {
            name: value
            for name, value in os.environ.items()
            if (name.upper().startswith("MAGICFS_") or name.startswith("PG") or name == "HOME")
            and name != "MAGICFS_HOME"
        },
    )


def file_versions() -> list[list[int] | None]:
    """What changes when the settings in files, the time zone or the program do."""
    package = os.path.dirname(magicfs.__file__)
    folders = [package, *(os.path.join(package, name) for name in _PACKAGES)]
    files = (os.path.join(home(), FILE_NAME), "/etc/localtime")
    return [*map(_version, files), *map(_version_of_modules, folders)]


def _version(path: str) -> list[int] | None:
    """What changes when a file does."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_ino, status.st_mtime_ns, status.st_size]


def _version_of_modules(folder: str) -> list[int] | None:
    """What changes when a module or a query in a folder does. What is compiled from modules comes and goes."""
    try:
        with os.scandir(folder) as entries:
            modules = sorted((entry.name, _version(entry.path)) for entry in entries if entry.name.endswith(_SUFFIXES))
    except OSError:
        return None
    return [zlib.crc32(repr(modules).encode("utf-8", "surrogateescape"))]


def shared_socket() -> str:
    """The socket of the server of `magicfs up`."""
    return os.path.join(home(), "run", SOCKET_NAME)


def socket_path(caller: Caller) -> str:
    """The socket of the server that is for this caller alone."""
    return os.path.join(home(), "run", f"search-{zlib.crc32(json.dumps(caller, sort_keys=True).encode()):08x}.sock")


def ask(options: Mapping[str, object], *, caller: Caller) -> ServedAnswer | Unserved:
    """What a server with the settings of the caller answers to a search.

    `options` are those of `searching.SearchOptions`, by name.
    """
    request = Message({"do": "search", "caller": caller, **options})
    shared = _ask(shared_socket(), request)
    if isinstance(shared, ServedAnswer):
        return shared
    own = _ask(socket_path(caller), request)
    return own if isinstance(own, ServedAnswer) else Unserved(own.reason or shared.reason)


def _ask(path: str, request: Message) -> ServedAnswer | Unserved:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TAKEN_SECONDS)
            connection.connect(path)
            if not _is_ours(connection):
                return Unserved()
            asked_at = time.monotonic()
            taken_by = asked_at + TAKEN_SECONDS
            send(connection, request, deadline=taken_by)
            taken = receive(connection, max_body_bytes=0, deadline=taken_by)
            refusal = error_in(taken)
            if refusal is not None:
                return Unserved(f"it was not taken ({refusal})")
            if not taken.head["serves"]:
                return Unserved()
            deadline = time.monotonic() + float(taken.head["seconds"]) + GRACE_SECONDS
            answer = receive(connection, max_body_bytes=MAX_ANSWER_BYTES, deadline=deadline)
            return served_answer(answer, seconds=time.monotonic() - asked_at)
    except (FileNotFoundError, ConnectionRefusedError):
        return Unserved()
    except (OSError, FramingError, ValueError, KeyError, TypeError) as error:
        return Unserved(f"{type(error).__name__}: {error}")


def is_served(caller: Caller, *, seconds: float) -> bool | None:
    """Whether the server of `magicfs up` answers searches of the caller; None if it says nothing for `seconds`.

    One of another user is not asked, and answers none.
    """
    deadline = time.monotonic() + seconds
    with suppress(OSError, FramingError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(shared_socket())
        if not _is_ours(connection):
            return False
        send(connection, Message({"do": "ping", "caller": caller}), deadline=deadline)
        return bool(receive(connection, max_body_bytes=0, deadline=deadline).head.get("serves"))
    return None


def _is_ours(connection: socket.socket) -> bool:
    """Whether the process at the other end is one of this user."""
    _, user, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return bool(user == os.geteuid())


def served_answer(answer: Message, *, seconds: float) -> ServedAnswer | Unserved:
    """What a server has answered after `seconds`. A search that has failed slowly is not tried again."""
    complaints = list(map(str, answer.head["complaints"]))
    error = error_in(answer)
    if error is None:
        return ServedAnswer(answer.body.decode("utf-8", "surrogatepass"), complaints)
    is_slow = isinstance(error, DatabaseUnavailable) and seconds >= SLOW_FAILURE_SECONDS
    if is_slow or isinstance(error, _REPORTED):
        return ServedAnswer("", complaints, error)
    return Unserved(f"it failed ({error})")


def start_server(caller: Caller, variables: Mapping[str, str]) -> None:
    """Start a server for the searches of this caller that follow, with all the variables that it had.

    Does not wait for it. One that runs already stays the only one. Where the state directory is not this user's, or its
    folders are missing, there is none. The server inherits the lock of its socket, so that `magicfs down` knows of it
    from now on.
    """
    from magicfs.linux.files import rotate_log
    from magicfs.linux.locks import try_lock

    path = socket_path(caller)
    with suppress(OSError):
        if os.stat(os.path.dirname(path)).st_uid != os.geteuid():
            return
        lock = try_lock(f"{path}.lock")
        if lock is None:
            return
        os.set_inheritable(lock, True)
        rotate_log(_log_path())
        nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
        os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", "-m", "magicfs.cli.search_server", "--socket", path, "--lock", str(lock)],
            variables,
            file_actions=[
                *nothing,
                (os.POSIX_SPAWN_OPEN, 2, _log_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            ],
            setsid=True,
        )


def log_unserved(reason: str) -> None:
    """Write into the log of the servers why one that listens was of no use to this search."""
    from magicfs.linux.files import rotate_log

    line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} WARNING command[{os.getpid()}] a search was not served: {reason}\n"
    rotate_log(_log_path())
    with suppress(OSError), open(_log_path(), "a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(line)


def _log_path() -> str:
    return os.path.join(home(), "log", LOG_NAME)
