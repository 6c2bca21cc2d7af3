"""Lets the processes of a run share the compiling of the test modules.

Each process imports all of them. In a new clone none is compiled: in the same order, every process would compile every
module.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def own_share_first(paths: list[Path], process: str, processes: int) -> list[Path]:
    """The paths: first the share of a process, which is `gw0`, `gw1` and so on, then those of the ones after it."""
    first = len(paths) * int(process.removeprefix("gw")) // processes
    return paths[first:] + paths[:first]


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Import the test modules before they are collected: a process compiles its share, and finds the others compiled.

    A run of some of them imports nothing in advance.
    """
    process = os.environ.get("PYTEST_XDIST_WORKER")
    if process is None or any(Path(argument).resolve() != TESTS for argument in session.config.args):
        return
    paths = sorted(TESTS.rglob("test_*.py"))
    for path in own_share_first(paths, process, int(os.environ["PYTEST_XDIST_WORKER_COUNT"])):
        name = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
        # The collection reports what cannot be imported.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)
