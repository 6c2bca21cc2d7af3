"""The version of the program on the disk changes with its modules, and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from magicfs.runtime.program import program_version


def test_the_version_changes_with_a_module(tmp_path: Path) -> None:
    deep = tmp_path / "magicfs" / "db"
    (deep / "__pycache__").mkdir(parents=True)
    module, query = deep / "pool.py", deep / "files.sql"
    module.write_text("one")
    versions = [program_version(tmp_path)]
    query.write_text("SELECT 1")
    versions.append(program_version(tmp_path))
    os.utime(module, ns=(0, 0))
    versions.append(program_version(tmp_path))
    assert len(set(versions)) == 3
    (deep / "__pycache__" / "pool.pyc").write_text("compiled")
    assert program_version(tmp_path) == versions[-1]


def test_a_link_that_leads_nowhere_is_no_module(tmp_path: Path) -> None:
    """An editor makes one beside a module that it has changed."""
    (tmp_path / "magicfs").mkdir()
    version = program_version(tmp_path)
    (tmp_path / "magicfs" / ".#pool.py").symlink_to("someone@host.1234")
    assert program_version(tmp_path) == version


def test_the_version_of_this_program_stays() -> None:
    assert program_version() == program_version()
