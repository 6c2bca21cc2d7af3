"""A root that another host has written into the index is not read: it was not added on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from magicfs.config import Settings
from magicfs.db.cluster.roots import ensure_host, insert_root
from magicfs.db.pool import Database
from magicfs.ingest.allowed_files import AllowedFiles
from magicfs.ingest.roots import add_roots
from magicfs.state_directory.allowed_roots import NOT_ADDED, AllowedRoots
from tests.integration.ingest.agents import make_agent, running, wait_for_looks
from tests.plugins.index import HOST, Index
from tests.plugins.waiting import eventually


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.transaction() as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def test_an_agent_scans_what_was_added_on_its_machine_alone(database: Database, tmp_path: Path) -> None:
    own, stolen = tmp_path / "own", tmp_path / "stolen"
    for folder in (own, stolen):
        folder.mkdir()
        (folder / "secret.txt").write_text("a secret")
    settings = Settings(home=tmp_path / "home", host="here")
    settings.make_home()
    allowed = AllowedRoots(settings.home)
    allowed.limit([])
    add_roots(settings, database, [own])
    with database.transaction() as attacker:
        host = ensure_host(attacker, name="here")
        insert_root(attacker, host=host, path=os.fsencode(stolen), name="stolen", folded="stolen", device=1)
    agent = make_agent(settings, database)
    with running(agent):
        eventually(lambda: rows(database, "SELECT id FROM files") != [], "the file of the machine's own root")
        wait_for_looks(agent, 3)
        assert rows(database, "SELECT root_id, display FROM files") == [(1, "secret.txt")]
        assert rows(database, "SELECT state::text, detail FROM roots WHERE name = 'stolen'") == [("missing", NOT_ADDED)]
        # An attacker says that it is there.
        rows(database, "UPDATE roots SET state = 'present', detail = NULL, device = 0 WHERE name = 'stolen'")
        wait_for_looks(agent, 3)
        assert rows(database, "SELECT count(*) FROM files") == [(1,)]
        add_roots(settings, database, [stolen])
        eventually(
            lambda: rows(database, "SELECT count(*) FROM files") == [(2,)], "the file of the root that was added"
        )


def test_a_worker_opens_no_file_below_another_root(index: Index) -> None:
    (index.folder / "one.txt").write_text("a text")
    index.scan()
    index.allows = lambda *_: False
    assert index.extraction().run_batch() == 1
    assert index.rows("SELECT state::text, reason, detail FROM files") == [("failed", "permission", NOT_ADDED)]
    assert index.rows("SELECT count(*) FROM contents") == [(0,)]
    assert index.root.host == HOST


@pytest.mark.parametrize(
    "path", [".ssh/key", "docs/.env", "private/plan.txt", "docs/../private/plan.txt", "docs//../private/plan.txt"]
)
def test_a_worker_of_a_cluster_opens_no_file_that_no_scan_finds(index: Index, tmp_path: Path, path: str) -> None:
    for name in (".ssh", "docs", "private"):
        (index.folder / name).mkdir()
    for name in (".ssh/key", "docs/.env", "private/plan.txt", "docs/one.txt"):
        (index.folder / name).write_text(f"the text of {name}")
    (index.folder / ".gitignore").write_text("/private/\n!..\n")
    settings = Settings(home=tmp_path / "home", host=HOST)
    settings.make_home()
    AllowedRoots(settings.home).limit([index.root.path])
    index.scan()
    index.allows = AllowedFiles(settings.home).allows
    # Another host has the index say that there is a file.
    attacked = index.rows("UPDATE files SET path = %s RETURNING id", path.encode())
    assert len(attacked) == 1
    assert index.extraction().run_batch() == 1
    assert index.rows("SELECT state::text, reason FROM files") == [("failed", "permission")]
    assert index.rows("SELECT count(*) FROM contents") == [(0,)]


def test_a_worker_of_a_cluster_reads_what_a_scan_finds(index: Index, tmp_path: Path) -> None:
    (index.folder / "docs").mkdir()
    (index.folder / "docs" / ".shown.txt").write_text("a text")
    (index.folder / ".magicfsignore").write_text("!.shown.txt\n")
    settings = Settings(home=tmp_path / "home", host=HOST)
    settings.make_home()
    AllowedRoots(settings.home).limit([index.root.path])
    index.scan()
    index.allows = AllowedFiles(settings.home).allows
    assert index.extraction().run_batch() == 1
    assert index.states() == {"docs/.shown.txt": ("indexed", None)}
