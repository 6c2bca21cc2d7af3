"""What file managers do with a mount: look for free names and for files of their own, list, and use the trash."""

from __future__ import annotations

import errno
import os
import signal
import string
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from magicfs.linux.inotify import inotify_add_watch, inotify_init
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.kernel_caches import kept_caches
from tests.plugins.waiting import eventually

IN_ACCESS, IN_OPEN, IN_ISDIR = 0x1, 0x20, 0x40000000
EVENT_BYTES = 16


def create_with_a_free_name(create: Callable[[str], object]) -> str:
    """Create as GNOME's file manager does: count up until a name is free. Return the name."""
    for number in range(1, 100):
        name = "New Folder" if number == 1 else f"New Folder {number}"
        try:
            create(name)
        except FileExistsError:
            continue
        return name
    pytest.fail("the search for a free name does not end")


@pytest.mark.parametrize("view", ["search", "links"])
def test_the_search_for_a_free_name_ends_and_makes_the_directory_of_a_query(
    mount: MountProcess, root: IndexedRoot, view: str
) -> None:
    root.add("a.txt", "new folder")
    directory = mount.path / view
    names = [create_with_a_free_name(lambda name: os.mkdir(directory / name)) for _ in range(3)]
    assert len(set(names)) == 3
    assert len(os.listdir(directory / names[0])) == 1, "it is a query like any other"
    assert (directory / "New Folder 3").is_dir()


def test_a_file_cannot_be_created_among_the_queries(mount: MountProcess) -> None:
    def create(name: str) -> None:
        os.close(os.open(mount.query_path(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY))

    with raises_errno(errno.EROFS):
        create_with_a_free_name(create)


def test_a_program_that_looks_for_a_file_in_all_directories_above_finds_none(
    mount: MountProcess, root: IndexedRoot
) -> None:
    root.add("a.txt", "roses and the settings of .tool")
    names = (f".tool-{letter}rc" for letter in string.ascii_lowercase)
    found: list[str] = []

    def finds_none() -> bool:
        """It asks in two threads. As a slow machine may take longer than the mount waits, it tries again."""
        name = next(names)
        found.append(name)
        below, above = mount.query_path("roses") / name, mount.path / "search" / name
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
            return not one.submit(below.exists).result() and not other.submit(above.exists).result()

    assert mount.result_names("roses")
    eventually(finds_none)
    listed = subprocess.run(["ls", mount.path / "search" / found[-1]], capture_output=True, text=True, check=True)
    assert listed.stdout.splitlines(), "for others it is a query"


def test_a_script_may_count_up(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "chapter")
    for number in range(10):
        assert len(mount.result_names(f"chapter {number}")) == 1
    for number in range(10, 20):
        assert (mount.query_path(f"chapter {number}") / ".results.json").read_bytes()


def test_probes_are_answered_by_the_kernel(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    mount.result_names("roses")
    probes = [
        directory / name
        for directory in (mount.path, mount.path / "search", mount.query_path("roses"), mount.path / "links/roses")
        for name in (".hidden", ".directory", "autorun.inf", ".Trash", f".Trash-{os.getuid()}", "desktop.ini")
    ]
    with kept_caches():
        assert are_answered_by_the_kernel(mount, probes)


def are_answered_by_the_kernel(mount: MountProcess, probes: list[Path]) -> bool:
    """Whether the kernel answers that there are no such names, when they were looked for before."""
    assert not any(os.path.lexists(probe) for probe in probes)
    assert mount.process is not None
    mount.process.send_signal(signal.SIGSTOP)
    try:
        # In another process: this one would hang with a mount that is asked.
        subprocess.run(
            [sys.executable, "-c", "import os, sys; sys.exit(any(map(os.path.lexists, sys.argv[1:])))", *probes],
            check=True,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return False
    finally:
        mount.process.send_signal(signal.SIGCONT)
    return True


def test_the_trash_is_refused(mount: MountProcess, root: IndexedRoot) -> None:
    """The trash of a volume lies at its top; file managers offer to delete for good when there can be none."""
    for directory in (mount.path, mount.path / "search"):
        for name in (".Trash", f".Trash-{os.getuid()}"):
            with raises_errno(errno.EROFS):
                (directory / name).mkdir()


def test_a_listing_opens_no_file(mount: MountProcess, root: IndexedRoot) -> None:
    """Directories are opened to be listed. Who opens a file reads it, as for a thumbnail."""
    for number in range(20):
        root.add(f"{number}.txt", f"roses {number}")
    descriptor = inotify_init()
    try:
        inotify_add_watch(descriptor, os.fsencode(root.path), IN_ACCESS | IN_OPEN)
        for directory in ("search/roses", "links/roses", "mirror/documents", "mirror"):
            subprocess.run(["ls", "-laL", mount.path / directory], check=True, stdout=subprocess.DEVNULL)
        try:
            events = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            events = b""
    finally:
        os.close(descriptor)
    masks = []
    while events:
        masks.append(int.from_bytes(events[4:8], sys.byteorder))
        events = events[EVENT_BYTES + int.from_bytes(events[12:16], sys.byteorder) :]
    assert all(mask & IN_ISDIR for mask in masks)
