"""The translation of psycopg's errors to ours, by the SQLSTATEs and messages of Postgres.

Used by the pool, and by what connects without one. Any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from magicfs.errors import (
    DatabaseConflict,
    DatabaseDamaged,
    DatabaseError,
    DatabaseStarting,
    DatabaseUnavailable,
    DeadlineExceeded,
)

_OF_THE_HUB = "the hub "
"""How a message of the link to the hub begins (`magicfs.gateway.hub_link`). It says what to do."""

_REFUSED_LOGINS = {
    re.compile("password authentication failed"): (
        "the database refuses a connection ({}): correct it in MAGICFS_DATABASE_URL"
    ),
    re.compile("too many c(?:onnections|lients)|remaining connection slots are reserved"): (
        "the database takes no more connections ({}): end what else is connected, or raise max_connections or the "
        "limit of the role"
    ),
}
"""What is said of a connection that Postgres refuses, with its words in the place of the braces."""

_UNTRUSTED = re.compile("certificate verify failed|root certificate file|server certificate for")
"""How libpq refuses a server whose certificate has expired, no known authority has signed, or has another name."""

_STARTING = re.compile("the database system is (?:starting up|in recovery mode|not yet accepting connections)")
"""How Postgres refuses a connection before it is ready. libpq does not pass the SQLSTATE on."""

_NOT_YET = "the database starts, and recovers first if it has crashed: nothing is lost, try again in a minute"

_CONFLICT_SQLSTATES = ("40", "23503", "23505", "55P03")
"""Prefixes of the SQLSTATEs that another transaction causes: a deadlock, a row inserted or deleted meanwhile."""

_UNAVAILABLE_SQLSTATES = ("08", "53", "57P")
"""Prefixes of the SQLSTATEs of a server that does not answer, is stopping or starting, or has run out of connections,
memory or disk."""

_SYSTEM_SQLSTATES = ("53", "58", "XX000", "42501")
"""Prefixes of the SQLSTATEs of what the system refuses to Postgres. A quota has the one of an internal error, as has a
temporary file for which there is no room, and a disk that is read-only has that of a privilege."""

_DISK_REFUSALS = {
    re.compile("resize shared memory segment"): (
        "the server of the database has too little shared memory ({}): give its container more, as 'shm_size' in "
        "docker-compose.yml does"
    ),
    re.compile("No space left on device|[Qq]uota exceeded"): (
        "the disk of the database is full ({}): make room, and the work goes on"
    ),
    re.compile("Read-only file system"): (
        "the disk of the database is read-only ({}): mount it to be written, and the work goes on"
    ),
    re.compile("Input/output error"): (
        "the disk of the database fails ({}): 'dmesg' says how; move the database to another disk"
    ),
}
"""What is said of a disk that does not take what Postgres writes, with its words in the place of the braces. It is not
the fault of a statement: the same one succeeds when the disk is well again. Shared memory is a disk of its own."""

_READ_ONLY_SQLSTATE = "25006"
"""How a replica refuses to write, and a primary that an administrator, or a full disk, has made read-only."""

_DAMAGE_SQLSTATES = ("XX001", "XX002")
"""The SQLSTATEs of data and of indexes that are damaged: pages with another checksum, files that are too short."""

_MISSING_FILE_SQLSTATE, _STORED = "58P01", re.compile(r'"(?:base|global|pg_\w+)/')
"""The SQLSTATE of a file that is missing, such as the library of an extension, and the names of those with data."""

_LOST = "The database subdirectory"
"""How the detail of a refusal begins when the folder of the database is missing."""

DAMAGE_REMEDY = (
    "run 'magicfs down', then copy a backup of it back, or move it away (of an embedded one, the folder 'postgres' in "
    "the state directory) and run 'magicfs up ROOT...', which reads all files anew"
)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise a `DatabaseError` for every psycopg error inside the block."""
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise DeadlineExceeded("a database query took too long: try again") from error
    except psycopg.Error as error:
        raise _translation(error) from error


def _translation(error: psycopg.Error) -> DatabaseError:
    if error.sqlstate is None and isinstance(error.__context__, psycopg.Error) and error.__context__.sqlstate:
        # What ended a connection in a pipeline: that the pipeline cannot be left either says nothing.
        error = error.__context__
    line = _first_line(error)
    # The SQLSTATE is more precise than psycopg's classes, where a deadlock is an OperationalError too.
    if error.sqlstate is None:
        unavailable = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    else:
        unavailable = error.sqlstate.startswith(_UNAVAILABLE_SQLSTATES)
        if error.sqlstate.startswith(_CONFLICT_SQLSTATES):
            return DatabaseConflict(f"another transaction conflicts with this one ({line}): try again")
    if _STARTING.search(line):
        return DatabaseStarting(_NOT_YET)
    if error.sqlstate in _DAMAGE_SQLSTATES or (error.sqlstate == _MISSING_FILE_SQLSTATE and _STORED.search(line)):
        return DatabaseDamaged(f"the database is damaged ({line}): {DAMAGE_REMEDY}")
    if error.sqlstate == _READ_ONLY_SQLSTATE:
        return read_only(line)
    of_disk = _of_the_disk(line) if (error.sqlstate or "").startswith(_SYSTEM_SQLSTATES) else None
    if of_disk is not None or unavailable:
        return DatabaseUnavailable(of_disk or f"the database is not available ({line}): try again")
    return DatabaseError(f"the database refused a statement: {line}")


def _of_the_disk(line: str) -> str | None:
    """What is said of the disk, if a line of Postgres is about what the disk refuses."""
    return next((message.format(line) for words, message in _DISK_REFUSALS.items() if words.search(line)), None)


def read_only(reason: str) -> DatabaseUnavailable:
    """The error of a database that is read-only for a `reason`."""
    return DatabaseUnavailable(
        f"the database is read-only ({reason}): name the primary in MAGICFS_DATABASE_URL, or wait until it is not"
    )


def refusal(error: psycopg.Error) -> DatabaseUnavailable:
    """The error for a connection that was refused with `error`."""
    line = _first_line(error)
    if _LOST in str(error):
        return DatabaseUnavailable(f"the database is damaged ({line.strip()}): {DAMAGE_REMEDY}")
    if _STARTING.search(line):
        return DatabaseStarting(_NOT_YET)
    told = line.rpartition("FATAL:")[2].strip()
    if told.startswith(_OF_THE_HUB):
        return DatabaseUnavailable(told)
    for words, message in (_DISK_REFUSALS | _REFUSED_LOGINS).items():
        if words.search(told):
            return DatabaseUnavailable(message.format(told))
    if _UNTRUSTED.search(str(error)):
        return DatabaseUnavailable(
            f"the certificate of the database is not trusted ({line}): renew it if it has expired; otherwise add "
            "sslrootcert=FILE, that of its authority, to the query of MAGICFS_DATABASE_URL, and name the server as the "
            "certificate does"
        )
    return DatabaseUnavailable(f"no database answers ({line}): run 'magicfs up', or check MAGICFS_DATABASE_URL")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
