"""The environment and the options of the parts that `magicfs up` starts."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import cast

import pytest

from magicfs.cli.commands.up import look_command
from magicfs.cli.part_logs import last_line
from magicfs.cli.part_settings import MOUNT_SETTINGS, SERVE_SETTINGS, environment_of
from magicfs.cli.starting import undone_on_failure
from magicfs.cli.up_request import Former
from magicfs.config import Settings
from magicfs.domain.parts import Part, UpOptions
from magicfs.runtime.parts import server_parts, service_parts
from magicfs.runtime.supervisor import Supervisor
from magicfs.runtime.supervisord_config import render


def parts(mount: Path | None, workers: int = 2) -> list[Part]:
    options = UpOptions(embed_workers=workers, gentle=False, mount=mount)
    return service_parts(
        options, embedder=("--socket", "s"), environment={"A": "b"}, mount_environment={}, search_environment={}
    )


def test_settings_that_were_set_reach_the_parts(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, workers=3, mount=tmp_path, host="here", flower_password="secret", nice=7)
    assert environment_of(settings) == {
        "MAGICFS_HOME": str(tmp_path),
        "MAGICFS_HOST": "here",
        "MAGICFS_NICE": "7",
    }


def test_the_mount_is_told_what_it_reads_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, host="here", nice=7, gentle=True, search_limit=9)
    told = environment_of(settings, only=MOUNT_SETTINGS)
    assert told == {"MAGICFS_HOME": str(tmp_path), "MAGICFS_HOST": "here", "MAGICFS_SEARCH_LIMIT": "9"}


def test_what_serves_is_a_part_of_its_own_with_its_own_settings(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, host="nas", nice=7, listen="10.8.0.2", advertise="nas.example.org")
    assert "MAGICFS_LISTEN" not in environment_of(settings)
    told = environment_of(settings, only=SERVE_SETTINGS)
    assert told == {
        "MAGICFS_HOME": str(tmp_path),
        "MAGICFS_HOST": "nas",
        "MAGICFS_LISTEN": "10.8.0.2",
        "MAGICFS_ADVERTISE": "nas.example.org",
    }
    options = UpOptions(embed_workers=1, gentle=False, mount=None)
    with_it, without = (
        service_parts(
            options,
            embedder=(),
            environment={"A": "b"},
            mount_environment={},
            search_environment={},
            serve_environment=environment,
        )
        for environment in (told, None)
    )
    [serve] = [part for part in with_it if part not in without]
    assert (serve.name, serve.environment) == ("serve", told)


def test_options_are_found_in_the_parts_of_an_older_version() -> None:
    assert UpOptions.from_parts(parts(Path("/mnt/a b"))) == UpOptions(
        embed_workers=2, gentle=False, mount=Path("/mnt/a b")
    )
    assert UpOptions.from_parts(parts(None, workers=0)) == UpOptions(embed_workers=0, gentle=False, mount=None)


def test_servers_alone_tell_no_options(tmp_path: Path) -> None:
    assert UpOptions.from_parts(server_parts(tmp_path, database=True, broker=True)) is None
    assert UpOptions.from_parts([]) is None


def test_options_survive_a_round_trip() -> None:
    for mount in (None, Path("/mnt/a b")):
        options = UpOptions(embed_workers=3, gentle=True, mount=mount)
        assert UpOptions.from_json(options.as_json()) == options


def test_parts_survive_a_round_trip() -> None:
    for part in parts(Path("/mnt")):
        assert Part.from_json(part.name, part.as_json()) == part


def test_another_setting_is_another_fingerprint() -> None:
    one, other = (Part(name="x", command=("y",), place=1, environment={"A": value}) for value in "ab")
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == Part.from_json("x", one.as_json()).fingerprint


def test_no_command_and_no_password_is_in_the_supervisors_configuration() -> None:
    part = Part(name="x", command=("secret-command",), place=1, environment={"MAGICFS_BROKER_URL": "secret"})
    text = render([part])
    assert "secret" not in text
    assert sys.executable in text


def test_the_last_line_of_a_log_has_no_prefix(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert last_line(log) == "its log is empty"
    log.write_text("first\nmagicfs: the last\n\n")
    assert last_line(log) == "the last"


@pytest.mark.parametrize("mount", ["/mnt/a", "/home/o'neil/My Files", '/tmp/"$(date)`id`\\ !'])
def test_a_shell_takes_the_command_that_up_shows(mount: str) -> None:
    assert shlex.split(look_command(Path(mount))) == ["ls", f"{mount}/search/what you look for"]


class Stopped:
    """A supervisor that has been told to stop."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def stop(self) -> None:
        self.calls.append("stop")

    def store_options(self, options: UpOptions | None) -> None:
        assert options is None


@pytest.mark.parametrize(("failure", "said"), [(KeyboardInterrupt(), "stopping what was begun\n"), (OSError(), "")])
def test_whoever_presses_ctrl_c_is_told_that_it_takes_a_moment(
    failure: BaseException, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor = Stopped()
    former = Former(parts=[], options=None)
    with pytest.raises(type(failure)), undone_on_failure(cast("Supervisor", supervisor), former):
        raise failure
    assert supervisor.calls == ["stop"]
    assert capsys.readouterr().err == said


def test_ctrl_c_that_ends_the_reader_of_the_remarks_too_stops_what_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of `magicfs up 2>&1 | tee log` does."""
    read, write = os.pipe()
    os.close(read)
    supervisor = Stopped()
    with open(write, "w", encoding="utf-8", buffering=1) as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        with (
            pytest.raises(KeyboardInterrupt),
            undone_on_failure(cast("Supervisor", supervisor), Former(parts=[], options=None)),
        ):
            raise KeyboardInterrupt
        os.dup2(os.open(os.devnull, os.O_WRONLY), write)
    assert supervisor.calls == ["stop"]
