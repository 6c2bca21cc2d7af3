"""A mount process like that of `magicfs mount`, with a search that records its queries and fails on demand.

`mount_process` runs `main`, perhaps with `TEST_OPEN_FILES` in its environment, a limit of open files,
`TEST_WITHOUT_FAST_PATH`, `TEST_FILES_IN_PYTHON` to have the fast path take over no file, `TEST_FILES_SECONDS`, the
deadline of a call that waits for a file system, `TEST_WATCHED_SECONDS`, for how long the kernel keeps what is watched,
or `TEST_MAX_WATCHES`, how many directories are; `TEST_REQUESTS` is a file to which each request that Python handles
appends a line with its name. With `TEST_LISTED_SECONDS` it takes as long to read the attributes of further names of a
directory after the first ones. `TEST_REMOTE_FILES` has other hosts (`tests.fakes.remote_files`). It prints a line when
the mount is ready, and at its end how many requests Python had nothing to do with.
"""

from __future__ import annotations

import functools
import inspect
import os
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from magicfs import logs
from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.domain.models import ModelSpec
from magicfs.domain.results import SearchResult
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.errors import MagicFSError
from magicfs.fuse import fast_path, listing_operations, operations, thread_pools, watched_directory, watches
from magicfs.fuse.listed_files import ListedFiles
from magicfs.fuse.mount import DATABASE_CONNECTIONS, run_mount
from magicfs.fuse.node_operations import NodeOperations
from magicfs.search.service import SearchService
from magicfs.tree.real.directories import RealDirectory
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.remote_files import FakeRemoteFiles

HOST = "here"
CONNECT_SECONDS = 5.0
"""How long the mount waits for a connection."""

SEARCH_SECONDS = 20.0
SLOW_SECONDS = 3.0
HALTING_SECONDS = 2.0
FILES_SECONDS = 15.0
"""The deadline of a call that waits for a file system or another host, without `TEST_FILES_SECONDS`."""


class FakeQueryEmbedder:
    """Embeds questions in this process, without a model."""

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion]:
        del kept, deadline_s
        return [EmbeddedQuestion(FakeEmbedder(spec).embed_query(text)) for spec in specs]


class RecordingSearcher:
    """Appends each query to a file. A query with `slow`, `halting`, `stuck` or `broken` in it makes the search so."""

    def __init__(self, service: SearchService, record: Path) -> None:
        self._service = service
        self._record = record

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        self._note(text)
        return self._service.search(text, limit=limit, deadline_s=deadline_s)

    def passages(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        self._note(f"{text} (passages)")
        return self._service.passages(text, limit=limit, deadline_s=deadline_s)

    def _note(self, text: str) -> None:
        with self._record.open("a", encoding="utf-8", errors="replace") as record:
            record.write(text + "\n")
        if "slow" in text:
            time.sleep(SLOW_SECONDS)
        if "halting" in text:
            time.sleep(HALTING_SECONDS)
        if "stuck" in text:
            time.sleep(60)
        if "broken" in text:
            raise RuntimeError("a bug")


def note_requests(file: str) -> None:
    """Append the name of each request to a file when Python begins with it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def noted(name: str, handler: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        @functools.wraps(handler)
        async def wrapped(*arguments: Any) -> Any:
            os.write(descriptor, f"{name}\n".encode())
            return await handler(*arguments)

        return wrapped

    (interface,) = NodeOperations.__bases__
    for name, default in vars(interface).items():
        if inspect.iscoroutinefunction(default):
            setattr(operations.TreeOperations, name, noted(name, getattr(operations.TreeOperations, name)))


def list_slowly(seconds: float) -> None:
    """Have the attributes of further names of a directory take so long, as on a slow disk."""

    class SlowFiles(ListedFiles):
        def __init__(self, directory: RealDirectory, names: Sequence[bytes], start: int) -> None:
            time.sleep(seconds if start else 0)
            super().__init__(directory, names, start)

    vars(listing_operations)["ListedFiles"] = SlowFiles


def main(mountpoint: Path, home: Path, database_url: str) -> int:
    logs.setup(role="mount")
    thread_pools.FILES_SECONDS = float(os.environ.get("TEST_FILES_SECONDS", FILES_SECONDS))
    thread_pools.HOST_SECONDS = thread_pools.FILES_SECONDS
    if "TEST_OPEN_FILES" in os.environ:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(os.environ["TEST_OPEN_FILES"]), most))
    if "TEST_WITHOUT_FAST_PATH" in os.environ:
        fast_path.load_library = functools.cache(lambda: None)
    if "TEST_FILES_IN_PYTHON" in os.environ:
        fast_path.FastPath.add = lambda *_, **__: False
        fast_path.FastPath.remember = lambda *_, **__: None
    if "TEST_WATCHED_SECONDS" in os.environ:
        seconds = float(os.environ["TEST_WATCHED_SECONDS"])
        for module in (watched_directory, listing_operations, operations):
            vars(module)["WATCHED_SECONDS"] = seconds
        watched_directory.LISTED_SECONDS = seconds / 2
    if "TEST_MAX_WATCHES" in os.environ:
        watches.MAX_WATCHES = int(os.environ["TEST_MAX_WATCHES"])
    if "TEST_LISTED_SECONDS" in os.environ:
        list_slowly(float(os.environ["TEST_LISTED_SECONDS"]))
    if "TEST_REQUESTS" in os.environ:
        note_requests(os.environ["TEST_REQUESTS"])
    settings = Settings(home=home, host=HOST, search_seconds=SEARCH_SECONDS)
    with Database(
        database_url, application="mount", size=DATABASE_CONNECTIONS, connect_seconds=CONNECT_SECONDS
    ) as database:
        service = SearchService(database, FakeQueryEmbedder(), default_limit=settings.search_limit)
        try:
            run_mount(
                mountpoint=mountpoint,
                settings=settings,
                searcher=RecordingSearcher(service, home / "searches"),
                database=database,
                remote_files=FakeRemoteFiles.of_environment(),
                ready=lambda: print("ready", flush=True),
            )
        except MagicFSError as error:
            print(error, file=sys.stderr)
            return 1
        print("served", fast_path.FAST_PATH.served(), flush=True)
    return 0
