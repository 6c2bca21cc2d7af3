"""The systemd units: their commands exist, their variables are settings, and systemd accepts them."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from magicfs.config import Settings
from tests.plugins.programs import needs
from tests.unit.infra.command_lines import REPOSITORY, parse

FOLDER = REPOSITORY / "infra" / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
SPECIFIERS = {"%h": "/home/ada", "%i": "embed-1", "%l": "moon", "${QUEUE}": "embed"}
SETTINGS = {f"MAGICFS_{name.upper()}" for name in Settings.table()}
MAKES_A_MOUNT_NAMESPACE = {
    "ProtectSystem",
    "ProtectHome",
    "PrivateTmp",
    "PrivateDevices",
    "ReadOnlyPaths",
    "PrivateMounts",
}


def directives(unit: str) -> list[tuple[str, str]]:
    """The lines of a unit as pairs; a name may occur more than once."""
    lines = (FOLDER / unit).read_text(encoding="utf-8").splitlines()
    return [(line.partition("=")[0], line.partition("=")[2]) for line in lines if "=" in line and line[0] not in "#;["]


def values(unit: str, name: str) -> list[str]:
    return [value for key, value in directives(unit) if key == name]


def assigned(text: str) -> dict[str, str]:
    """The variables of an environment file."""
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))


def test_the_units_that_there_are() -> None:
    parts = ["magicfs-agent.service", "magicfs-mount.service", "magicfs-serve.service", "magicfs-worker@.service"]
    assert [*parts, "magicfs.service"] == UNITS


@pytest.mark.parametrize("unit", UNITS)
def test_commands_exist(unit: str) -> None:
    commands = [*values(unit, "ExecStart"), *values(unit, "ExecStop")]
    assert commands
    for command in commands:
        line = command
        for specifier, sample in SPECIFIERS.items():
            line = line.replace(specifier, sample)
        assert not set("%$") & set(line)
        assert parse(shlex.split(line))


@pytest.mark.parametrize("unit", UNITS)
def test_variables_are_settings(unit: str) -> None:
    for line in values(unit, "Environment"):
        for variable in (assignment.split("=", 1)[0] for assignment in shlex.split(line)):
            assert variable in SETTINGS or f"${{{variable}}}" in SPECIFIERS


def test_the_environment_files_exist_and_hold_settings_and_no_password() -> None:
    shared = assigned((FOLDER / "magicfs.env").read_text(encoding="utf-8"))
    assert set(shared) <= SETTINGS
    assert set(shared.values()) == {""}
    assert assigned((FOLDER / "worker-extract.env").read_text(encoding="utf-8")) == {"QUEUE": "extract"}
    for unit in UNITS:
        for path in values(unit, "EnvironmentFile"):
            name = Path(path.removeprefix("-").replace("%i", "extract")).name
            assert (FOLDER / name).exists()


@pytest.mark.parametrize("unit", UNITS)
def test_restarted_without_hurry_and_without_core_files(unit: str) -> None:
    assert values(unit, "Restart")[0] in {"always", "on-failure"}
    assert values(unit, "RestartSec")
    assert values(unit, "LimitCORE") == ["0"]
    assert values(unit, "UMask") == ["0077"]


@pytest.mark.parametrize("unit", ["magicfs.service", "magicfs-worker@.service"])
def test_a_unit_with_workers_goes_on_when_a_process_of_it_is_killed_for_want_of_memory(unit: str) -> None:
    assert values(unit, "OOMPolicy") == ["continue"]


@pytest.mark.parametrize("unit", ["magicfs.service", "magicfs-mount.service"])
def test_a_unit_that_mounts_has_no_option_that_would_hide_or_forbid_the_mount(unit: str) -> None:
    names = {name for name, _ in directives(unit)}
    assert not names & MAKES_A_MOUNT_NAMESPACE
    assert not names & {
        "NoNewPrivileges",
        "SystemCallFilter",
        "RestrictNamespaces",
        "RestrictSUIDSGID",
        "LockPersonality",
    }


@pytest.mark.parametrize("unit", ["magicfs-agent.service", "magicfs-serve.service", "magicfs-worker@.service"])
def test_a_unit_that_does_not_mount_is_locked_in(unit: str) -> None:
    assert values(unit, "NoNewPrivileges") == ["yes"]
    assert values(unit, "ProtectSystem") == ["strict"]
    assert values(unit, "ProtectHome") == ["read-only"]
    assert values(unit, "CapabilityBoundingSet") == [""]


def test_a_parser_may_confine_itself() -> None:
    [allowed] = values("magicfs-worker@.service", "SystemCallFilter")[1:]
    assert {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} <= set(allowed.split())


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit != "magicfs.service"])
def test_systemd_accepts_the_unit(unit: str, tmp_path: Path) -> None:
    """The unit with our program replaced by one that exists, because systemd checks that it does."""
    text = (FOLDER / unit).read_text(encoding="utf-8").replace("/opt/magicfs/bin/magicfs", "/bin/true")
    copy = tmp_path / unit.replace("@.", "@extract.")
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=150, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
