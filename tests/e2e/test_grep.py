"""`magicfs grep` and real files: the numbers of lines are those of the files, and exit codes those of grep."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.models.store import ModelStore
from tests.plugins.commands import Commands, commands_in, short_folder
from tests.plugins.pdf import pdf_file

LINES = [f"Paragraph {number} tells how the ferry crosses the bay.\n" for number in range(60)]


@pytest.fixture(scope="module")
def found(model_store: ModelStore) -> Iterator[tuple[Commands, Path]]:
    with short_folder() as folder, commands_in(folder, model_store) as commands:
        docs = folder / "docs"
        (docs / "plans").mkdir(parents=True)
        (docs / "plans" / "plan.md").write_text("# Plan\n\nFirst.\n\n\n    the gearbox is oiled in May\n\nLast.\n")
        (docs / "long.txt").write_text("\n\n".join(LINES) + "\nThe gearbox is at the end.\n")
        (docs / "manual.pdf").write_bytes(pdf_file("Nothing on the first page.", "How the gearbox is opened."))
        (folder / "link").symlink_to(docs)
        commands.ok("up", docs, "--detach", "--wait")
        yield commands, folder


def grep(found: tuple[Commands, Path], *arguments: str | Path, code: int = 0, folder: str = ".") -> list[str]:
    """The lines that `magicfs grep` prints in a folder."""
    commands, top = found
    done = commands.run("grep", *arguments, cwd=top / folder)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == (code == 2)
    return done.stdout.splitlines()


def test_a_line_is_where_grep_finds_it(found: tuple[Commands, Path]) -> None:
    docs = found[1] / "docs"
    lines = grep(found, "gearbox", "docs")
    assert set(lines) >= {
        "docs/plans/plan.md:6:    the gearbox is oiled in May",
        "docs/long.txt:180:The gearbox is at the end.",
        "docs/manual.pdf#page=2:How the gearbox is opened.",
    }
    by_grep = subprocess.run(
        ["grep", "-rniI", "--exclude=*.pdf", "gearbox", "docs"], cwd=docs.parent, stdout=subprocess.PIPE, check=True
    )
    assert set(by_grep.stdout.decode().splitlines()) <= set(lines)


def test_paths_lead_to_the_files_from_where_they_are_printed(found: tuple[Commands, Path]) -> None:
    docs = found[1].resolve() / "docs"
    assert grep(found, "-l", "oiled gearbox", "docs/plans") == ["docs/plans/plan.md"]
    assert grep(found, "-l", "oiled gearbox", "link/plans") == ["link/plans/plan.md"]
    assert grep(found, "-l", "oiled gearbox", "plan.md", folder="docs/plans") == ["plan.md"]
    assert grep(found, "-l", "oiled gearbox", docs / "plans") == [f"{docs}/plans/plan.md"]
    assert grep(found, "-l", "-m", "1", "oiled gearbox", folder="docs") == ["plans/plan.md"]
    assert grep(found, "-l", "-m", "1", "oiled gearbox", folder="docs/plans") == ["plan.md"]
    assert grep(found, "-l", "-m", "1", "oiled gearbox", folder="home") == [f"{docs}/plans/plan.md"]


def test_exit_codes_are_those_of_grep(found: tuple[Commands, Path]) -> None:
    assert grep(found, "-q", "gearbox", "docs") == []
    assert grep(found, '"no text has these words"', code=1) == []
    assert grep(found, "gearbox", "home", code=2) == []
    assert grep(found, "gearbox", "docs/missing", code=2) == []
    assert grep(found, "gearbox", "", code=2) == []
    assert grep(found, "-c", "--", "-oiled gearbox ext:txt", "docs") == ["docs/long.txt:1"]
