"""A process that serves a mount, forked from one that has imported everything: the imports take a second each time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuse import mount_main
from tests.plugins.forks import FORKS, take_environment


class ForkedMount:
    """A mount in a process of its own, with the methods of `subprocess.Popen` that the tests use."""

    def __init__(self, path: Path, home: Path, *, log: Path, environment: dict[str, str]) -> None:
        reader, writer = multiprocessing.Pipe(duplex=False)
        # A daemon, so that no mount outlives the tests.
        self._process = FORKS.Process(target=_serve, args=(path, home, log, writer, environment), daemon=True)
        self._process.start()
        writer.close()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.stdout = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("mount", timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _serve(path: Path, home: Path, log: Path, output: Connection, environment: dict[str, str]) -> None:
    """Become a process as if it had been started with this environment, and serve the mount."""
    take_environment(environment)
    os.dup2(output.fileno(), 1)
    output.close()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    sys.exit(mount_main.main(path, home, environment["TEST_DATABASE_URL"]))
