"""From an empty state directory to `ls MNT/search/...`, with the commands that a user types and everything real.

The tests share one state directory and run in the order of a user's day.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.commands import COMMAND, Commands
from tests.plugins.fuse import needs_fuse
from tests.plugins.waiting import eventually

pytestmark = needs_fuse


def listing(mount: Path, query: str) -> list[str]:
    """The names in a search, best first."""
    with os.scandir(mount / "search" / query) as entries:
        return [entry.name for entry in entries]


def status(magicfs: Commands) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(magicfs.ok("status", "--json"))
    return found


def test_up_says_what_there_is(module_commands: Commands, docs: Path, mount: Path) -> None:
    said = module_commands.ok("up", docs, "--mount", mount, "--detach", "--wait")
    assert "all-MiniLM-L6-v2" in said
    assert f"root   {docs}\n" in said
    assert f"mount  {mount}\n" in said
    assert "magicfs down" in said


@pytest.mark.parametrize(
    ("query", "best"),
    [("python", "python_script.py"), ("data analysis", "python_script.py"), ("database systems", "document.txt"),
     ("machine learning", "notes.txt"), ("how should we write tests", "readme.md")],
)  # fmt: skip
def test_searches_list_the_right_file_first(magicfs: Commands, mount: Path, query: str, best: str) -> None:
    names = listing(mount, query)
    assert names[0].endswith(f"_{best}")
    scores = [float(name.split("_")[1]) for name in names]
    assert scores == sorted(scores, reverse=True)


def test_a_result_is_the_file_byte_for_byte(magicfs: Commands, mount: Path, docs: Path) -> None:
    found = listing(mount, "python")
    for name in found:
        assert (mount / "search" / "python" / name).read_bytes() == (docs / name.split("_", 2)[2]).read_bytes()


def test_doctor_says_where_a_file_stands_in_a_search(magicfs: Commands, docs: Path) -> None:
    said = magicfs.ok("doctor", docs / "python_script.py", "data", "analysis")
    assert "rank      1 of " in said
    assert "has       " in said
    left_out = magicfs.run("doctor", docs / "python_script.py", "data analysis ext:md", "--json")
    standing = json.loads(left_out.stdout)["standing"]
    assert (left_out.returncode, standing["rank"]) == (1, None)
    assert standing["reasons"] == ["the filter ext:md leaves it out"]


def test_everything_is_indexed(magicfs: Commands, docs: Path, mount: Path) -> None:
    eventually(lambda: len(magicfs.rows("SELECT name FROM workers")) == 3, "all workers")
    found = status(magicfs)
    assert found["files"] == {"total": 9, "pending": 0, "indexed": 9, "named": 0, "skipped": 0, "failed": 0}
    assert found["chunks"]["embedded"] == found["chunks"]["total"] >= 9
    assert found["model"].startswith("sentence-transformers/all-MiniLM-L6-v2")
    assert [(root["path"], root["host"], root["files"]) for root in found["roots"]] == [(str(docs), "here", 9)]
    assert [one["path"] for one in found["mounts"]] == [str(mount)]
    assert sorted(worker["kind"] for worker in found["workers"]) == ["embed", "extract", "extract"]
    assert {part["name"]: part["restarts"] for part in found["parts"]} == dict.fromkeys(
        ["postgres", "redis", "agent", "query-embedder", "search-server", "extract-1", "extract-2", "embed-1", "mount"],
        0,
    )


def test_the_command_finds_what_the_mount_lists(magicfs: Commands, mount: Path, docs: Path) -> None:
    found = json.loads(magicfs.ok("search", "--json", "data", "analysis"))
    assert found["query"] == "data analysis"
    assert found["coverage"]["files"] == found["coverage"]["indexed"] == 9
    first = found["results"][0]
    assert (first["rank"], first["path"], first["root"], first["host"]) == (
        1, str(docs / "python_script.py"), "docs", "here")  # fmt: skip
    assert [one["name"] for one in found["results"]] == [
        name.split("_", 2)[2] for name in listing(mount, "data analysis")
    ]
    text = magicfs.ok("search", "-n", "1", "data", "analysis")
    assert text.startswith(f"1  {first['score']:.2f}  {docs}/python_script.py:")
    assert "\x1b" not in text


def test_a_search_without_result_is_no_failure(magicfs: Commands) -> None:
    done = magicfs.run("search", "name:nothing-is-called-so.*")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing found" in done.stderr


@pytest.mark.parametrize("query", ["", "   ", '""'])
def test_an_empty_query_is_refused(magicfs: Commands, query: str) -> None:
    done = magicfs.run("search", query)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("magicfs: ")


def test_a_reader_that_leaves_early_is_no_failure(magicfs: Commands) -> None:
    line = f"{' '.join(COMMAND)} search python | true"
    done = subprocess.run(
        ["sh", "-c", line], env=magicfs.environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_up_again_changes_only_what_is_asked_for(magicfs: Commands, docs: Path, mount: Path) -> None:
    before = magicfs.pids()
    magicfs.ok("up", docs, "--mount", mount, "--detach", "--wait")
    assert magicfs.pids() == before
    magicfs.ok("up", "--workers", "2", "--detach")
    after = magicfs.pids()
    assert after.keys() - before.keys() == {"embed-2"}
    assert {name: after[name] for name in before} == before
    magicfs.ok("up", "--workers", "1", "--detach")
    assert magicfs.pids() == before


def test_a_setting_of_the_workers_leaves_the_mount_alone(magicfs: Commands, mount: Path) -> None:
    def is_gentle() -> bool:
        told = json.loads((magicfs.home / "run" / "parts.json").read_text())["embed-1"]["environment"]
        return told.get("MAGICFS_GENTLE") == "True"

    before = magicfs.pids()["mount"]
    with (mount / "mirror" / "docs" / "notes.txt").open() as opened:
        magicfs.ok("up", "--gentle", "--detach")
        assert is_gentle()
        assert opened.read()
        assert magicfs.pids()["mount"] == before
    magicfs.ok("up", "--detach")
    assert is_gentle(), "what was not asked for stays"
    magicfs.ok("up", "--no-gentle", "--detach")
    assert not is_gentle()
    assert magicfs.pids()["mount"] == before


def test_an_up_that_fails_leaves_what_runs_as_it_is(magicfs: Commands, docs: Path) -> None:
    before = magicfs.pids()
    (docs / "inner").mkdir()
    done = magicfs.run("up", docs / "inner", "--workers", "3", "--detach")
    assert done.returncode == 1
    assert "inner" in done.stderr
    (docs / "inner").rmdir()
    assert magicfs.pids() == before


def found(mount: Path, query: str) -> list[str]:
    """The paths of the files that a search finds, by name."""
    return sorted(os.readlink(link) for link in (mount / "links" / query).iterdir())


def test_files_that_come_change_move_and_go(magicfs: Commands, mount: Path, docs: Path) -> None:
    query = '"quokkas of rottnest"'
    (docs / "animals.txt").write_text("All about the quokkas of Rottnest island.\n")
    eventually(lambda: found(mount, query) == [str(docs / "animals.txt")], "the new file")
    (docs / "animals.txt").rename(docs / "moved.txt")
    eventually(lambda: found(mount, query) == [str(docs / "moved.txt")], "the moved file")
    [result] = json.loads(magicfs.ok("search", "--json", query))["results"]
    assert result["name"] == "moved.txt"
    (docs / "moved.txt").unlink()
    eventually(lambda: found(mount, query) == [], "the end of the file")
    magicfs.ok("scan", "--wait")
    assert magicfs.rows("SELECT count(*) FROM files") == [(9,)]


def test_roots_come_and_go(magicfs: Commands) -> None:
    other = magicfs.home.parent / "other"
    other.mkdir()
    (other / "fact.txt").write_text("Marmots whistle when an eagle is near.\n")
    assert magicfs.ok("roots", "add", other) == f"other: {other}\n"
    magicfs.ok("scan", "--wait")
    [result] = json.loads(magicfs.ok("search", "--json", '"marmots whistle"'))["results"]
    assert result["root"] == "other"
    assert "other" in magicfs.ok("roots", "list")
    (other / "fact.txt").write_text("Marmots whistle when an eagle is near. So do ground squirrels.\n")
    magicfs.ok("scan", str(other), "--wait")
    assert json.loads(magicfs.ok("search", "--json", '"ground squirrels"'))["results"]
    magicfs.ok("roots", "remove", "other")
    assert json.loads(magicfs.ok("search", "--json", '"marmots whistle"'))["results"] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_reported(magicfs: Commands, docs: Path) -> None:
    secret = docs / "secret.txt"
    secret.write_text("nobody may read this\n")
    secret.chmod(0)
    magicfs.ok("scan", "--wait")
    found = json.loads(magicfs.ok("failures", "--json"))["failures"]
    assert [(one["path"], one["reason"]) for one in found] == [(str(secret), "permission")]
    secret.unlink()


def test_a_file_that_holds_nothing_is_explained(magicfs: Commands, docs: Path) -> None:
    (docs / "empty.txt").touch()
    eventually(lambda: magicfs.rows("SELECT count(*) FROM files WHERE state = 'named'") == [(1,)], "its state")
    assert "named: empty" in magicfs.ok("doctor", docs / "empty.txt")
    (docs / "empty.txt").unlink()
    assert "indexed" in magicfs.ok("doctor", docs / "notes.txt")
    hidden = magicfs.run("doctor", docs / ".hidden")
    assert (hidden.returncode, "no such file" in hidden.stdout) == (1, True)


def test_doctor_finds_nothing_wrong_with_this_machine(magicfs: Commands) -> None:
    checks = json.loads(magicfs.ok("doctor", "--json"))
    assert checks["ok"]
    assert {check["name"] for check in checks["checks"]} >= {"fuse", "database", "broker", "model", "home", "parts"}


def test_models_are_listed(magicfs: Commands) -> None:
    found = json.loads(magicfs.ok("model", "list", "--json"))
    assert [f"{model['name']} ({model['precision']})" for model in found["models"] if model["in_use"]] == [
        found["in_use"]
    ]
    assert all(len(model["digest"]) == 64 for model in found["models"])


def test_a_part_that_dies_is_started_again_and_reported(magicfs: Commands, mount: Path) -> None:
    pid = magicfs.pids()["query-embedder"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: magicfs.pids()["query-embedder"] not in {None, pid}, "another query embedder")
    assert [part["restarts"] for part in status(magicfs)["parts"] if part["name"] == "query-embedder"] == [1]
    assert listing(mount, "python, after the query embedder has died")


def test_umount_ends_a_mount_that_up_runs_and_up_brings_it_back(magicfs: Commands, docs: Path, mount: Path) -> None:
    assert magicfs.ok("umount", mount) == f"{mount} is unmounted\n"
    assert list(mount.iterdir()) == []
    found = status(magicfs)
    assert "mount" not in {one["name"] for one in found["parts"]}
    assert found["mounts"] == []
    magicfs.ok("up", docs, "--mount", mount, "--detach")
    assert listing(mount, "python")


def test_a_scan_says_that_a_root_is_missing(magicfs: Commands, docs: Path) -> None:
    away = docs.with_name("away")
    docs.rename(away)
    try:
        done = magicfs.run("scan", "--wait")
    finally:
        away.rename(docs)
    assert done.returncode == 0
    assert "root docs is missing" in done.stderr
    assert "missing" not in magicfs.run("scan", "--wait").stderr
