"""How commands end: an exit code, and one line on an error."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
import typer

from magicfs.cli import outcome
from magicfs.errors import ModelMissing, UsageError


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
    assert outcome.run([]) == code
    assert capsys.readouterr() == ("", said)


def test_what_nobody_expected_is_one_line_and_a_log(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failing.append(ZeroDivisionError("division\nby zero"))
    assert outcome.run([]) == 1
    log = tmp_path / "log" / "magicfs-error.log"
    assert capsys.readouterr().err == (
        f"magicfs: unexpected ZeroDivisionError: division by zero: the details are in {log}\n"
    )
    assert "Traceback" in log.read_text()


def test_a_broken_configuration_does_not_hide_the_error(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAGICFS_WORKERS", "many")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing.append(ZeroDivisionError("x"))
    assert outcome.run([]) == 1
    assert "ZeroDivisionError: x: the details are in" in capsys.readouterr().err


def test_success_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.cli.application.app", lambda *_, **__: None)
    assert outcome.run([]) == 0


def test_a_code_of_typer_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.cli.application.app", lambda *_, **__: 3)
    assert outcome.run([]) == 3


def test_errors_do_not_need_a_reader(failing: list[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    failing.append(ModelMissing("x"))
    monkeypatch.setattr(sys, "stderr", Gone())
    assert outcome.run([]) == 1
