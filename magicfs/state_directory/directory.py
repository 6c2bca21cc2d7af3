"""Makes the state directory, for its owner alone, and takes the locks in it. `Settings` says where it is."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from magicfs.errors import ConfigError
from magicfs.linux import locks
from magicfs.state_directory.home import POSTGRES_SOCKET

MAX_SOCKET_PATH_BYTES = 100
"""The longest path of a socket or its lock file in the state directory. The kernel takes socket paths of 107 bytes."""

HOME_ENTRIES = frozenset(
    {"config.toml", "roots.json", "identity", "run", "log", "models", "postgres", "postgres.draft", "unsaved"}
    | {"magicfs-error.log", "lost+found"}
)
"""The names that a state directory may hold."""

_WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
"""What a file system answers that has no locks."""

HOME_MODE = 0o700
"""The mode of the state directory: for its owner alone, because the index holds the text of the files."""


def require_usable_path(home: Path, *, sockets: Path) -> None:
    """Raise `ConfigError` if the servers cannot work in a state directory of that path. `sockets` will hold sockets."""
    if len(os.fsencode(sockets)) > MAX_SOCKET_PATH_BYTES - len(f"/{POSTGRES_SOCKET}.lock"):
        raise ConfigError(f"MAGICFS_HOME is too long for the sockets inside it ({home}): choose a shorter path")
    try:
        str(home).encode()
    except UnicodeEncodeError:
        raise ConfigError(f"the servers take no path but UTF-8 ({home}): set MAGICFS_HOME to another one") from None
    if {"\n", "\r"} & set(str(home)):
        raise ConfigError(f"Postgres takes no path with a line break ({home}): set MAGICFS_HOME to another one")


def require_own_state_directory(home: Path) -> None:
    """Raise `ConfigError` for a state directory of another user, as root has one before it with `sudo -E`.

    An embedded database does not start for anybody but its owner, and what root wrote there its owner could not read.
    """
    try:
        owner = home.stat().st_uid
    except OSError:
        return
    if owner == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"the user {owner}"
    raise ConfigError(f"{home} belongs to {name}: run this as {name}, or set MAGICFS_HOME to a directory of yours")


def make_state_directory(home: Path, *, folders: Iterable[Path], sockets: Path) -> None:
    """Create the state directory and folders in it, of which `sockets` will hold sockets. Raises `ConfigError`."""
    require_usable_path(home, sockets=sockets)
    _require_own_directory(home)
    try:
        for directory in (home, *folders):
            directory.mkdir(mode=HOME_MODE, parents=True, exist_ok=True)
        # Not without need: in a container the state directory is part of a read-only image.
        if stat.S_IMODE(home.stat().st_mode) != HOME_MODE:
            home.chmod(HOME_MODE)
    except OSError as error:
        raise ConfigError(
            f"cannot use {home} as state directory ({error.strerror}): set MAGICFS_HOME to another place"
        ) from error


def _require_own_directory(home: Path) -> None:
    """Raise `ConfigError` for a directory that holds other files: others would lose access to them."""
    try:
        shared = stat.S_IMODE(home.stat().st_mode) != HOME_MODE
        others = sorted(set(os.listdir(home)) - HOME_ENTRIES) if shared else []
    except OSError:
        return
    if others:
        raise ConfigError(f"{home} holds other files too ({others[0]}): set MAGICFS_HOME to a directory for it alone")


def try_lock(path: Path) -> int | None:
    """The descriptor that holds the lock `path` in the state directory; None if another process holds it.

    Raises `ConfigError` where none can be taken: some network file systems have no locks.
    """
    try:
        return locks.try_lock(path)
    except OSError as error:
        remedy = "make it writable, or set MAGICFS_HOME to another directory"
        if error.errno in _WITHOUT_LOCKS:
            remedy = "set MAGICFS_HOME to a directory on another file system, which has locks"
        raise ConfigError(f"{path} cannot be locked ({error.strerror}): {remedy}") from error
