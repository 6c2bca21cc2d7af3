"""Single settings change in `config.toml`, and nothing else in it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.cli.config_file import write_setting
from magicfs.errors import ConfigError

TEXT = """# my settings
workers = 4   # not more
hub = 'old:1'
mount = "/home/ada/Größe"
"""


def test_a_setting_is_written_changed_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    write_setting(tmp_path, "hub", "a:1")
    assert path.read_text() == 'hub = "a:1"\n'
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(TEXT)
    path.chmod(0o644)
    write_setting(tmp_path, "hub", "[fd00::1]:7420")
    rest = TEXT.replace("hub = 'old:1'\n", "")
    assert path.read_text() == 'hub = "[fd00::1]:7420"\n' + rest
    assert path.stat().st_mode & 0o777 == 0o644
    write_setting(tmp_path, "hub", None)
    write_setting(tmp_path, "hub", None)
    assert path.read_text() == rest


def test_a_file_of_a_windows_editor_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TEXT, encoding="utf-8-sig")
    write_setting(tmp_path, "hub", "a:1")
    assert path.read_text() == 'hub = "a:1"\n' + TEXT.replace("hub = 'old:1'\n", "")


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("workers = 1\n")
    (tmp_path / "config.toml").symlink_to(real)
    write_setting(tmp_path, "hub", "a:1")
    assert (tmp_path / "config.toml").is_symlink()
    assert real.read_text() == 'hub = "a:1"\nworkers = 1\n'


@pytest.mark.parametrize(
    "text", ["hub = [\n", 'model = """\nhub = "x"\n"""\n', 'hub = """\nx"""\n', "[table]\nhub = 1\nother = 2\n"]
)
def test_what_is_written_in_another_way_is_left_to_the_person(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError, match="write 'hub = \"a:1\"' there by hand"):
        write_setting(tmp_path, "hub", "a:1")
    assert (tmp_path / "config.toml").read_text() == text
