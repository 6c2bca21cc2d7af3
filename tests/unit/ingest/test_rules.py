"""Rules that nobody wrote in good faith, and rules that everybody writes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.ingest.rules import Rules


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_only_a_regular_file_has_rules(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / ".gitignore")
    before = len(os.listdir("/proc/self/fd"))
    assert Rules().enter(os.fsencode(tmp_path), below=b"") == Rules()
    assert len(os.listdir("/proc/self/fd")) == before
