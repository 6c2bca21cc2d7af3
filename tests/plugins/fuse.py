"""Whether there is FUSE here, the mark of the tests that need it, and a file system that hangs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def fuse_is_missing() -> bool:
    if os.geteuid() == 0:
        return not os.access("/dev/fuse", os.R_OK | os.W_OK)
    return shutil.which("fusermount3") is None or not os.access("/dev/fuse", os.R_OK | os.W_OK)


needs_fuse = pytest.mark.skipif(
    fuse_is_missing() and "CI" not in os.environ, reason="install fuse3 and give access to /dev/fuse"
)
"""Skips a test where FUSE is missing. In CI the test fails instead."""


@contextmanager
def hanging_disk(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A file system at a new directory, which hangs while its process is stopped."""
    path.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuse.hanging_fs", str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        # What waits for it ends with an error.
        process.kill()
        process.communicate(timeout=60)
        subprocess.run(["fusermount3", "-uzq", str(path)], check=False, timeout=60)
