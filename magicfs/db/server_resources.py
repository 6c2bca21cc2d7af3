"""The memory and the cores that the machine of the Postgres server has left for one build of an index.

Used by `vector_index`, which may run on another machine: so Postgres reads the files of its own kernel. A role may read
them as a superuser, as in the Compose file, or as a member of `pg_read_server_files`. The embedded server has a
function for it (`index_owner`).
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import psycopg

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.linux.memory import memory_limits

log = logging.getLogger(__name__)

_SQL = load_queries("server_resources")

_MAX_FILE_BYTES = 8192


@dataclass(frozen=True, slots=True)
class ServerResources:
    """The memory and the cores that the machine of the server has left."""

    memory_bytes: int
    """The free memory, or the limit of the server's control group if that is less."""
    cores: int


def read_server_resources(connection: Connection) -> ServerResources | None:
    """The resources of the server's machine; None where Postgres may not tell, or runs on another system than Linux.

    On a connection with autocommit, because a server may refuse for reasons of its own what the role may do.
    """
    try:
        return _read_server_resources(connection)
    except psycopg.OperationalError:
        # The connection is lost.
        raise
    except psycopg.Error as error:
        log.debug("the resources of the server are unknown: %s", error)
        return None


def _read_server_resources(connection: Connection) -> ServerResources | None:
    function = fetch_one(connection.execute(_SQL["reading_function"]))[0]
    if function is None:
        return None

    def read(path: str) -> str:
        """A file of the server's machine; empty when it is missing."""
        row = fetch_one(connection.execute(_SQL[function], {"path": path, "bytes": _MAX_FILE_BYTES}))
        return row[0] or ""

    memory = re.search(r"^MemAvailable:\s+(\d+) kB$", read("/proc/meminfo"), re.MULTILINE)
    cores = core_count(read("/sys/devices/system/cpu/online"))
    if memory is None or cores == 0:
        return None
    limits = memory_limits(read)
    return ServerResources(memory_bytes=min([int(memory[1]) << 10, *limits]), cores=cores)


def core_count(online: str) -> int:
    """The number of cores in the kernel's list of them, such as `0-3,6`; 0 for any other text."""
    ranges = re.findall(r"(\d+)(?:-(\d+))?", online)
    return sum(int(last or first) - int(first) + 1 for first, last in ranges)
