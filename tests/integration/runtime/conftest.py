"""A state directory, and a supervisor of real processes in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.runtime.supervisor import Supervisor


@pytest.fixture
def home() -> Iterator[Path]:
    """A state directory whose name holds what configuration files trip over."""
    home = Path(tempfile.mkdtemp(prefix="mfs 50% #;'-"))
    for name in ("run", "log"):
        (home / name).mkdir(mode=0o700)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def supervisor(home: Path) -> Iterator[Supervisor]:
    found = Supervisor(home)
    yield found
    found.stop()
    assert not [path for path in (home / "run").iterdir() if path.is_socket()]
