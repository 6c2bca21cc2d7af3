"""What a person sees of a database with a damaged page, as a disk that fails leaves it."""

from __future__ import annotations

import json

from tests.plugins.commands import Commands

PAGE_BYTES = 8192
REMEDY = "move it away"


def test_a_damaged_page_is_named_with_what_to_do(commands: Commands) -> None:
    docs = commands.home.parent / "docs"
    docs.mkdir()
    (docs / "fact.txt").write_text("Marmots whistle when an eagle is near.\n")
    commands.ok("up", docs, "--detach", "--wait")
    [(file,)] = commands.rows("SELECT pg_relation_filepath('chunks')")
    commands.ok("down")
    table = commands.home / "postgres" / file
    page = bytearray(table.read_bytes())
    page[PAGE_BYTES // 2 : PAGE_BYTES] = b"X" * (PAGE_BYTES // 2)
    table.write_bytes(page)

    commands.ok("up", "--detach")
    done = commands.run("search", "marmots")
    assert done.returncode == 1
    assert "the database is damaged (invalid page" in done.stderr
    assert REMEDY in done.stderr
    assert len(done.stderr.splitlines()) == 1
    checks = {check["name"]: check for check in json.loads(commands.run("doctor", "--json").stdout)["checks"]}
    assert not checks["database"]["ok"]
    assert REMEDY in checks["database"]["text"]

    commands.ok("down")
    (commands.home / "postgres").rename(commands.home / "postgres.damaged")
    commands.ok("up", docs, "--detach", "--wait")
    assert "fact.txt" in commands.ok("search", "marmots")
    commands.ok("down")
