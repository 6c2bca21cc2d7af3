"""The rules against git itself, on small random trees."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magicfs.ingest.ignore import IgnoreRules
from magicfs.ingest.walk import Walk
from tests.plugins.programs import needs

pytestmark = needs("git")

NAMES = ["a", "b", "src", "x.log", "y 7", "l\nf", "Ic\r"]
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)
SEGMENTS = st.sampled_from(
    [
        "a",
        "b",
        "src",
        "x.log",
        "*",
        "**",
        "***",
        "*.log",
        "?",
        "[ab]",
        "[!a]",
        "s*c",
        "**c",
        "*[[:digit:]]",
        "l*",
        "l?f",
    ]
)
RULES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/", "**/"]),
    st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "", "/", "/**", "/*", " ", "\\ ", "\t", "\r"]),
)
RULE_FILES = st.dictionaries(
    st.sampled_from(["", "a", "src/b"]),
    st.lists(
        st.one_of(RULES, st.sampled_from(["!*/", "!**", "# a", "\\", "[", "[[:nothing:]]", "Ic\r", "/", "!", "!/"])),
        max_size=6,
    ),
    max_size=3,
)
ListFiles = Callable[[Path], set[bytes]]


@pytest.fixture(scope="module")
def untracked(tmp_path_factory: pytest.TempPathFactory) -> ListFiles:
    """Lists the files of a new tree that git does not ignore."""
    repository = tmp_path_factory.mktemp("git")
    git = ("git", "-c", "core.excludesFile=/dev/null", f"--git-dir={repository}")
    subprocess.run([*git, "init", "--quiet"], check=True)
    (repository / "info/exclude").unlink(missing_ok=True)

    def list_files(tree: Path) -> set[bytes]:
        command = [*git, f"--work-tree={tree}", "ls-files", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=tree, check=True, capture_output=True).stdout
        return set(listed.split(b"\0")[:-1])

    return list_files


def walked(tree: Path) -> set[bytes]:
    root = os.fsencode(tree)
    walk = Walk(root=root, device=os.stat(root).st_dev, top=b"", rules=IgnoreRules().enter(root, relative=b""))
    return {os.path.join(listing.path, name) for listing in walk.listings() for name in listing.signatures()}


def written(tree: Path, paths: set[str], rules: Mapping[str, list[str]]) -> Path:
    shutil.rmtree(tree, ignore_errors=True)
    for directory, lines in rules.items():
        (tree / directory).mkdir(parents=True, exist_ok=True)
        (tree / directory / ".gitignore").write_bytes("".join(f"{line}\n" for line in lines).encode())
    tree.mkdir(exist_ok=True)
    for path in sorted(paths):
        if any(parent.is_file() for parent in (tree / path).parents) or (tree / path).is_dir():
            continue
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).touch()
    return tree


def without_rule_files(paths: set[bytes]) -> set[bytes]:
    """Git lists them; a built-in rule of ours ignores them."""
    return {path for path in paths if not path.endswith(b".gitignore")}


@settings(max_examples=100, deadline=None)
@given(st.sets(PATHS, min_size=1, max_size=12), RULE_FILES)
def test_random_rules_hold_as_in_git(
    tmp_path_factory: pytest.TempPathFactory, untracked: ListFiles, paths: set[str], rules: dict[str, list[str]]
) -> None:
    tree = written(tmp_path_factory.getbasetemp() / "tree", paths, rules)
    assert without_rule_files(walked(tree)) == without_rule_files(untracked(tree))
