"""Whether there is FUSE here, and the mark of the tests that need it."""

from __future__ import annotations

import os
import shutil

import pytest


def fuse_is_missing() -> bool:
    if os.geteuid() == 0:
        return not os.access("/dev/fuse", os.R_OK | os.W_OK)
    return shutil.which("fusermount3") is None or not os.access("/dev/fuse", os.R_OK | os.W_OK)


needs_fuse = pytest.mark.skipif(
    fuse_is_missing() and "CI" not in os.environ, reason="install fuse3 and give access to /dev/fuse"
)
"""Skips a test where FUSE is missing. In CI the test fails instead."""
