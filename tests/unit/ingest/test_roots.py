"""Which directories can be roots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from magicfs.domain.ids import RootId
from magicfs.domain.roots import Root
from magicfs.errors import RootError
from magicfs.ingest.roots import check_root, find_root


@pytest.mark.parametrize("path", ["/proc", "/proc/self", "/sys", "/dev/pts"])
def test_what_shows_the_kernel_is_no_root(tmp_path: Path, path: str) -> None:
    if not Path(path).is_dir():
        pytest.skip(f"there is no {path} here")
    with pytest.raises(RootError, match=f"^{path} is a .* file system, which holds no files: name another directory$"):
        check_root(Path(path), home=tmp_path / "home")


def test_a_file_system_in_memory_may_be_a_root(tmp_path: Path) -> None:
    assert check_root(Path("/dev/shm"), home=tmp_path / "home") == b"/dev/shm"


def test_a_root_is_meant_by_its_name_and_by_its_path_on_this_host(tmp_path: Path) -> None:
    def root(number: int, host: str, name: str) -> Root:
        return Root(RootId(number), host, os.fsencode(tmp_path / "docs"), name, device=1)

    theirs, own = root(1, "there", "docs"), root(2, "here", "docs@here")
    (tmp_path / "link").symlink_to("docs")
    paths = (f"{tmp_path}{path}" for path in ("/docs", "/docs/", "/docs/../docs", "/docs/sub/..", "/link"))
    for meant in ("docs@here", *paths):
        assert find_root([theirs, own], host="here", name_or_path=meant) == own
    assert find_root([theirs, own], host="here", name_or_path="docs") == theirs
    for other in ("notes", "~nobody-of-this-name/docs"):
        with pytest.raises(RootError, match=f"there is no root {other}: there is docs, docs@here"):
            find_root([theirs, own], host="here", name_or_path=other)
