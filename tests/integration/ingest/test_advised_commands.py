"""A command that an error names can be pasted into a shell as it is: names with spaces are quoted."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from magicfs.cli import application
from magicfs.cli.checks import run_checks
from magicfs.config import Settings
from magicfs.db.cluster.roots import consume_deletion_confirmation, list_roots
from magicfs.db.pool import Database
from magicfs.errors import MountError, RootError
from magicfs.fuse.mountpoint import prepare_mountpoint
from magicfs.ingest.explain import explain
from magicfs.ingest.roots import add_root
from tests.plugins.index import HOST
from tests.plugins.services import make_scanner


def advised(message: str) -> list[str]:
    """The words of the command that a message names, as a shell takes them."""
    found = re.search(r"'((?:magicfs|mkdir|chmod) .*)'", message)
    assert found, message
    return shlex.split(found.group(1))


def test_to_make_a_mount_point(tmp_path: Path) -> None:
    missing = tmp_path / "my mount"
    with pytest.raises(MountError) as refused:
        prepare_mountpoint(missing, roots=[], host=HOST)
    assert advised(str(refused.value)) == ["mkdir", "-p", str(missing)]


def test_to_close_a_state_directory() -> None:
    # A path that is short enough for the sockets in it.
    with tempfile.TemporaryDirectory(prefix="my data ") as home:
        os.chmod(home, 0o755)
        result = next(result for result in run_checks(Settings(home=Path(home))) if result.name == "home")
        assert advised(result.text) == ["chmod", "700", home]


def test_to_remove_a_root_and_to_accept_deletions(database: Database, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "all/my documents"
    folder.mkdir(parents=True)
    for number in range(10):
        (folder / f"{number}.txt").write_text("words")
    root = add_root(database, host=HOST, path=folder, home=home)
    with pytest.raises(RootError) as refused:
        add_root(database, host=HOST, path=folder.parent, home=home)
    assert advised(str(refused.value)) == ["magicfs", "roots", "remove", root.name]
    scanner = make_scanner(database)

    def scan() -> str:
        with database.transaction() as connection:
            scanner.scan(list_roots(connection)[0])
        with database.transaction() as connection:
            return list_roots(connection)[0].detail or ""

    scan()
    for path in folder.iterdir():
        path.unlink()
    assert advised(scan()) == ["magicfs", "scan", "--accept-deletions", root.name]


def test_to_add_a_disk_that_is_mounted_in_a_root(database: Database, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "documents"
    disk = folder / "disk"
    disk.mkdir(parents=True)
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=False).returncode:
        pytest.skip("only root can mount a disk")
    try:
        (disk / "a.txt").write_text("words")
        (disk / "letters").mkdir()
        add_root(database, host=HOST, path=folder, home=home)
        reason = explain(database, host=HOST, path=disk / "a.txt").why_not
        assert reason == f"{disk} is on another disk than its root: add it as a root of its own"
        added = add_root(database, host=HOST, path=disk, home=home)
        assert explain(database, host=HOST, path=disk / "a.txt").root.root == added
        with pytest.raises(RootError, match="is indexed already"):
            add_root(database, host=HOST, path=disk / "letters", home=home)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
    assert add_root(database, host=HOST, path=disk, home=home) == added


def test_deletions_are_accepted_on_the_host_of_the_root(
    database: Database, database_url: str, tmp_path: Path, short_path: Path
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    root = add_root(database, host="nas", path=folder, home=tmp_path / "home")

    def accept(host: str) -> Result:
        settings = {
            "MAGICFS_HOME": str(short_path / "home"),
            "MAGICFS_DATABASE_URL": database_url,
            "MAGICFS_HOST": host,
        }
        return CliRunner().invoke(application.app, ["scan", root.name, "--accept-deletions"], env=settings)

    refused = accept(HOST)
    assert isinstance(refused.exception, RootError)
    assert "nas" in str(refused.exception)
    with database.transaction() as connection:
        assert not consume_deletion_confirmation(connection, root.id)
    assert accept("nas").exit_code == 0
    with database.transaction() as connection:
        assert consume_deletion_confirmation(connection, root.id)
