"""Programs that refuse to run as root, under the uid of an ordinary account: see docs/adr/0003.

Used by the embedded Postgres. Keeps no state; any thread.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from magicfs.errors import ServerError
from magicfs.linux.process import CAP_KILL, capabilities

_CAPABILITIES = "-all,+dac_override,+fowner"
"""What of root is left to the program: files of any owner are its own, as they are root's."""

_NO_ACCOUNT = 65534
"""The uid of files whose owner is not known."""

_REFUSED = (
    "root may not run Postgres as another account here: start magicfs as an ordinary user, or set MAGICFS_DATABASE_URL"
)

_SECONDS = 10.0
"""For a program that does nothing, on a busy machine."""


def as_ordinary_user(command: list[str]) -> list[str]:
    """The command that runs `command` under a uid other than 0, where this process has that one.

    Of root's rights the program keeps those to files, so that directories above its own need not be open to it. It is
    run by util-linux's `setpriv`. Raises `ServerError` where that is missing, or root is the only account.
    """
    if os.geteuid() != 0:
        return command
    if shutil.which("setpriv") is None:
        raise ServerError("setpriv is missing: install util-linux")
    return [
        "setpriv",
        f"--reuid={_account().pw_uid}",
        # Root stays the group of what it makes, such as its socket.
        "--regid=0",
        "--clear-groups",
        # Else access(2) would not count the capabilities.
        "--securebits=+no_setuid_fixup",
        f"--inh-caps={_CAPABILITIES}",
        f"--ambient-caps={_CAPABILITIES}",
        *command,
    ]


def require_ordinary_user() -> None:
    """Raise `ServerError` where Postgres cannot be run as an ordinary user with an account, whose name it asks for.

    Root may not run a program under another uid everywhere, and in a container a uid may have no account.
    """
    if os.geteuid() == 0:
        _require_other_account()
        return
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise ServerError(
            f"the uid {os.geteuid()} has no account, and Postgres asks for its name: start magicfs as a user that "
            "this machine knows, or set MAGICFS_DATABASE_URL"
        ) from error


def _require_other_account() -> None:
    """Raise `ServerError` where root may not run a program under another uid, with rights to files, and end it."""
    if not capabilities() & CAP_KILL:
        raise ServerError(_REFUSED)
    try:
        subprocess.run(as_ordinary_user(["true"]), check=True, capture_output=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(_REFUSED) from error


def own_as_ordinary_user(folder: Path) -> None:
    """Make `folder` belong to the uid that `as_ordinary_user` gives: Postgres takes no data directory of another one.

    What is in it keeps its owners. Raises `ServerError` where root may not run a program under that uid, or not give it
    the folder.
    """
    if os.geteuid() != 0:
        return
    _require_other_account()
    account = _account()
    if folder.stat().st_uid == account.pw_uid:
        return
    try:
        os.chown(folder, account.pw_uid, -1)
    except OSError as error:
        raise ServerError(
            f"root may not give {folder} to {account.pw_name}, as Postgres demands ({error.strerror}): set "
            "MAGICFS_HOME to a disk of this machine, start magicfs as an ordinary user, or set MAGICFS_DATABASE_URL"
        ) from error


def _account() -> pwd.struct_passwd:
    """The first account of this machine that is not root's: a program looks its own up. Raises `ServerError`."""
    for account in pwd.getpwall():
        if account.pw_uid not in (0, _NO_ACCOUNT):
            return account
    raise ServerError("Postgres does not run as root, and there is no other account: make one with 'useradd magicfs'")
