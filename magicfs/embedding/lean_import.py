"""Imports fastembed without the libraries that it needs to download models and to read pictures.

Used by the processes that keep a stored model for as long as they live: the embed workers' children and the query
embedder. huggingface_hub, requests, Pillow and others would cost each of them 25 MB. A process that pulls models must
not call this. Main thread, before the first import of fastembed.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ABSENT = frozenset({"PIL", "huggingface_hub", "loguru", "requests", "tqdm"})
"""Packages that fastembed imports and that no stored model needs."""

log = logging.getLogger(__name__)


def import_fastembed() -> None:
    """Import fastembed with placeholders for the packages in `ABSENT`, unless it is imported already.

    A version of fastembed that does not load with the placeholders is imported as usual.
    """
    if "fastembed" in sys.modules:
        return
    finder = _PlaceholderFinder()
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module("fastembed")
    except (ImportError, AttributeError, TypeError) as error:
        log.info("fastembed is imported with all it can do: %s", error)
        _forget("fastembed")
    finally:
        sys.meta_path.remove(finder)
        # Whoever else imports one of these packages gets the real one.
        for name in finder.found:
            _forget(name)
    importlib.import_module("fastembed")


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


class _AbsentMeta(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent


class _Absent(metaclass=_AbsentMeta):
    """Stands for every name in an absent package. It can be named and subclassed; using it is a mistake."""

    def __init__(self, *_: object, **__: object) -> None:
        raise RuntimeError("fastembed was imported without this: see magicfs.embedding.lean_import")


class _StandIn(ModuleType):
    """A module that has every name. The logger of loguru is one of the standard library."""

    logger = logging.getLogger("fastembed")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent


class _PlaceholderFinder(MetaPathFinder, Loader):
    """Finds placeholders for the packages in `ABSENT` that are not imported yet."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        del path, target
        package = name.partition(".")[0]
        if package not in ABSENT:
            return None
        self.found.add(package)
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        del module
