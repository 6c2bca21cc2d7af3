"""Processes forked from one that has imported the libraries, whose imports take longer than most commands of tests.

Modules of MagicFS that only commands use are imported by each command anew. One server of forks serves a whole session.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LIBRARIES = (
    *("celery", "kombu", "numpy", "pathspec", "prometheus_client", "psutil", "psycopg", "psycopg_pool", "redis"),
    *("rich", "typer"),
    # What they import only when they run takes half of a command, and two thirds of the start of a worker.
    *("celery.apps.worker", "celery.bin.celery", "celery.concurrency.prefork", "celery.worker.components"),
    *("kombu.transport.redis", "typer._adapters"),
)
# A child imports what the tests were started with, too.
PRELOADED = ["pytest", "tests.fuse.mount_main", *LIBRARIES]

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(PRELOADED)


def run_command(
    arguments: list[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    timeout: float,
    cwd: Path | None = None,
    constants: Mapping[str, float] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `magicfs` to its end, as `subprocess.run` does: with this environment, in `cwd`, and with no input.

    What it prints passes through files in `folder`. It has other `constants`, by the names of their modules and their
    own. Raises `subprocess.TimeoutExpired` when it was killed.
    """
    output, errors = folder / "stdout", folder / "stderr"
    process = FORKS.Process(
        target=_become,
        args=(arguments,),
        kwargs={
            "environment": dict(environment),
            "output": output,
            "errors": errors,
            "cwd": cwd or Path.cwd(),
            "constants": dict(constants or {}),
        },
    )
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(arguments, timeout, stderr=errors.read_bytes())
    printed = [path.read_text(errors="surrogateescape") for path in (output, errors)]
    return subprocess.CompletedProcess(arguments, process.exitcode, *printed)


def take_environment(environment: Mapping[str, str]) -> None:
    """Have this environment and no other variable."""
    os.environ.clear()
    os.environ.update(environment)


class ForkedPart:
    """`magicfs` with these arguments, as the first process of a session, and the methods of `subprocess.Popen` for it.

    It has this environment and no input, writes to the end of `log`, and imports the module `sabotage` first.
    """

    def __init__(
        self, arguments: list[str], *, environment: Mapping[str, str], log: Path, sabotage: str | None = None
    ) -> None:
        log.touch()
        # A daemon, so that no part outlives the tests.
        self._process = FORKS.Process(
            target=_become_part, args=(arguments, dict(environment), log, sabotage), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("magicfs", timeout or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()


def _become(
    arguments: list[str],
    *,
    environment: dict[str, str],
    output: Path,
    errors: Path,
    cwd: Path,
    constants: dict[str, float],
) -> None:
    """Become the process of a command."""
    take_environment(environment)
    os.chdir(cwd)
    for path, descriptor in ((output, 1), (errors, 2)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    for place, value in constants.items():
        module, _, name = place.rpartition(".")
        setattr(importlib.import_module(module), name, value)
    _run(arguments)


def _become_part(arguments: list[str], environment: dict[str, str], log: Path, sabotage: str | None) -> None:
    """Become the process of a part."""
    os.setsid()
    take_environment(environment)
    with log.open("ab") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    if sabotage is not None:
        importlib.import_module(sabotage)
    _run(arguments)


def _run(arguments: list[str]) -> None:
    sys.argv = ["magicfs", *arguments]
    from magicfs.cli.main import main

    main()
