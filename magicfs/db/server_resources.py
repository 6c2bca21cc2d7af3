"""The memory and the cores that the machine of the Postgres server has, as a whole or for one build of an index.

Used by `vector_index`, and by the embedded server for its own machine. Postgres reads the files of its own kernel for
`vector_index`, because that process may run on another machine. A role may do that as a superuser, as in the embedded
server and in the Compose file, or as a member of `pg_read_server_files`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

import psycopg

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries

log = logging.getLogger(__name__)

_SQL = load_queries("server_resources")

CGROUPS = PurePosixPath("/sys/fs/cgroup")

_MAX_FILE_BYTES = 8192


@dataclass(frozen=True, slots=True)
class ServerResources:
    """What is left on the machine of the server."""

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
    if not fetch_one(connection.execute(_SQL["may_read_files"]))[0]:
        return None
    memory = re.search(r"^MemAvailable:\s+(\d+) kB$", _read(connection, "/proc/meminfo"), re.MULTILINE)
    cores = core_count(_read(connection, "/sys/devices/system/cpu/online"))
    if memory is None or cores == 0:
        return None
    limits = _memory_limits(lambda path: _read(connection, path))
    return ServerResources(memory_bytes=min([int(memory[1]) << 10, *limits]), cores=cores)


def whole_memory(read: Callable[[str], str]) -> int | None:
    """The memory of a machine in bytes, or the limit of a process's control group if that is less; None if not known.

    `read` returns the text of a file of that machine, as that process sees it; it is empty for a missing one.
    """
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", read("/proc/meminfo"), re.MULTILINE)
    return None if memory is None else min([int(memory[1]) << 10, *_memory_limits(read)])


def _memory_limits(read: Callable[[str], str]) -> list[int]:
    """The limits of memory, in bytes, that the control groups of a process have."""
    limits = [read(path).strip() for path in memory_limit_paths(read("/proc/self/cgroup"))]
    return [int(limit) for limit in limits if limit.isdigit()]


def core_count(online: str) -> int:
    """The number of cores in the kernel's list of them, such as `0-3,6`; 0 for a text that is none."""
    ranges = re.findall(r"(\d+)(?:-(\d+))?", online)
    return sum(int(last or first) - int(first) + 1 for first, last in ranges)


def memory_limit_paths(cgroup: str) -> list[str]:
    """The files with the memory limits that hold for a process, by its `/proc/self/cgroup`: of each group it is in."""
    line = re.search(r"^0::/(.*)$", cgroup, re.MULTILINE)
    if line is None:
        return []
    group = CGROUPS / line[1]
    return [str(folder / "memory.max") for folder in (group, *group.parents) if folder.is_relative_to(CGROUPS)]


def _read(connection: Connection, path: str) -> str:
    """A file of the server's machine; empty when it is missing."""
    row = fetch_one(connection.execute(_SQL["read_file"], {"path": path, "bytes": _MAX_FILE_BYTES}))
    return row[0] or ""
