"""Changes single settings in `config.toml`, and leaves everything else in it as it is, comments too.

Used by `magicfs cluster`. The file has one setting a line, as docs/settings.md shows it; one that is written in another
way is not changed. Main thread.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from magicfs.errors import ConfigError
from magicfs.linux.files import replace_file
from magicfs.state_directory.home import FILE_NAME


def write_setting(home: Path, name: str, value: str | None) -> None:
    """Set a setting in the file of a state directory, or remove it for None. Raises `ConfigError`."""
    path = home / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        wanted = {key: kept for key, kept in tomllib.loads(text).items() if key != name}
        line = re.compile(rf"^[ \t]*[\"']?{name}[\"']?[ \t]*=.*(?:\n|\Z)", re.MULTILINE)
        changed = line.sub("", text)
        if value is not None:
            wanted[name] = value
            # Before everything else, because a line behind the name of a table belongs to the table.
            changed = f"{name} = {json.dumps(value)}\n{changed}"
        if tomllib.loads(changed) != wanted:
            raise ConfigError(_by_hand(path, name, value))
        _replace(path, changed)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{_by_hand(path, name, value)} ({error})") from error


def _by_hand(path: Path, name: str, value: str | None) -> str:
    edit = f"remove '{name}'" if value is None else f"write '{name} = {json.dumps(value)}'"
    return f"{path} cannot be changed by this program: {edit} there by hand"


def _replace(path: Path, text: str) -> None:
    # It may be a link to a file that somebody keeps elsewhere.
    path = path.resolve()
    replace_file(path, text, mode=path.stat().st_mode & 0o777 if path.exists() else 0o600)
