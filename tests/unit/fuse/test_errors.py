from __future__ import annotations

import errno
import inspect
import logging

import pyfuse3
import pytest

from magicfs.errors import DatabaseUnavailable, DeadlineExceeded, MagicFSError, ModelMismatch, UsageError
from magicfs.fuse.errors import errno_of
from magicfs.fuse.operations import TreeOperations


@pytest.mark.parametrize(
    ("error", "number", "logged"),
    [
        (FileNotFoundError(errno.ENOENT, "gone"), errno.ENOENT, False),
        (OSError(errno.EHOSTUNREACH, "elsewhere"), errno.EHOSTUNREACH, False),
        (OSError(errno.ENOSYS, "of an old server"), errno.EOPNOTSUPP, False),
        (InterruptedError(errno.EINTR, "again"), errno.EIO, False),
        (UsageError("nothing to search for"), errno.EINVAL, True),
        (DeadlineExceeded("too long"), errno.ETIMEDOUT, True),
        (DatabaseUnavailable("away"), errno.EIO, True),
        (ModelMismatch("another model"), errno.EIO, True),
        (MagicFSError("whatever"), errno.EIO, True),
        (OSError("without a number"), errno.EIO, True),
        (KeyError("a bug"), errno.EIO, True),
    ],
)
def test_each_error_has_a_number(error: Exception, number: int, logged: bool, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert errno_of(error, during="lookup") == number
    assert ("lookup" in caplog.text) == logged


def test_every_handler_replies_with_errno() -> None:
    for name, member in inspect.getmembers(pyfuse3.Operations, inspect.iscoroutinefunction):
        handler = getattr(TreeOperations, name)
        # The base class replies ENOSYS to all other requests.
        assert handler is member or hasattr(handler, "__wrapped__"), name
