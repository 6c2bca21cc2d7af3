"""`infra/setup.sh` on machines that lack something: it says so in one line, or leaves alone what is done."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.programs import INSTALLED
from tests.unit.infra.command_lines import REPOSITORY

TOOLS = ("cat", "cut", "dirname", "env", "id", "grep", "paste", "sed", "sh", "sha256sum", "true")
FILES = ("requirements/runtime.txt", "pyproject.toml", "magicfs/fuse/fastpath/fastpath.h")
"""What the environment is made from, in the order of the script's digest."""
NOBODY = 65534


class Machine:
    """A machine with few programs, and a checkout that has nothing but what the script reads."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self._programs = folder / "bin"
        self._programs.mkdir()
        for tool in TOOLS:
            if (path := shutil.which(tool)) is not None:
                (self._programs / tool).symlink_to(path)
        for name in ("infra", "requirements", "magicfs/fuse/fastpath", "tasks"):
            (self.checkout / name).mkdir(parents=True)
        shutil.copy(REPOSITORY / "infra" / "setup.sh", self.checkout / "infra")
        for name in FILES:
            (self.checkout / name).write_text(name, encoding="ascii")

    def add(self, program: str, script: str = "exit 0") -> None:
        """Install a program."""
        path = self._programs / program
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        path.chmod(0o755)

    def add_environment(self) -> Path:
        """Make an environment that is ready; return the program in it."""
        content = b"".join((self.checkout / name).read_bytes() for name in FILES)
        fingerprint = hashlib.sha256(os.fsencode(f"{self.checkout}\n") + content).hexdigest()
        programs = self.checkout / ".venv" / "bin"
        programs.mkdir(parents=True)
        (programs / "python").symlink_to(sys.executable)
        program = programs / "magicfs"
        program.write_text(f"#!{programs}/python\n", encoding="ascii")
        program.chmod(0o755)
        (programs.parent / ".magicfs-run").write_text(f"{fingerprint}\n", encoding="ascii")
        self.add("fusermount3")
        return program

    def set_up(self, *options: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run the script, as another user if one is given."""
        return subprocess.run(
            ["/bin/sh", str(self.checkout / "infra" / "setup.sh"), *options],
            env={"PATH": str(self._programs)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
            user=user,
            extra_groups=None if user is None else [],
        )


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine whose files every user may read."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Machine(Path(name).resolve())


def test_an_environment_that_is_ready_is_not_written_to(machine: Machine) -> None:
    """It may be somebody else's, or read-only."""
    program = machine.add_environment()
    assert machine.set_up().returncode == 0
    made = program.stat()
    assert machine.set_up().returncode == 0
    assert (program.stat().st_ino, program.stat().st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_checkout_that_may_not_be_written_is_named(machine: Machine) -> None:
    done = machine.set_up(user=NOBODY)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"magicfs: you may not write to {machine.checkout}: work in a copy of your own, or as its owner"
    ]


def test_an_old_python_is_told_its_version(machine: Machine) -> None:
    machine.add("python3", 'case "$2" in *python_version*) echo 3.10.4 ;; *) exit 1 ;; esac')
    done = machine.set_up()
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "magicfs: Python 3.11 or newer is needed, and python3 is 3.10.4: install a newer one, or name it in PYTHON"
    ]


def test_a_user_without_sudo_is_told_a_command_that_works_on_a_fresh_machine(machine: Machine) -> None:
    """There, no list of packages has been fetched yet."""
    machine.add("id", "echo 1000")
    machine.add("python3", 'case "$2" in *version_info\\[*) echo 3.13 ;; esac')
    machine.add("apt-get", "exit 100")
    done = machine.set_up()
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("magicfs: missing: fusermount3, ")
    assert ": run 'sudo apt-get update && sudo apt-get install -y fuse3 " in line


def test_developers_get_the_programs_that_tests_run(machine: Machine) -> None:
    """Or are told which are missing, and how to install them."""
    machine.add("id", "echo 1000")
    machine.add("apt-get", "exit 100")
    machine.add("vim")
    [line] = [line for line in machine.set_up("--dev").stdout.splitlines() if line.startswith("tests are skipped")]
    said, _, command = line.partition(": try '")
    # Some are in folders of the system, which the script looks into, too.
    missing = said.partition(" one of: ")[2].split()
    assert "vim" not in missing
    assert {"ed", "git", "sqlite3"} <= set(missing) <= set(INSTALLED)
    assert command.startswith("sudo apt-get install -y ed git e2fsprogs ")


def test_the_script_installs_each_program_that_tests_say_it_does() -> None:
    script = (REPOSITORY / "infra/setup.sh").read_text()
    assert f"for program in {' '.join(INSTALLED)}; do" in script
