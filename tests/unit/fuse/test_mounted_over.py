"""Which watched directories are looked at when something was mounted somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.fuse.mounted_over import MountedOver, found_at
from magicfs.fuse.watched_directory import Watch
from magicfs.tree.locations import FileLocation
from magicfs.tree.real.directories import RealDirectory
from tests.plugins.kernel_caches import kept_caches


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    """What a test has made stays in the kernel's memory, whatever other tests drop."""
    with kept_caches():
        yield


@pytest.fixture
def roots(tmp_path: Path) -> list[Path]:
    for path in ("a/one/deep", "a/two", "b/one"):
        (tmp_path / path).mkdir(parents=True)
    return [tmp_path / "a", tmp_path / "b"]


@pytest.fixture
def watches(roots: list[Path]) -> dict[str, Watch]:
    paths = [(roots[0], path) for path in ("", "one", "one/deep", "two")] + [(roots[1], path) for path in ("", "one")]
    return {f"{root.name}/{path}": watch_of(root, path) for root, path in paths}


def watch_of(root: Path, path: str) -> Watch:
    # Which one is there is not asked of a root.
    directory = RealDirectory(FileLocation(host="here", root=bytes(root), path=path.encode()))
    found = found_at(directory)
    assert found is not None
    return Watch(directory, 1, found)


def looked_at(mounted_over: MountedOver, watches: dict[str, Watch], *names: bytes) -> set[str]:
    found = mounted_over.may_be_hidden(watches.values(), names)
    return {name for name, watch in watches.items() if watch in found}


@pytest.fixture
def mounted_over(watches: dict[str, Watch]) -> MountedOver:
    """One that has looked at all."""
    mounted_over = MountedOver()
    assert looked_at(mounted_over, watches, b"elsewhere") == set(watches)
    return mounted_over


def test_what_is_mounted_elsewhere_hides_none(mounted_over: MountedOver, watches: dict[str, Watch]) -> None:
    assert looked_at(mounted_over, watches, b"elsewhere", b"dee", b"a") == set()


def test_a_mount_point_may_hide_what_is_below_a_directory_of_its_name(
    mounted_over: MountedOver, watches: dict[str, Watch]
) -> None:
    assert looked_at(mounted_over, watches, b"one") == {"a/one", "a/one/deep", "b/one"}
    assert looked_at(mounted_over, watches, b"deep", b"two") == {"a/one/deep", "a/two"}


def test_all_below_a_root_are_looked_at_when_another_directory_is_there(
    mounted_over: MountedOver, watches: dict[str, Watch], roots: list[Path]
) -> None:
    roots[1].rename(roots[1].with_name("away"))
    assert looked_at(mounted_over, watches, b"elsewhere") == {"b/", "b/one"}
    assert looked_at(mounted_over, watches, b"elsewhere") == {"b/", "b/one"}, "nobody knows which one was there"
    roots[1].mkdir()
    assert looked_at(mounted_over, watches, b"elsewhere") == {"b/", "b/one"}
    assert looked_at(mounted_over, watches, b"elsewhere") == set()


def test_a_new_one_is_looked_at_once(mounted_over: MountedOver, watches: dict[str, Watch], roots: list[Path]) -> None:
    watches["new"] = watch_of(roots[0], "two")
    assert looked_at(mounted_over, watches, b"elsewhere") == {"new"}
    assert looked_at(mounted_over, watches, b"elsewhere") == set()
