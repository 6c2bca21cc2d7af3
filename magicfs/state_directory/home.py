"""Where the state directory is, and names in it. A module of its own: what starts quickly needs no other setting."""

from __future__ import annotations

import os

FILE_NAME = "config.toml"
"""The settings in the state directory."""


POSTGRES_SOCKET = ".s.PGSQL.5432"
"""The name that the embedded Postgres gives its socket in `run/`."""


def home() -> str:
    """The absolute path of the state directory: `MAGICFS_HOME`, else `magicfs` where the user's programs keep data.

    A relative one has its links and `..` resolved: what runs must not depend on the current directory of a command.
    """
    chosen = os.environ.get("MAGICFS_HOME")
    if not chosen:
        chosen = os.path.join(os.environ.get("XDG_DATA_HOME", "").strip() or "~/.local/share", "magicfs")
    path = os.path.expanduser(chosen)
    return path if os.path.isabs(path) else os.path.realpath(path)
