"""A folder is renamed while everything runs: on the disk, in the mount, and with an agent that dies over it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.plugins.commands import Commands
from tests.plugins.fuse import needs_fuse
from tests.plugins.waiting import SECONDS, eventually

pytestmark = needs_fuse

FILES = 1500
READ = "SELECT count(*) FROM files WHERE content_id IS NOT NULL AND path LIKE %s"


@pytest.fixture(scope="module")
def magicfs(module_commands: Commands) -> Commands:
    """Everything running, with a root of files that were read, and a mount."""
    folder = module_commands.home.parent
    (folder / "mnt").mkdir()
    for number in range(FILES):
        directory = folder / f"docs/folder 0/{number % 30}"
        directory.mkdir(parents=True, exist_ok=True)
        # Different bytes, and few different texts: embedding takes long.
        (directory / f"{number}.txt").write_text(f"a marmalade sandwich {number % 5}" + "\n" * (number // 5))
    module_commands.ok("up", folder / "docs", "--mount", folder / "mnt", "--detach", "--wait")
    return module_commands


def read_below(magicfs: Commands, path: Path | str) -> int:
    [(count,)] = magicfs.rows(READ, os.fsencode(f"{path}/%"))
    return int(count)


def test_a_folder_that_is_renamed_in_the_mount_stays_found(magicfs: Commands) -> None:
    folder = magicfs.home.parent
    search = folder / "mnt/links/marmalade"
    assert list(search.iterdir())
    (folder / "mnt/mirror/docs/folder 0").rename(folder / "mnt/mirror/docs/folder 1")
    ends = time.monotonic() + SECONDS
    while read_below(magicfs, "folder 1") < FILES:
        assert read_below(magicfs, "folder _") == FILES
        assert list(search.iterdir())
        assert time.monotonic() < ends
    eventually(
        lambda: all("/docs/folder 1/" in os.readlink(link) for link in search.iterdir()), "links lead to the new place"
    )
    assert all((search / link).read_text().startswith("a marmalade") for link in search.iterdir())


def test_an_agent_that_is_killed_while_it_moves_files_loses_none(magicfs: Commands) -> None:
    docs = magicfs.home.parent / "docs"
    [source] = docs.iterdir()
    last = 8
    for number in range(2, last + 1):
        target = docs / f"folder {number}"
        source.rename(target)
        # Before it has seen the event, at different moments of its work, and when all is done.
        time.sleep(number * 0.07)
        pid = magicfs.pids()["agent"]
        # The last one lives, to scan.
        if pid is not None and number < last:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ends = time.monotonic() + SECONDS
        while read_below(magicfs, target.name) < FILES:
            assert read_below(magicfs, "folder _") == FILES
            assert time.monotonic() < ends, magicfs.logs()
        source = target
    magicfs.ok("scan", "--wait")
    assert magicfs.rows("SELECT state, count(*) FROM files GROUP BY state") == [("indexed", FILES)]
    assert read_below(magicfs, source.name) == FILES
