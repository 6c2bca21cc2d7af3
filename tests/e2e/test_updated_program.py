"""`magicfs up` after an update, while the parts of the former version run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import magicfs
from magicfs.domain.parts import SERVERS
from tests.plugins.commands import Commands
from tests.plugins.waiting import eventually


def test_parts_of_the_former_version_are_started_anew(commands: Commands, tmp_path: Path) -> None:
    """A mount that went on with the former version would find nothing in an index that the new one has migrated."""
    program, docs, mount = tmp_path / "program", tmp_path / "docs", tmp_path / "mount"
    for package in ("magicfs", "tasks"):
        source = Path(magicfs.__file__).parents[1] / package
        shutil.copytree(source, program / package, ignore=shutil.ignore_patterns("__pycache__"))
    docs.mkdir()
    mount.mkdir()
    (docs / "marmot.txt").write_text("Marmots whistle when an eagle is near.\n")

    def up(*arguments: str | Path) -> None:
        done = commands.run(
            *("up", *arguments, "--detach"), prefix=("env",), cwd=program, PYTHONPATH=os.fspath(program)
        )
        assert done.returncode == 0, f"{done.stderr}\n{commands.logs()}"

    up(docs, "--mount", mount, "--wait")
    former = commands.pids()
    up()
    assert commands.pids() == former, "nothing has changed"
    os.utime(program / "magicfs" / "errors.py")
    up()
    now = commands.pids()
    assert now.keys() == former.keys()
    assert {name for name, pid in now.items() if pid == former[name]} == {*SERVERS} & {*former}
    eventually(
        lambda: os.listdir(mount / "search" / "marmots") != [], "the mount of the new version", logs=commands.logs
    )
    # What the supervisor has not imported yet may not fit what it has in memory.
    for module in ("postgres", "postgres_cluster", "processes"):
        (program / "magicfs" / "runtime" / f"{module}.py").write_text("raise ImportError\n")
    commands.ok("down")
    assert "Traceback" not in (commands.home / "log" / "supervisor.log").read_text()
