"""The Dockerfile: the files that it copies and the commands that it runs exist, and its user is not root."""

from __future__ import annotations

import fnmatch
import re

from magicfs.config import Settings
from tests.unit.infra.command_lines import REPOSITORY, parse


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as pairs of instruction and arguments; comments dropped, continued lines joined."""
    text = (REPOSITORY / "infra" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    pairs = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(pair[0], pair[1]) for pair in pairs]


def copied() -> list[str]:
    """Sources that are copied from the repository."""
    return [
        source
        for name, arguments in instructions()
        if name == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    ]


def test_copied_files_exist() -> None:
    assert copied()
    for source in copied():
        assert (REPOSITORY / source).exists(), source


def test_the_build_context_holds_what_is_copied_and_no_passwords() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "everything is left out unless it is named"
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    for source in copied():
        assert source.split("/")[0] in allowed
    assert not any(fnmatch.fnmatch(".env", pattern) for pattern in allowed)
    for name in allowed:
        assert (REPOSITORY / name).exists(), f"{name} is allowed, but there is no such thing"


def test_dependencies_are_installed_by_hash() -> None:
    installs = [
        part for name, text in instructions() if name == "RUN" for part in text.split("&&") if "pip install" in part
    ]
    assert installs
    for install in installs:
        # Without isolation MagicFS is built with what was installed before, by hash.
        assert "--require-hashes" in install or "--no-deps --no-build-isolation ." in install


def test_the_stages_have_names_and_the_last_one_no_compiler() -> None:
    found = instructions()
    stages = [index for index, (name, _) in enumerate(found) if name == "FROM"]
    assert [found[index][1].split(" AS ")[1] for index in stages] == ["builder", "runtime"]
    last = " ".join(arguments for _, arguments in found[stages[-1] :])
    assert "gcc" not in last
    assert "fuse3" in last


def test_it_runs_as_an_ordinary_user_and_brings_the_models() -> None:
    found = instructions()
    users = [index for index, (name, _) in enumerate(found) if name == "USER"]
    assert found[users[-1]][1] not in {"root", "0"}
    ours = [(index, text) for index, (name, text) in enumerate(found) if name == "RUN" and text.startswith("magicfs ")]
    assert [parse(text.split()) for _, text in ours] == [["model", "pull"], ["model", "pull"]]
    assert all(index > users[-1] for index, _ in ours), "the models must belong to the user"


def test_variables_are_settings() -> None:
    environment = " ".join(arguments for name, arguments in instructions() if name == "ENV")
    ours = set(re.findall(r"\bMAGICFS_(\w+)=", environment))
    assert ours == {"HOME"}
    assert {name.lower() for name in ours} <= set(Settings.table())
