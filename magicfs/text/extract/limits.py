"""What a parser may use up on one file, and when its process is replaced. Used on both sides of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.config import Settings

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file and on one child process."""

    seconds: float = 60.0
    """Wall time for one file; the child is killed when it is over."""
    memory_bytes: int = 1024 * MIB
    """Address space that parsing may add to that of a child at rest."""
    text_bytes: int = 16 * MIB
    """Text beyond this, measured in UTF-8, is cut off."""
    files_per_child: int = 500
    """A child is replaced after as many files: native libraries leak."""
    child_rss_bytes: int = 384 * MIB
    """A child that stays above this after a file is replaced."""
    nice: int = 5
    """How far the child stands back behind its parent."""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Take over what can be set."""
        return cls(
            seconds=float(settings.extract_seconds),
            memory_bytes=settings.worker_memory_mb * MIB,
            text_bytes=settings.max_text_mb * MIB,
        )
