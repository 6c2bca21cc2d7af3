"""How much memory the embedded Postgres takes for its cache, and how much of the disk for its log."""

from __future__ import annotations

import pytest

from magicfs.db.pool import Database
from magicfs.linux.memory import whole_memory
from magicfs.runtime.postgres import cache_mb, log_mb

GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "stored", "cache"),
    [
        (None, 9 * GIB, 256),
        (1 * GIB, 9 * GIB, 256),
        (2 * GIB, 9 * GIB, 256),
        (8 * GIB, 9 * GIB, 1024),
        (64 * GIB, 9 * GIB, 4096),
        (64 * GIB, GIB // 2, 512),
        (64 * GIB, 0, 256),
    ],
)
def test_the_cache_follows_the_memory_and_what_is_stored(memory: int | None, stored: int, cache: int) -> None:
    assert cache_mb(memory, stored) == cache


@pytest.mark.parametrize(("free", "log"), [(0, 128), (4 * GIB, 512), (900 * GIB, 2048)])
def test_the_log_leaves_room_on_a_small_disk(free: int, log: int) -> None:
    assert log_mb(free) == log


def test_the_memory_is_that_of_the_narrowest_control_group() -> None:
    files = {"/proc/meminfo": "MemTotal:       16777216 kB\nMemFree: 5 kB\n", "/proc/self/cgroup": "0::/a/b\n"}

    def memory(**limits: str) -> int | None:
        groups = {"own": "/sys/fs/cgroup/a/b/memory.max", "outer": "/sys/fs/cgroup/a/memory.max"}
        return whole_memory(
            lambda path: (files | {groups[name]: limit for name, limit in limits.items()}).get(path, "")
        )

    assert memory() == 16 * GIB
    assert memory(own="max\n") == 16 * GIB
    assert memory(own="max\n", outer=f"{2 * GIB}\n") == 2 * GIB
    assert whole_memory(lambda path: "") is None


def test_the_server_has_the_cache_of_its_machine(database: Database) -> None:
    with database.transaction() as connection:
        row = connection.execute("SELECT pg_size_bytes(current_setting('shared_buffers')) >> 20").fetchone()
    assert row is not None
    assert 256 <= row[0] <= 4096
