"""The error numbers that programs get for errors: the only table of them, and the decorator of all handlers.

Used by the operations, on the event loop of the mount. Keeps no state.
"""

from __future__ import annotations

import errno
import functools
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from pyfuse3 import FUSEError

from magicfs.errors import DatabaseError, DeadlineExceeded, EmbedderUnavailable, MagicFSError, ModelError, UsageError

HandlerT = TypeVar("HandlerT", bound=Callable[..., Coroutine[Any, Any, Any]])

log = logging.getLogger(__name__)

_ERRNO_BY_CLASS: tuple[tuple[type[MagicFSError], int], ...] = (
    (UsageError, errno.EINVAL),
    (DeadlineExceeded, errno.ETIMEDOUT),
    (DatabaseError, errno.EIO),
    (EmbedderUnavailable, errno.EIO),
    (ModelError, errno.EIO),
    (MagicFSError, errno.EIO),
)
"""The first class that matches counts."""
_REPLACED = {errno.ENOSYS: errno.EOPNOTSUPP, errno.EINTR: errno.EIO, errno.ERESTART: errno.EIO}
"""What other file systems and hosts may say, and this one must not: after one `ENOSYS` the kernel sends no such request
any more, such as to open a file, whichever it is of; and after `EINTR` programs try again for ever."""


def errno_of(error: Exception, *, during: str) -> int:
    """The error number of a reply; `during` names the operation in the log.

    An `OSError` keeps its number, unless it is one of `_REPLACED`. All else is logged: a `MagicFSError` as one line,
    others with their traceback.
    """
    if isinstance(error, OSError):
        if error.errno is not None:
            return _REPLACED.get(error.errno, error.errno)
    elif isinstance(error, MagicFSError):
        log.warning("%s: %s", during, error)
        return next(number for kind, number in _ERRNO_BY_CLASS if isinstance(error, kind))
    log.error("%s failed unexpectedly", during, exc_info=error)
    return errno.EIO


def replies_with_errno(handler: HandlerT) -> HandlerT:
    """Make a handler reply with an error number to whatever is raised: an exception would end the mount.

    Before the handler begins, what was looked up without Python is counted.
    """

    @functools.wraps(handler)
    async def wrapped(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            self.settle_lookups()
            return await handler(self, *arguments, **named)
        except FUSEError:
            raise
        except Exception as error:
            raise FUSEError(errno_of(error, during=handler.__name__)) from error

    return cast("HandlerT", wrapped)
