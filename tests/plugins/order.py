"""The order of the modules in a run on several processes.

Tests of commands keep the processors and the memory busy; those of faults and of mounts mostly wait. One after the
other, they would compete first and leave the machine idle afterwards. At the end, a module that takes minutes would run
alone.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LAST = "unit"
"""The folder without long modules: they fill the end of a run."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the modules of all folders but `LAST` take turns, in proportion to the number that each folder has.

    Those of `LAST` follow, the ones with most tests first.
    """
    if not hasattr(config, "workerinput"):
        return
    tests = Counter(item.path for item in items)
    folders: dict[str, list[Path]] = {}
    for path in tests:
        folders.setdefault(path.relative_to(TESTS).parts[0], []).append(path)
    places: dict[Path, tuple[float, int]] = {}
    for folder, paths in folders.items():
        for number, path in enumerate(paths):
            places[path] = (1.0, -tests[path]) if folder == LAST else ((number + 0.5) / len(paths), 0)
    items.sort(key=lambda item: places[item.path])
