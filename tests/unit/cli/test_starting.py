"""What is told to the parts, and what is not."""

from __future__ import annotations

import sys
from pathlib import Path

from magicfs.cli.starting import MOUNT_READS, environment_of, last_words, mount_of
from magicfs.config import Settings
from magicfs.runtime.parts import Part, service_parts
from magicfs.runtime.supervisord_config import render


def parts(mount: Path | None, workers: int = 2) -> list[Part]:
    return service_parts(
        embed_workers=workers, embedder=("--socket", "s"), mount=mount, environment={"A": "b"}, mount_environment={}
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
    told = environment_of(settings, only=MOUNT_READS)
    assert told == {"MAGICFS_HOME": str(tmp_path), "MAGICFS_HOST": "here", "MAGICFS_SEARCH_LIMIT": "9"}


def test_the_mount_is_found_among_the_parts() -> None:
    assert mount_of(parts(Path("/mnt/a b"))) == Path("/mnt/a b")
    assert mount_of(parts(None)) is None


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


def test_the_last_line_of_a_log_is_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert last_words(log) == "it says nothing"
    log.write_text("first\nmagicfs: the last\n\n")
    assert last_words(log) == "the last"
