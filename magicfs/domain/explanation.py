"""Why one path is in the index, or is not: what `magicfs doctor PATH` shows."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.files import FileFacts, FileState
from magicfs.domain.roots import RegisteredRoot


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one path is in the index, or is not."""

    root: RegisteredRoot
    """The root that the path lies in."""
    absolute: bytes
    """The path, with links among its parents resolved."""
    facts: FileFacts | None = None
    """What the index holds about the file; None when it holds nothing."""
    why_not: str = ""
    """Without facts: why, and a hint where there is one."""

    @property
    def indexed(self) -> bool:
        """Whether a search can find the file."""
        return self.facts is not None and self.facts.state in {FileState.INDEXED, FileState.NAMED}
