from __future__ import annotations

import errno
import inspect
import logging

import pyfuse3
import pytest
import trio

from magicfs.errors import DatabaseUnavailable, DeadlineExceeded, MagicFSError, ModelMismatch, UsageError
from magicfs.fuse.errors import errno_of, replies_with_errno
from magicfs.fuse.operations import TreeOperations


@pytest.mark.parametrize(
    ("error", "number", "logged"),
    [
        (FileNotFoundError(errno.ENOENT, "gone"), errno.ENOENT, False),
        (OSError(errno.EHOSTUNREACH, "elsewhere"), errno.EHOSTUNREACH, False),
        (OSError(errno.ENOSYS, "of an old server"), errno.EOPNOTSUPP, False),
        (InterruptedError(errno.EINTR, "again"), errno.EIO, False),
        (OSError(errno.ERESTART, "of the kernel"), errno.EIO, False),
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


class Handlers:
    """Operations of a mount, with what they do in order."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done: list[str] = []
        self.error = error

    def settle_lookups(self) -> None:
        self.done.append("count look-ups")
        if self.error is not None:
            raise self.error

    @replies_with_errno
    async def getxattr(self, number: int) -> None:
        self.done.append("reply")
        raise pyfuse3.FUSEError(number)


def test_what_was_looked_up_without_python_is_counted_before_a_reply(caplog: pytest.LogCaptureFixture) -> None:
    handlers = Handlers()
    with pytest.raises(pyfuse3.FUSEError) as reply:
        trio.run(handlers.getxattr, errno.ENODATA)
    assert (reply.value.errno, handlers.done) == (errno.ENODATA, ["count look-ups", "reply"])
    assert caplog.text == "", "an error number that a handler has chosen is no failure"


def test_an_error_before_the_handler_is_a_reply_too() -> None:
    with pytest.raises(pyfuse3.FUSEError) as reply:
        trio.run(Handlers(UsageError("nonsense")).getxattr, errno.ENODATA)
    assert reply.value.errno == errno.EINVAL
