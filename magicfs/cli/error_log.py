"""The log of errors that nobody raised on purpose: a person gets one line, and the traceback is kept.

Used by `execution`. Main thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import traceback
from pathlib import Path

from magicfs.linux.files import rotate_log


def report(error: BaseException) -> str:
    """A message about an error that nobody raised on purpose. Its traceback goes to a log."""
    message = f"unexpected {type(error).__name__}: {error}"
    try:
        descriptor, path = _open_log()
        with open(descriptor, "a", encoding="utf-8", errors="replace") as log:
            log.writelines(["\n", *traceback.format_exception(error)])
    except OSError:
        return message
    return f"{message}: the details are in {path}"


def _open_log() -> tuple[int, str]:
    """A descriptor for appending to the error log, and its path. Raises `OSError` when no log can be written."""
    temporary = tempfile.gettempdir()
    for folder in (_log_dir(), Path(temporary)):
        path = folder / "magicfs-error.log"
        rotate_log(path)
        with contextlib.suppress(OSError):
            return _open_private(path), str(path)
    return tempfile.mkstemp(prefix="magicfs-error-", suffix=".log", dir=temporary)


def _open_private(path: Path) -> int:
    """Create or open a file for appending. Raises `OSError` unless it is this user's alone.

    Everybody can prepare a file, a link or a pipe of this name in the temporary directory.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.suppress(FileExistsError):
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    descriptor = os.open(path, flags)
    status = os.fstat(descriptor)
    is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink == 1
    if not is_ours or stat.S_IMODE(status.st_mode) & 0o077:
        os.close(descriptor)
        raise PermissionError(errno.EPERM, "not this user's alone", str(path))
    return descriptor


def _log_dir() -> Path:
    """The folder of the logs; the temporary directory when the settings cannot be read."""
    try:
        from magicfs.config import load

        return load().log_dir
    except Exception:  # noqa: BLE001  broken settings
        return Path(tempfile.gettempdir())
