"""What `magicfs doctor` looks at: each check says what it found, and the mend if that is bad."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from magicfs.cli import wiring
from magicfs.cli.starting import last_words
from magicfs.config import OWNER_ONLY, Settings
from magicfs.errors import MagicFSError, ModelMissing

LEAST_FREE_BYTES = 1 << 30
"""A model, an index of some ten thousand files, and the database's own log."""

LEAST_WATCHES = 65_536
"""Directories that may be watched; each takes one watch."""

LARGEST_SKEW_SECONDS = 2.0
COMMAND_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    name: str
    ok: bool
    text: str
    """What was found; what to do, if that is bad."""


def findings(settings: Settings) -> Iterator[Finding]:
    """Make all checks, one after the other. None of them changes anything, or raises."""
    for name, check in _CHECKS.items():
        try:
            yield Finding(name, True, check(settings))
        except MagicFSError as error:
            yield Finding(name, False, str(error))
        except OSError as error:
            yield Finding(name, False, f"the check itself failed ({error}): see docs/cluster.md")


class Bad(MagicFSError):
    """What a check finds to be wrong."""


def _python(settings: Settings) -> str:
    del settings
    return f"Python {platform.python_version()} at {sys.executable}"


def _home(settings: Settings) -> str:
    home = settings.home
    if not home.exists():
        parent = next(path for path in home.parents if path.exists())
        if not os.access(parent, os.W_OK | os.X_OK):
            raise Bad(f"{home} cannot be made: set MAGICFS_HOME to a directory of yours")
        return f"{home}, made by the first 'magicfs up'"
    status = home.stat()
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK) or status.st_uid not in {os.geteuid(), 0}:
        raise Bad(f"{home} is not yours: set MAGICFS_HOME to another directory, or give it to yourself")
    if stat.S_IMODE(status.st_mode) != OWNER_ONLY:
        raise Bad(f"{home} can be entered by others: run 'chmod 700 {home}'")
    return str(home)


def _disk(settings: Settings) -> str:
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        raise Bad(f"{free >> 20} MB free at {place}: make room, or set MAGICFS_HOME to another disk")
    return f"{free / 1e9:.0f} GB free"


def _fuse(settings: Settings) -> str:
    from magicfs.fuse.mountpoint import require_fuse

    del settings
    require_fuse()
    if importlib.util.find_spec("pyfuse3") is None:
        raise Bad("the Python package pyfuse3 is missing: install magicfs anew")
    return "/dev/fuse can be used"


def _programs(settings: Settings) -> str:
    if shutil.which("setpriv") is None:
        raise Bad("setpriv is missing: install util-linux")
    if settings.embedded_database and os.geteuid() == 0:
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "true"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=COMMAND_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise Bad(
                "Postgres cannot be run as root here (no user namespaces): "
                "start magicfs as an ordinary user, or set MAGICFS_DATABASE_URL"
            ) from error
    return "setpriv" + (", user namespaces" if os.geteuid() == 0 else "")


def _database(settings: Settings) -> str:
    from magicfs.db.roots import database_time
    from magicfs.runtime import postgres
    from magicfs.runtime.processes import accepts

    if settings.embedded_database:
        postgres.binaries()
        if not accepts(settings.run_dir / ".s.PGSQL.5432"):
            return "embedded, not running: 'magicfs up' starts it"
    with wiring.database_for_command(settings) as database, database.transaction() as connection:
        skew = abs(database_time(connection).timestamp() - time.time())
    if skew > LARGEST_SKEW_SECONDS:
        raise Bad(f"its clock and this one differ by {skew:.0f} seconds: set both by NTP")
    return "embedded, answers" if settings.embedded_database else "answers"


def _broker(settings: Settings) -> str:
    from magicfs.runtime import redis

    if settings.embedded_broker:
        redis.binary()
        if not redis.answers(settings.home):
            return "embedded, not running: 'magicfs up' starts it"
        return "embedded, answers"
    wiring.require_broker(settings)
    return "answers"


def _model(settings: Settings) -> str:
    store = wiring.model_store(settings)
    try:
        stored = store.find_in_use(settings.model, settings.precision)
    except ModelMissing:
        return f"{settings.model} is not here yet: 'magicfs up' brings it"
    store.verify(stored, full=True)
    return stored.spec.label + (f" ({stored.notice})" if stored.notice else "")


def _parts(settings: Settings) -> str:
    supervisor = wiring.supervisor(settings)
    parts = supervisor.parts() if settings.run_dir.is_dir() else []
    if not parts:
        return "nothing is running"
    ill = [part for part in parts if part.state not in {"running", "starting"}]
    if ill:
        part = ill[0]
        raise Bad(f"{part.name} does not stay up: {last_words(settings.log_dir / f'{part.name}.log')}")
    return f"{len(parts)} running"


def _watches(settings: Settings) -> str:
    del settings
    path = Path("/proc/sys/fs/inotify/max_user_watches")
    most = int(path.read_text(encoding="ascii"))
    if most < LEAST_WATCHES:
        raise Bad(
            f"only {most} directories can be watched: run 'sysctl fs.inotify.max_user_watches=524288'; "
            "until then changes are found by scans"
        )
    return f"{most} directories can be watched"


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "python": _python,
    "home": _home,
    "disk": _disk,
    "fuse": _fuse,
    "programs": _programs,
    "database": _database,
    "broker": _broker,
    "model": _model,
    "parts": _parts,
    "watches": _watches,
}
