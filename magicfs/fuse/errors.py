"""The one table from errors to what a program sees, and the log line for those that nobody expected."""

from __future__ import annotations

import errno
import logging

from magicfs.errors import DatabaseError, DeadlineExceeded, EmbedderUnavailable, MagicFSError, ModelError, UsageError

log = logging.getLogger(__name__)

_TABLE: tuple[tuple[type[MagicFSError], int], ...] = (
    (UsageError, errno.EINVAL),
    (DeadlineExceeded, errno.ETIMEDOUT),
    (DatabaseError, errno.EIO),
    (EmbedderUnavailable, errno.EIO),
    (ModelError, errno.EIO),
    (MagicFSError, errno.EIO),
)
"""The first class that fits counts."""


def errno_of(error: Exception, *, during: str) -> int:
    """The error number to answer with; `during` names the operation for the log."""
    if isinstance(error, OSError):
        if error.errno is not None:
            return error.errno
    elif isinstance(error, MagicFSError):
        log.warning("%s: %s", during, error)
        return next(number for kind, number in _TABLE if isinstance(error, kind))
    log.error("%s failed unexpectedly", during, exc_info=error)
    return errno.EIO
