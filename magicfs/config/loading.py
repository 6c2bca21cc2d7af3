"""Reads the settings of this process: the environment over `config.toml` over defaults."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from magicfs.config.settings import PREFIX, Settings, default_home, environment_values
from magicfs.config.values import InvalidSetting
from magicfs.errors import ConfigError
from magicfs.state_directory.home import FILE_NAME


def load(variables: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of this process. Raises `ConfigError` with the name of the setting that is wrong.

    `variables` are the environment, or that of another process with the same state directory.
    """
    path = default_home() / FILE_NAME
    try:
        from_file = _read_file(path)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read ({error}): fix it, or set MAGICFS_HOME to a directory of yours"
        ) from error
    if "home" in from_file:
        raise ConfigError(f"'home' in {path} cannot be set there: set MAGICFS_HOME")
    try:
        return Settings.of(variables, from_file)
    except InvalidSetting as error:
        name = error.name
        if name not in Settings.table():
            hint = _hint(name.lower().removeprefix(PREFIX.lower()), list(Settings.table()))
            raise ConfigError(f"'{name}' in {path} is no setting: {hint}") from error
        variable = f"{PREFIX}{name.upper()}"
        origin = variable if name in environment_values(variables) else f"'{name}' in {path}"
        raise ConfigError(f"{origin} {error.reason}") from error


def _read_file(path: Path) -> dict[str, Any]:
    """The settings in a file; none if there is no file. Raises `OSError`, or `ValueError` for what is not TOML."""
    try:
        # A FIFO would be waited for.
        if stat.S_ISFIFO(path.stat().st_mode):
            raise ValueError("it is a FIFO")
        # Editors of Windows begin a file with a mark.
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    import tomllib

    return tomllib.loads(text)


def unknown_variables(variables: Mapping[str, str] = os.environ) -> list[str]:
    """A warning for each of the `MAGICFS_` variables that is no setting, with the most similar setting."""
    settings = [f"{PREFIX}{name.upper()}" for name in Settings.table()]
    # The case of a variable's name does not matter.
    unknown = sorted(name for name in variables if name.startswith(PREFIX) and name.upper() not in settings)
    return [f"{name} is no setting and has no effect: {_hint(name.upper(), settings)}" for name in unknown]


def _hint(name: str, settings: list[str]) -> str:
    similar = difflib.get_close_matches(name, settings, n=1, cutoff=0.8)
    return f"did you mean {similar[0]}?" if similar else "see docs/settings.md for the settings"
