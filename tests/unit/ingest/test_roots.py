"""Which directories can be roots."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.errors import RootError
from magicfs.ingest.roots import check_root


@pytest.mark.parametrize("path", ["/proc", "/proc/self", "/sys", "/dev/pts"])
def test_what_shows_the_kernel_is_no_root(tmp_path: Path, path: str) -> None:
    if not Path(path).is_dir():
        pytest.skip(f"there is no {path} here")
    with pytest.raises(RootError, match=f"^{path} is a .* file system, which holds no files: name another directory$"):
        check_root(Path(path), home=tmp_path / "home")


def test_a_file_system_in_memory_may_be_a_root(tmp_path: Path) -> None:
    assert check_root(Path("/dev/shm"), home=tmp_path / "home") == b"/dev/shm"
