"""Crashes of Postgres, after each of which it recovers for a moment."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import psycopg

from magicfs.runtime import postgres


def crash(home: Path) -> None:
    """Kill a session of the server, which then recovers for a moment."""
    with psycopg.connect(postgres.admin_dsn(home / "run"), autocommit=True) as session:
        session.execute("DROP TABLE IF EXISTS junk")
        session.execute("CREATE TABLE junk AS SELECT n, md5(n::text) FROM generate_series(1, 300000) AS n")
        os.kill(session.info.backend_pid, signal.SIGKILL)


def recovers(home: Path) -> bool:
    """Whether the server recovers. One that does not, because it has done so unseen, crashes again."""
    if not postgres.is_recovering(home) and postgres.answers(home / "run"):
        # It may still end because of the crash before.
        with contextlib.suppress(psycopg.OperationalError):
            crash(home)
    return postgres.is_recovering(home)
