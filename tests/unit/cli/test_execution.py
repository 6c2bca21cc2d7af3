"""How commands end: an exit code, and one line on an error."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from magicfs.cli import execution
from magicfs.errors import ModelMissing, UsageError
from magicfs.linux.files import MAX_LOG_BYTES


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[BaseException]:
    """The command raises what is put into this list."""
    errors: list[BaseException] = []

    def application(*_: object, **__: object) -> None:
        raise errors[0]

    monkeypatch.setattr("magicfs.cli.application.app", application)
    monkeypatch.setenv("MAGICFS_HOME", str(tmp_path))
    (tmp_path / "log").mkdir()
    return errors


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ModelMissing("no model:\n  run this"), 1, "magicfs: no model: run this\n"),
        (UsageError("nothing to search for"), 2, "magicfs: nothing to search for\n"),
        (typer.BadParameter("not a number."), 2, "magicfs: Invalid value: not a number: see 'magicfs --help'\n"),
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, ""),
    ],
)
def test_errors_become_exit_codes_and_one_line(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    failing.append(error)
    assert execution.run([]) == code
    assert capsys.readouterr() == ("", said)


def test_what_is_made_is_open_to_its_owner_whatever_the_umask_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_execute", lambda _: None)
    mask = os.umask(0o777)
    try:
        execution.run([])
    finally:
        assert os.umask(mask) == 0o077


@pytest.mark.parametrize("arguments", [["search", "cache", "-ext:pdf"], ["grep", "-word cache"]])
def test_a_query_with_a_minus_is_told_from_options(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execution.run(arguments) == 2
    assert "write -- before a query with a minus" in capsys.readouterr().err


def test_an_unknown_option_is_no_query(capsys: pytest.CaptureFixture[str]) -> None:
    assert execution.run(["search", "cache", "--jso"]) == 2
    assert "minus" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["doctor", ""],
        ["roots", "remove", " "],
        ["scan", ""],
        ["hosts", "admit", ""],
        ["hosts", "retire", ""],
        ["model", "use", ""],
        ["model", "pull", ""],
        ["metrics", "--output", ""],
        ["cluster", "join", "", "SHA256:x"],
    ],
)
def test_an_empty_name_as_from_an_unset_variable_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execution.run(arguments) == 2
    assert "an empty name names nothing: see 'magicfs " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["failures", "--limit", "0"], "'--limit': it must be at least 1: see"),
        (["failures", "--limit", "many"], "'--limit': it must be a whole number: see"),
        (["up", "--workers", "1000"], "'--workers': it must be at most 256: see"),
        (["failures", "--reason", "bad"], "'--reason': 'bad' is not one of 'too-large', "),
    ],
)
def test_a_wrong_value_is_refused_in_plain_words(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execution.run(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["search", "roots", "-n"], "search"),
        (["failures", "--json=1"], "failures"),
        (["roots", "list", "--json=1"], "roots list"),
    ],
)
def test_the_help_that_an_error_names_is_that_of_the_command(
    arguments: list[str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execution.run(arguments) == 2
    assert capsys.readouterr().err.endswith(f": see 'magicfs {command} --help'\n")


def test_what_nobody_expected_is_one_line_and_a_log(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failing.append(ZeroDivisionError("division\nby zero"))
    assert execution.run([]) == 1
    log = tmp_path / "log" / "magicfs-error.log"
    assert capsys.readouterr().err == (
        f"magicfs: unexpected ZeroDivisionError: division by zero: the details are in {log}\n"
    )
    assert "Traceback" in log.read_text()


def test_a_current_directory_that_was_removed_is_no_unexpected_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert execution.run(["umount", "mount"]) == 1
    assert capsys.readouterr().err == (
        "magicfs: the current directory was removed: change to another one, then try again\n"
    )


def test_the_log_of_errors_does_not_grow_for_ever(failing: list[BaseException], tmp_path: Path) -> None:
    log = tmp_path / "log" / "magicfs-error.log"
    log.touch(0o600)
    os.truncate(log, MAX_LOG_BYTES + 1)
    failing.append(ZeroDivisionError("x"))
    assert execution.run([]) == 1
    assert log.read_text().count("Traceback") == 1
    assert log.with_name(f"{log.name}.1").exists()


def test_a_broken_configuration_does_not_hide_the_error(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAGICFS_WORKERS", "many")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing.append(ZeroDivisionError("x"))
    assert execution.run([]) == 1
    assert "ZeroDivisionError: x: the details are in" in capsys.readouterr().err


@pytest.fixture
def shared(failing: list[BaseException], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The temporary directory, where the log goes because the folder of logs cannot be used. An error is on its way."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    (tmp_path / "log").rmdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    failing.append(ZeroDivisionError("x"))
    return folder


def log_named_in(message: str) -> Path:
    return Path(message.rstrip().rpartition("the details are in ")[2])


def test_a_log_in_the_temporary_directory_is_for_its_owner_alone(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execution.run([]) == execution.run([]) == 1
    first, second = map(log_named_in, capsys.readouterr().err.splitlines())
    assert first == second == shared / "magicfs-error.log"
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert first.read_text().count("Traceback") == 2


def open_to_others(path: Path, _: Path) -> None:
    path.touch()
    path.chmod(0o666)


def of_somebody_else(path: Path, _: Path) -> None:
    path.touch(mode=0o600)
    os.chown(path, 1, 1)


TRAPS = [
    open_to_others,
    pytest.param(of_somebody_else, marks=pytest.mark.skipif(os.geteuid() != 0, reason="needs root")),
    lambda path, victim: path.symlink_to(victim),
    lambda path, victim: path.hardlink_to(victim),
    lambda path, _: os.mkfifo(path, 0o600),
    lambda path, _: path.mkdir(),
]


@pytest.mark.parametrize("trap", TRAPS, ids=["mode", "owner", "link", "hard link", "pipe", "directory"])
def test_a_log_that_others_have_prepared_is_not_used(
    shared: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, trap: Callable[[Path, Path], object]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    victim.chmod(0o600)
    trap(shared / "magicfs-error.log", victim)
    assert execution.run([]) == 1
    log = log_named_in(capsys.readouterr().err)
    assert log.parent == shared
    assert log.name != "magicfs-error.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "Traceback" in log.read_text()
    assert victim.read_text() == "precious"


def test_success_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.cli.application.app", lambda *_, **__: None)
    assert execution.run([]) == 0


def test_a_code_of_typer_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.cli.application.app", lambda *_, **__: 3)
    assert execution.run([]) == 3


def test_errors_do_not_need_a_reader(failing: list[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    failing.append(ModelMissing("x"))
    monkeypatch.setattr(sys, "stderr", Gone())
    assert execution.run([]) == 1
