"""What a worker's child does its work with: the services of its kind, each built once, when it is first asked for.

Everything that the work needs (connections, the model, a parser process) is created in the child, after the fork, and
again in each child that replaces a dead one. `worker` says what the worker is, and the tasks call the services. A child
runs one task at a time in one thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol

from magicfs.linux.process import return_free_memory
from tasks.idle_timeout import IdleTimeout
from tasks.memory import MemoryGuard

if TYPE_CHECKING:
    # The parent needs none of them, and a child those of its kind only.
    from magicfs.pipeline.embed import EmbedService
    from magicfs.pipeline.extract import ExtractService
    from magicfs.pipeline.maintenance import MaintenanceService

OCR_SECONDS = 30.0
"""Pause between two checks whether another OCR is installed, or one is to be tried that files wait for."""

Kind = Literal["extract", "embed"]


class ServiceFactory(Protocol):
    """Builds the services of one child process on one pool of connections."""

    def extract_service(self) -> ExtractService:
        """A service that extracts files, with a parser process of its own. Raises `MagicFSError`."""

    def embed_service(self) -> EmbedService:
        """A service that embeds chunks, with a model of its own. Raises `MagicFSError`."""

    def maintenance_service(self) -> MaintenanceService:
        """A service that maintains the index."""

    def has_other_ocr(self) -> bool:
        """Whether another OCR is installed than the one that the last extract service reads with, or it is gone."""

    def ocr_is_due(self) -> bool:
        """Whether files may wait for the OCR that is installed now, and it is time to try it."""

    def notify_extract(self) -> None:
        """Notify the extract workers of this host that there is work."""


BuildServices = Callable[[str, Callable[[], bool]], ServiceFactory]
"""Makes the factory of a child for a worker, given its name in the cluster and what says that it stops."""


@dataclass(frozen=True, slots=True)
class Role:
    """What this worker is. The parent sets it before the fork, so the children inherit it."""

    kind: Kind
    owner: str
    """The name of the worker in the cluster, under which it claims rows."""
    build: BuildServices
    idle_timeout: IdleTimeout
    memory: MemoryGuard


_role: list[Role] = []
"""At most one."""


def take_role(role: Role) -> None:
    """Let this process and its children be this worker. Called once, before the fork."""
    _role.append(role)


def current_role() -> Role | None:
    """What this worker is; None in a process that is no worker."""
    return _role[0] if _role else None


_building = threading.Lock()


def _factory() -> ServiceFactory:
    """The factory of this process: one, whichever thread asks first."""
    with _building:
        return _built_factory()


@cache
def _built_factory() -> ServiceFactory:
    [role] = _role
    return role.build(role.owner, role.memory.is_stopping)


_outdated = threading.Event()
"""Whether the service of this process that extracts files reads with another OCR than the one that is installed."""


def extract_service() -> ExtractService:
    """The service of this process that extracts files. It has released the claims of its predecessor.

    It is built anew when another OCR is installed, and queues the files that waited for that when no other file waits.
    """
    if _outdated.is_set():
        end_parser()
        _built_extract_service.cache_clear()
        _outdated.clear()
    return _built_extract_service()


@cache
def _built_extract_service() -> ExtractService:
    [role] = _role
    service = _factory().extract_service()
    service.recover(memory_kills=role.memory.kills_in_a_row)
    return service


def watch_ocr() -> None:
    """Notify until a task has found out that another OCR is installed, and when one is to be tried that files wait for.

    In a thread of an extract worker's child.
    """
    while True:
        time.sleep(OCR_SECONDS)
        if _outdated.is_set() or _factory().has_other_ocr():
            _outdated.set()
        if _outdated.is_set() or _factory().ocr_is_due():
            _factory().notify_extract()


@cache
def embed_service() -> EmbedService:
    """The service of this process that embeds chunks, with its model loaded. The predecessor's claims are released."""
    [role] = _role
    service = _factory().embed_service()
    service.recover(lacked_memory=role.memory.kills_in_a_row > 0)
    service.warm_up()
    return service


@cache
def maintenance_service() -> MaintenanceService:
    """The service of this process that maintains the index."""
    return _factory().maintenance_service()


def end_parser() -> None:
    """End the parser process of this child, and give memory back."""
    if _built_extract_service.cache_info().currsize:
        _built_extract_service().free_memory()
    return_free_memory()
