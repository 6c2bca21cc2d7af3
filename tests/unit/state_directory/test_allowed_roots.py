"""The roots that a machine lets be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.errors import ConfigError
from magicfs.state_directory.allowed_roots import FILE_NAME, AllowedRoots


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def test_a_machine_in_no_cluster_allows_every_root(home: Path) -> None:
    allowed = AllowedRoots(home)
    allowed.add(b"/data")
    assert not allowed.is_limited
    assert allowed.allows(b"/anything")
    assert not (home / FILE_NAME).exists()


def test_from_the_first_limit_on_it_allows_what_is_added_there(home: Path) -> None:
    allowed, agent = AllowedRoots(home), AllowedRoots(home)
    assert agent.allows(b"/data")
    allowed.limit([b"/data"])
    assert agent.allows(b"/data")
    assert not agent.allows(b"/")
    assert not agent.allows(b"/data/below")
    allowed.add("/Größe".encode())
    allowed.add(b"/caf\xe9 \xff")
    allowed.limit([b"/"])
    allowed.remove(b"/data")
    assert [agent.allows(path) for path in ("/Größe".encode(), b"/caf\xe9 \xff", b"/data", b"/")] == [
        True,
        True,
        False,
        False,
    ]
    assert (home / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_allows_nothing(home: Path) -> None:
    (home / FILE_NAME).write_text("{")
    with pytest.raises(ConfigError, match=r"roots\.json cannot be read"):
        AllowedRoots(home).allows(b"/data")
