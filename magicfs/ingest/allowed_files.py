"""`AllowedFiles`: the files that this machine lets be read for the index, whatever the index says that there are.

A host of a cluster reads what a scan of its own finds, below the roots that were added on it. Another host could name
in the index any other file there, such as a key in a hidden directory, and read its text. Used by extract workers.
"""

from __future__ import annotations

from pathlib import Path

from magicfs.state_directory.allowed_roots import AllowedRoots


class AllowedFiles:
    """The files of one machine. Any thread."""

    def __init__(self, home: Path) -> None:
        """`home` is the state directory."""
        self._roots = AllowedRoots(home)

    def allows(self, root: bytes, path: bytes) -> bool:
        """Whether the file at a path below a root may be read. Reads the rule files on the way to it.

        Raises `ConfigError` when it is not known which roots may be read.
        """
        if not self._roots.allows(root):
            return False
        return not self._roots.is_limited or _is_scanned(root, path)


def _is_scanned(root: bytes, path: bytes) -> bool:
    """Whether a scan does not leave out a file at this path."""
    # With its libraries it takes memory, which a worker outside of a cluster does not need.
    from magicfs.ingest.ignore import rules_for

    if not {b"", b".", b".."}.isdisjoint(path.split(b"/")):
        return False
    rules = rules_for(root, path.rpartition(b"/")[0])
    return rules is not None and not rules.ignores(path, is_directory=False)
