"""The tests do not depend on the shell that starts them."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from magicfs.cli.environment import settings_for_command
from magicfs.config import Settings, load
from tests.plugins import broker, imports

ROOT = Path(__file__).parents[2]
PROBES = ("test_no_setting_comes_from_the_environment", "test_a_child_can_be_ended")


def test_no_setting_comes_from_the_environment(tmp_path: Path) -> None:
    assert [name for name in os.environ if name.upper().startswith(("MAGICFS_", "PG"))] == []
    assert Settings(home=tmp_path).home == tmp_path


def test_the_state_directory_of_this_user_is_out_of_reach() -> None:
    assert not load().home.is_relative_to(Path.home())


def test_a_child_can_be_ended() -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        with subprocess.Popen(["sleep", "30"]) as child:
            child.send_signal(number)
        assert child.returncode == -number


def test_a_port_is_chosen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes count from the same number."""
    chosen = broker.free_port()
    monkeypatch.setattr(broker, "_ports", itertools.count(chosen))
    assert broker.free_port() > chosen


def test_the_tests_ignore_the_settings_and_signals_of_a_shell(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    (home / "models" / "precious").write_text("a model")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        # Without its own, pytest closes the directory that the tests which run beside this one share.
        f"--basetemp={tmp_path / 'probes'}",
        *(f"{__file__}::{name}" for name in PROBES),
    ]
    done = subprocess.run(
        # As a shell starts a background job, with `nohup`.
        ["sh", "-c", 'trap "" INT HUP; exec "$@"', "sh", *command],
        env=os.environ | {"MAGICFS_HOME": str(home), "MAGICFS_MODEL": "none", "magicfs_workers": "x", "PGPORT": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(PROBES)} passed" in done.stdout


def test_programs_of_another_clone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "magicfs").mkdir()
    other = tmp_path / "magicfs" / "__init__.py"
    other.touch()
    # The tests run what is in the working directory.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", __file__],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"tests run {ROOT / 'magicfs' / '__init__.py'}, and programs {other}: set PYTHONPATH" in done.stderr


def test_a_benchmark_ignores_the_settings_of_a_shell(tmp_path: Path) -> None:
    program = (
        "from _report import parser; parser('').parse_args([]); "
        "from magicfs.config import Settings; import sys; print(Settings(home=sys.argv[1]).home)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        env=os.environ | {"PYTHONPATH": str(ROOT / "benchmarks"), "MAGICFS_HOME": "/elsewhere", "magicfs_workers": "x"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(tmp_path)


@pytest.mark.parametrize(("url", "kept"), [(None, False), ("postgresql://elsewhere/magicfs", True)])
def test_variables_of_libpq_hold_for_an_external_database_alone(
    monkeypatch: pytest.MonkeyPatch, url: str | None, kept: bool
) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    if url:
        monkeypatch.setenv("MAGICFS_DATABASE_URL", url)
    settings_for_command()
    assert ("PGPORT" in os.environ) is kept


def test_each_process_imports_all_modules_and_another_share_first() -> None:
    paths = [Path(f"{number}.py") for number in range(20)]
    orders = [imports.own_share_first(paths, f"gw{process}", 8) for process in range(8)]
    assert len({order[0] for order in orders}) == len(orders)
    assert all(sorted(order) == sorted(paths) for order in orders)
