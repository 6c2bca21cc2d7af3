"""Roots of other hosts that hang, fail or cannot be reached: whom that delays, and what comes back."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from functools import partial

import pytest

from magicfs.fuse.thread_pools import HOST_THREADS
from magicfs.tree.remote.nodes import REMOTE_TIMEOUT_SECONDS
from tests.fuse.assertions import raises_errno
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.remote_hosts import OtherHosts
from tests.fuse.slow_calls import AT_ONCE_SECONDS, in_thread, seconds
from tests.plugins.kernel_caches import drop_caches, needs_root
from tests.plugins.waiting import eventually


def test_a_read_that_fails_half_way_is_an_error_and_no_short_file(others: OtherHosts) -> None:
    others.root.add("a.bin", b"roses " * 2_000_000)
    others.behave("cut 3000000")
    got = 0
    with (others.mirror / "a.bin").open("rb", buffering=0) as file, raises_errno(errno.EHOSTUNREACH):
        while chunk := file.read(1 << 16):
            got += len(chunk)
    assert got < 3_000_000
    others.behave("")
    assert (others.mirror / "a.bin").read_bytes() == b"roses " * 2_000_000


@pytest.mark.usefixtures("long_deadline")
def test_a_host_that_hangs_costs_its_own_callers_only(
    others: OtherHosts, others_of: Callable[..., OtherHosts], root: IndexedRoot
) -> None:
    elsewhere = others_of(host="elsewhere", name="second")
    elsewhere.root.add("b.txt", "lilies")
    root.add("here.txt", "tulips")
    for number in range(3 * HOST_THREADS):
        others.root.add(f"{number}.txt", "roses")
    mount = others.mount
    eventually((elsewhere.mirror / "b.txt").exists)
    assert (others.mirror / "0.txt").read_text() == "roses"
    others.behave("hung")
    time.sleep(REMOTE_TIMEOUT_SECONDS)
    threads = [in_thread(partial(os.stat, others.mirror / f"{number}.txt")) for number in range(3 * HOST_THREADS)]
    threads += [in_thread(partial(os.listdir, others.mirror)), in_thread((others.mirror / "0.txt").read_bytes)]
    time.sleep(0.5)
    for action in (
        lambda: os.listdir(mount.path / "mirror"),
        lambda: mount.result_names("tulips"),
        (mount.path / "mirror/documents/here.txt").read_bytes,
        (elsewhere.mirror / "b.txt").read_bytes,
        lambda: os.listdir(elsewhere.mirror),
    ):
        assert seconds(action) < AT_ONCE_SECONDS
    assert sorted(os.listdir(mount.path / "mirror")) == ["documents", "elsewhere:second", "there:remote"]
    with raises_errno(errno.ETIMEDOUT):
        os.listdir(others.mirror)
    others.behave("")
    for thread in threads:
        thread.join(60)

    def is_listed() -> bool:
        try:
            return len(os.listdir(others.mirror)) == 3 * HOST_THREADS
        except OSError:
            return False

    # The threads of the mount go on when the host has answered each of them.
    eventually(is_listed)


@needs_root
@pytest.mark.usefixtures("long_deadline")
def test_a_host_that_hangs_delays_no_listing_of_the_roots_whose_names_are_forgotten(others: OtherHosts) -> None:
    others.root.add("a.txt", "roses")
    assert (others.mirror / "a.txt").read_text() == "roses"
    others.behave("hung")
    drop_caches()
    thread = in_thread(partial(os.stat, others.mirror / "a.txt"))
    time.sleep(0.5)
    assert seconds(lambda: os.listdir(others.mount.path / "mirror")) < AT_ONCE_SECONDS
    others.behave("")
    thread.join(60)
    assert (others.mirror / "a.txt").read_text() == "roses"


def test_a_host_that_cannot_be_reached_is_listed_and_comes_back(others: OtherHosts) -> None:
    others.root.add("a.txt", "roses")
    others.behave("unreachable")
    assert "there:remote" in os.listdir(others.mount.path / "mirror")
    with raises_errno(errno.EHOSTUNREACH):
        os.stat(others.mirror)
    others.behave("")
    assert (others.mirror / "a.txt").read_text() == "roses"


@pytest.mark.parametrize("name", ["ENOSYS", "EINTR", "EAGAIN", "ENOTCONN", "ENOMEM", "ESTALE"])
def test_no_error_of_a_host_has_an_effect_on_other_files(others: OtherHosts, root: IndexedRoot, name: str) -> None:
    """The kernel never asks again what a file system says that it does not have."""
    root.add("here.txt", "tulips")
    others.root.add("d/a.txt", "roses")
    local = others.mount.path / "mirror/documents"
    entry = others.mirror / "d/a.txt"
    assert entry.stat().st_size == 5
    directory = os.open(others.mirror / "d", os.O_PATH)
    try:
        others.behave(f"failing {name}")
        for action in (
            entry.read_bytes,
            lambda: os.listdir(others.mirror),
            lambda: os.listdir(f"/proc/self/fd/{directory}"),
            lambda: os.access("b.txt", os.X_OK, dir_fd=directory) or os.stat("b.txt", dir_fd=directory),
        ):
            with pytest.raises(OSError):
                action()
    finally:
        os.close(directory)
    others.behave("")
    assert entry.read_text() == "roses"
    assert (local / "here.txt").read_text() == "tulips"
    (local / "here.txt").write_text("lilies")
    assert (root.path / "here.txt").read_text() == "lilies"
    assert os.listdir(others.mirror / "d") == ["a.txt"]
    assert not os.access(local, os.X_OK) or os.listdir(local) == ["here.txt"]
