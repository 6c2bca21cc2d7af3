"""The caches of the kernel, which all tests of a machine share: who drops them waits for those who count on them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_LOCK = Path(tempfile.gettempdir()) / "magicfs-tests-kernel-caches"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop the kernel's caches")


def drop_caches() -> None:
    """Have the kernel forget all names that no program uses."""
    with _locked(fcntl.LOCK_EX):
        Path("/proc/sys/vm/drop_caches").write_text("2")


@contextmanager
def kept_caches() -> Iterator[None]:
    """Let no test drop the caches meanwhile. Not to be held by who drops them."""
    with _locked(fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(operation: int) -> Iterator[None]:
    # Read-only, because it may be the file of another user.
    with contextlib.suppress(FileExistsError):
        _LOCK.touch(0o644, exist_ok=False)
    with _LOCK.open("rb") as file:
        fcntl.flock(file, operation)
        yield
