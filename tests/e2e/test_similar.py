"""`magicfs similar` and real files: drafts, excerpts and files about the same, by every path that leads to a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from magicfs.models.store import ModelStore
from tests.plugins.commands import Commands, commands_in, short_folder
from tests.plugins.fuse import fuse_is_missing

LEASE = """The tenant pays the rent for the flat on the first day of each month, by bank transfer.

The landlord keeps the heating, the roof and the stairs in repair, and may enter after notice of two days.

The deposit of three months is returned when the tenant has moved out and the flat is found in order."""
DRAFT = LEASE.replace("first day", "third day").replace("two days", "a week")
TEXTS = {
    "lease.txt": LEASE,
    "drafts/lease.txt": DRAFT,
    "letter.txt": "Dear landlord, the heating in our flat is broken. Please repair it, or we will pay less rent.",
    "bread.txt": "Knead flour, water, salt and yeast, let the dough rise over night, and bake the bread in a hot oven.",
    "stars.txt": "A telescope shows the rings of Saturn and the moons of Jupiter in a clear night without clouds.",
    "engine.txt": "Change the oil of the engine after ten thousand kilometres, and look at the brakes and the tyres.",
    "copy of lease.txt": LEASE,
}


@pytest.fixture(scope="module")
def found(model_store: ModelStore) -> Iterator[tuple[Commands, Path]]:
    with short_folder() as folder, commands_in(folder, model_store) as commands:
        docs = folder.resolve() / "docs"
        (docs / "drafts").mkdir(parents=True)
        (docs / "empty").mkdir()
        for name, text in TEXTS.items():
            (docs / name).write_text(text)
        (docs / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(64))
        mounted: list[str | Path] = []
        if not fuse_is_missing():
            (folder / "mnt").mkdir()
            mounted = ["--mount", folder / "mnt"]
        commands.ok("up", docs, *mounted, "--detach", "--wait")
        yield commands, docs


def similar(found: tuple[Commands, Path], path: str | Path, *options: str) -> dict[str, Any]:
    commands, docs = found
    done = commands.run("similar", path, "--json", *options, cwd=docs)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def names(answer: dict[str, Any]) -> list[str]:
    return [os.path.relpath(one["path"], Path(answer["query"]).parent) for one in answer["results"]]


def test_a_draft_comes_before_what_is_about_the_same(found: tuple[Commands, Path]) -> None:
    _, docs = found
    answer = similar(found, docs / "lease.txt")
    assert answer["query"] == str(docs / "lease.txt")
    assert names(answer)[:2] == ["drafts/lease.txt", "letter.txt"]
    draft, letter, *others = answer["results"]
    assert draft["score"] > 0.9 > letter["score"] > 0.1
    assert all(one["score"] < 0.1 for one in others)
    assert draft["lines"] == [1, 5]
    assert draft["snippet"].startswith("The tenant pays")
    assert answer["notices"] == [f"the same bytes, and no neighbours: {docs / 'copy of lease.txt'}"]


def test_people_see_what_a_search_shows(found: tuple[Commands, Path]) -> None:
    commands, docs = found
    done = commands.run("similar", docs / "lease.txt", "-n", "1")
    first, *_ = done.stdout.splitlines()
    assert first.startswith("1  0.9")
    assert first.endswith(f"{docs}/drafts/lease.txt:1-5")
    assert "the same bytes" in done.stderr
    assert len([line for line in done.stdout.splitlines() if "/docs/" in line]) == 1


def test_every_path_of_a_file_names_it(found: tuple[Commands, Path]) -> None:
    _, docs = found
    expected = similar(found, docs / "lease.txt")["results"]
    paths = ["lease.txt", "./drafts/../lease.txt"]
    mount = docs.parent / "mnt"
    if mount.exists():
        [root] = os.listdir(mount / "mirror")
        query = mount / "search" / "landlord keeps the stairs"
        result = next(name for name in os.listdir(query) if name.endswith("_lease.txt"))
        real = os.getxattr(query / result, "user.magicfs.path").decode()
        expected_of_result = similar(found, real)["results"]
        assert similar(found, query / result)["results"] == expected_of_result
        assert similar(found, mount / "links" / query.name / result)["results"] == expected_of_result
        paths.append(str(mount / "mirror" / root / "lease.txt"))
    for path in paths:
        assert similar(found, path)["results"] == expected, path


def test_grep_and_doctor_take_the_paths_of_a_mount(found: tuple[Commands, Path]) -> None:
    commands, docs = found
    mount = docs.parent / "mnt"
    if not mount.exists():
        pytest.skip("FUSE is missing")
    [root] = os.listdir(mount / "mirror")
    folder, query = mount / "mirror" / root / "drafts", mount / "search" / "landlord keeps the stairs"
    result = query / next(name for name in os.listdir(query) if name.endswith("_lease.txt"))
    assert commands.ok("grep", "-l", "heating", folder) == f"{folder}/lease.txt\n"
    assert commands.ok("grep", "-m", "1", "heating", result).startswith(f"{result}:3:The landlord keeps the heating")
    assert commands.ok("grep", "-l", "-m", "1", "broken heating", mount / "mirror" / root).startswith(
        f"{mount}/mirror/"
    )
    for path in (folder / "lease.txt", result, mount / "links" / query.name / result.name):
        explained = json.loads(commands.ok("doctor", path, "heating", "--json"))
        assert Path(explained["path"]).parent in {docs, docs / "drafts"}
        assert explained["indexed"]
        assert explained["standing"]["rank"] >= 1


def test_a_directory_that_only_the_mount_has_is_no_path_of_the_index(found: tuple[Commands, Path]) -> None:
    """It was said to lie in no root, with the advice to add the mount as one."""
    commands, docs = found
    mount = docs.parent / "mnt"
    if not mount.exists():
        pytest.skip("FUSE is missing")
    query = mount / "search" / "landlord keeps the stairs"
    for arguments in (("grep", "heating", query), ("doctor", query), ("similar", query), ("doctor", mount)):
        done = commands.run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"magicfs: {arguments[-1]} is no file or directory of a root: name a result, or a path below mirror/\n"
        )


def test_errors_are_one_line_that_says_what_to_do(found: tuple[Commands, Path]) -> None:
    commands, docs = found
    for path, code, said in [
        ("missing.txt", 2, "the index has no file"),
        ("drafts", 2, "is a directory"),
        (".", 2, "is a directory"),
        ("", 2, "give a path"),
        ("film.mp4", 1, "has no text"),
    ]:
        done = commands.run("similar", path, cwd=docs)
        assert (done.returncode, done.stdout) == (code, ""), path
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
