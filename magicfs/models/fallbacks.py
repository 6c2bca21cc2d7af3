"""Which models of a store the fallback replaces, and why: a pull records it, and who looks for such a model reads it.

Used by `store`, which holds its lock while it records. Any process may read meanwhile.
"""

from __future__ import annotations

import json
from pathlib import Path

from magicfs.linux.files import replace_file

_FILE = "fallbacks.json"
_FORMER_FILE = "stand-ins.json"
"""An existing store may have it."""


class Fallbacks:
    """The record in the directory of a store."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def notices(self) -> dict[str, str]:
        """Why the fallback is in use, by the name of the model that it replaces."""
        path = self._directory / _FILE
        if not path.exists():
            path = self._directory / _FORMER_FILE
        try:
            notices = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return notices if isinstance(notices, dict) else {}

    def record(self, name: str, notice: str | None) -> None:
        """Record why the fallback replaces the model `name`; with None, that it does not. Raises `OSError`."""
        notices = self.notices()
        changed = {replaced: each for replaced, each in notices.items() if replaced != name}
        if notice is not None:
            changed[name] = notice
        if changed != notices:
            replace_file(self._directory / _FILE, json.dumps(changed), mode=0o644)
