"""After random changes of files and random faults of the parts, the index equals one that is built anew.

Set `CHAOS_SEED` to repeat a run, `CHAOS_SECONDS` for a longer one; `make chaos` does.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.errors import DatabaseError
from magicfs.models.store import ModelStore
from tests.faults.chaos.canonical import assert_equal
from tests.faults.chaos.faults import Faults
from tests.faults.chaos.tree import Tree
from tests.plugins.commands import Commands, commands_in, short_folder

SECONDS = float(os.environ.get("CHAOS_SECONDS", "25"))
SEED = int(os.environ.get("CHAOS_SEED", "20261124"))
QUIET_SECONDS = 180.0


def waiting(database: Database) -> int:
    with database.transaction() as connection:
        [(files, chunks)] = connection.execute(
            "SELECT (SELECT count(*) FROM files WHERE state = 'pending'),"
            " (SELECT count(*) FROM embeddings WHERE state = 'pending')"
        ).fetchall()
        return int(files) + int(chunks)


def wait_until_quiet(commands: Commands, database: Database) -> None:
    """Wait for a complete scan and the end of all work. Some parts may not have started again yet."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        try:
            if commands.run("scan", "--wait", timeout=QUIET_SECONDS).returncode == 0 and waiting(database) == 0:
                return
        except DatabaseError:
            time.sleep(0.5)
        assert time.monotonic() < deadline, f"not quiet in {QUIET_SECONDS} s: {commands.logs()}"
        time.sleep(0.5)


def quarantined(database: Database) -> int:
    """How many files and chunks are quarantined, because random faults killed their workers again and again."""
    with database.transaction() as connection:
        [(files, chunks)] = connection.execute(
            "SELECT (SELECT count(*) FROM files WHERE reason = 'crashed'),"
            " (SELECT count(*) FROM embeddings WHERE state = 'failed')"
        ).fetchall()
        return int(files) + int(chunks)


@pytest.mark.timeout(SECONDS + 600)
def test_the_index_converges(model_store: ModelStore, capsys: pytest.CaptureFixture[str]) -> None:
    with short_folder() as folder, commands_in(folder, model_store) as commands:
        root = folder / "tree"
        root.mkdir()
        tree = Tree(root, random.Random(SEED))
        tree.populate(30)
        commands.environment |= {"MAGICFS_SCAN_SECONDS": "10", "MAGICFS_WORKERS": "2"}
        commands.ok("up", root, "--detach")
        settings = Settings(home=commands.home, host=commands.environment["MAGICFS_HOST"])
        faults = Faults(commands, settings, random.Random(SEED + 1))
        pause = random.Random(SEED + 2)
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            for _ in range(pause.randint(1, 6)):
                tree.step()
            time.sleep(pause.uniform(0.0, 0.4))
            if pause.random() < 0.4:
                faults.step()
        with Database(settings.database_dsn, application="test", size=2) as database:
            wait_until_quiet(commands, database)
            in_quarantine = quarantined(database)
            # Only four faults that hit the same file by chance bring a sound one into quarantine.
            assert in_quarantine <= max(1, faults.count // 10)
            if in_quarantine:
                commands.ok("failures", "--retry")
                wait_until_quiet(commands, database)
            chunks = compare_with_a_fresh_index(folder, root, database, model_store)
        commands.ok("down")
        commands.assert_nothing_left()
    with capsys.disabled():
        print(
            f"\nconverged: seed {SEED}, {tree.operations} operations, {faults.count} faults {faults.by_name}, "
            f"{len(tree.by_name)} kinds of operation, {chunks} chunks, {in_quarantine} quarantined meanwhile"
        )


def compare_with_a_fresh_index(folder: Path, root: Path, database: Database, model_store: ModelStore) -> int:
    (folder / "fresh").mkdir()
    with commands_in(folder / "fresh", model_store) as fresh:
        fresh.environment |= {"MAGICFS_WORKERS": "2"}
        # After a long run the tree is large.
        done = fresh.run("up", root, "--detach", "--wait", timeout=SECONDS + 300)
        assert done.returncode == 0, done.stderr
        with Database(Settings(home=fresh.home).database_dsn, application="test", size=2) as expected:
            return assert_equal(database, expected)
