"""The order of the modules in a run on several processes.

Tests of commands keep the processors and the memory busy; those of faults and of mounts mostly wait. One after the
other, they would compete first and leave the machine idle afterwards.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ALTERNATING = frozenset({"e2e", "faults", "fuse"})
"""The folders with long modules, which come first: the short ones of other folders fill the end of a run."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the modules of the folders in `ALTERNATING` take turns, in proportion to the number that each folder has."""
    if not hasattr(config, "workerinput"):
        return
    folders: dict[str, list[Path]] = {}
    for path in dict.fromkeys(item.path for item in items):
        folders.setdefault(path.relative_to(TESTS).parts[0], []).append(path)
    places = {
        path: (number + 0.5) / len(folders[folder])
        for folder in ALTERNATING & folders.keys()
        for number, path in enumerate(folders[folder])
    }
    items.sort(key=lambda item: places.get(item.path, 1.0))
