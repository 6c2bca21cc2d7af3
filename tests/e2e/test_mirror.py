"""Work in `mirror/` while everything runs: what is written is found, and a mount that dies takes nothing along."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.plugins.commands import Commands
from tests.plugins.fuse import needs_fuse
from tests.plugins.programs import needs
from tests.plugins.waiting import eventually

pytestmark = needs_fuse


@pytest.fixture(scope="module")
def magicfs(module_commands: Commands) -> Commands:
    """Everything running, with one empty root and a mount."""
    folder = module_commands.home.parent
    (folder / "docs").mkdir()
    (folder / "mnt").mkdir()
    module_commands.ok("up", folder / "docs", "--mount", folder / "mnt", "--detach", "--wait")
    return module_commands


@pytest.fixture
def mirror(magicfs: Commands) -> Path:
    return magicfs.home.parent / "mnt/mirror/docs"


def found(magicfs: Commands, word: str) -> list[str]:
    """The paths of the files with a word, by name."""
    return sorted(os.readlink(link) for link in (magicfs.home.parent / "mnt/links" / f'"{word}"').iterdir())


def test_what_is_written_in_the_mirror_is_found(magicfs: Commands, mirror: Path) -> None:
    docs = magicfs.home.parent / "docs"

    def is_found(word: str, *names: str) -> None:
        eventually(lambda: found(magicfs, word) == [str(docs / name) for name in names], f"{word} in {names}")

    (mirror / "deep/er").mkdir(parents=True)
    (mirror / "deep/er/a.txt").write_text("a marmalade sandwich")
    is_found("marmalade", "deep/er/a.txt")
    (mirror / "deep").rename(mirror / "moved")
    is_found("marmalade", "moved/er/a.txt")
    # As editors save.
    (mirror / "moved/er/.a.txt.new").write_text("a cucumber sandwich")
    (mirror / "moved/er/.a.txt.new").replace(mirror / "moved/er/a.txt")
    is_found("cucumber", "moved/er/a.txt")
    is_found("marmalade")
    with (mirror / "moved/er/a.txt").open("a") as file:
        file.write(" with radishes")
    is_found("radishes", "moved/er/a.txt")
    shutil.copy(mirror / "moved/er/a.txt", mirror / "b.txt")
    shutil.rmtree(mirror / "moved")
    is_found("radishes", "b.txt")
    (mirror / "b.txt").unlink()
    is_found("radishes")


@needs("git")
def test_a_mount_that_is_killed_while_git_works_loses_nothing(magicfs: Commands, mirror: Path) -> None:
    docs = magicfs.home.parent / "docs"
    script = """
        git init -q -b main work && cd work && git config user.email a@example.org && git config user.name a
        for n in $(seq 5000); do
            echo "$n" > "f$n" && git add "f$n" && git commit -qm "$n" && echo "$n" > ../committed.new \
                && sync ../committed.new && mv ../committed.new ../committed || exit 1
        done
    """
    worker = subprocess.Popen(["sh", "-c", script], cwd=mirror, stderr=subprocess.DEVNULL)
    committed = docs / "committed"
    eventually(lambda: committed.exists() and int(committed.read_text()) >= 5, "five commits")
    before = magicfs.parts()["mount"]
    mount = psutil.Process(before.pid)
    mount.kill()
    psutil.wait_procs([mount], timeout=60)
    assert worker.wait(180) != 0
    count = int(committed.read_text())

    def is_back() -> bool:
        try:
            return (mirror / "committed").read_text() == f"{count}\n"
        except OSError:
            return False

    eventually(is_back, "the mount is back")
    assert magicfs.parts()["mount"].restarts == before.restarts + 1
    (docs / "work/.git/index.lock").unlink(missing_ok=True)
    for place in (docs, mirror):
        subprocess.run(["git", "fsck", "--strict"], cwd=place / "work", check=True, capture_output=True)
        log = subprocess.run(
            ["git", "log", "--format=%s"], cwd=place / "work", check=True, capture_output=True, text=True
        )
        assert log.stdout.split()[-count:] == [str(number) for number in range(count, 0, -1)]
        assert all((place / f"work/f{number}").read_text() == f"{number}\n" for number in range(1, count + 1))
    (mirror / "work/after").write_text("it goes on")


def test_down_after_everything_was_killed(magicfs: Commands) -> None:
    magicfs.kill_everything()
    magicfs.ok("down")
    magicfs.assert_nothing_left()
