"""Other hosts of a mount in tests, whose files are those of this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuse.indexed_root import IndexedRoot

if TYPE_CHECKING:
    from tests.fuse.conftest import MountProcess


@dataclass
class OtherHosts:
    """A host with one root, as a mount sees it. The mount has other ones too."""

    mount: MountProcess
    root: IndexedRoot
    host: str
    name: str
    control: Path

    @property
    def mirror(self) -> Path:
        return self.mount.path / f"mirror/{self.host}:{self.name}"

    def behave(self, behaviour: str) -> None:
        """Make the host hang, or whatever `tests.fakes.remote_files` can do."""
        new = self.control / "new"
        new.write_text(behaviour)
        new.replace(self.control / self.host)

    @property
    def calls(self) -> list[str]:
        calls = self.control / "calls"
        return calls.read_text(errors="surrogateescape").splitlines() if calls.exists() else []

    def calls_of(self, action: Callable[[], object]) -> list[str]:
        """What the mount asks of all hosts while something is done."""
        before = len(self.calls)
        action()
        return self.calls[before:]
