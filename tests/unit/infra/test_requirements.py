"""The pinned dependencies: everything is pinned by hash, and no file names a package index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.unit.infra.command_lines import REPOSITORY

FILES = sorted((REPOSITORY / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def pinned(name: str) -> set[str]:
    """Names of the packages that a file pins."""
    text = (REPOSITORY / "requirements" / name).read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE))


def names(requirements: list[str]) -> set[str]:
    """Names in requirements of pyproject.toml, spelled as pinned ones are."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", line)[0]).lower() for line in requirements}


def test_the_files_that_there_are() -> None:
    assert [path.name for path in FILES] == ["build.txt", "dev.txt", "model.txt", "runtime.txt"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_holds_versions_and_hashes_and_nothing_else(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"([a-z0-9._-]+==\S+( ; .+)?|    --hash=sha256:[0-9a-f]{64})( \\)?", line), line


def test_everything_that_is_declared_is_pinned() -> None:
    project = PROJECT["project"]
    # What the extra `gpu` has replaces a pinned package.
    extras = project["optional-dependencies"]
    optional = [line for extra, lines in extras.items() if extra != "gpu" for line in lines]
    wanted = names([*project["dependencies"], *optional])
    assert wanted <= pinned("runtime.txt"), "run 'make lock'"
    assert names(PROJECT["dependency-groups"]["dev"]) | pinned("runtime.txt") <= pinned("dev.txt"), "run 'make lock'"


def test_torch_is_not_among_them() -> None:
    assert not {"torch", "sentence-transformers", "transformers"} & (pinned("dev.txt") | pinned("model.txt"))
