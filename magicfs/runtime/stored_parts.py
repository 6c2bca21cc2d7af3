"""`StoredParts`: the parts that should run on a machine, and the options of `up`, in files of the state directory.

Used by `supervisor`, which changes them under its lock; `launch` reads how each part is started. What is stored says
what should run, and stays when a supervisor is killed: it does not say that anything runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from magicfs.domain.parts import Part, UpOptions
from magicfs.linux.disk import remove_if_writable
from magicfs.linux.files import replace_file
from magicfs.runtime.cleanup import CONFIGURATION_FILE
from magicfs.runtime.launch import PARTS_FILE, STARTS_FOLDER
from magicfs.runtime.supervisord_config import render

OPTIONS_FILE = Path("run", "up.json")


class StoredParts:
    """The parts and the options that one state directory stores."""

    def __init__(self, home: Path) -> None:
        self._parts = home / PARTS_FILE
        self._options = home / OPTIONS_FILE
        self._configuration = home / CONFIGURATION_FILE
        self._starts = home / STARTS_FOLDER

    def parts(self) -> list[Part]:
        """The parts that should run; none where none are stored."""
        try:
            return [Part.from_json(name, part) for name, part in _read_json(self._parts).items()]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def options(self) -> UpOptions | None:
        """The options of the last `up`; None when there are none."""
        try:
            return UpOptions.from_json(_read_json(self._options))
        except (OSError, ValueError, KeyError, TypeError):
            return UpOptions.from_parts(self.parts())

    def store(self, parts: Sequence[Part], options: UpOptions | None) -> None:
        """Store the parts and the options, readable for the owner alone: the parts' environments hold passwords."""
        self._starts.mkdir(mode=0o700, exist_ok=True)
        # The options first: if this process is killed in between, they name every mount that `down` must end.
        self.store_options(options)
        described = {part.name: part.as_json() for part in parts}
        replace_file(self._parts, json.dumps(described, indent=1, ensure_ascii=True))
        replace_file(self._configuration, render(parts))

    def store_options(self, options: UpOptions | None) -> None:
        """Store the options, or forget them."""
        if options is None:
            self._options.unlink(missing_ok=True)
        else:
            replace_file(self._options, json.dumps(options.as_json()))

    def forget(self) -> None:
        """Forget the parts and the options."""
        remove_if_writable(self._options)
        remove_if_writable(self._parts)

    def reset_starts(self, names: Iterable[str]) -> None:
        """Count the starts of these parts from 0 again."""
        for name in names:
            (self._starts / name).unlink(missing_ok=True)

    def starts(self, name: str) -> int:
        """How often a part was started."""
        try:
            return (self._starts / name).stat().st_size
        except OSError:
            return 0


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
