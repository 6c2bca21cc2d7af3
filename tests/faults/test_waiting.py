"""`--wait` on a host where something does not run: it says what it waits for and why nothing moves."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from tests.plugins.broker import Broker
from tests.plugins.commands import COMMAND, KEPT
from tests.plugins.stack import HOST, Stack

SECONDS = 180
"""Ten until the first look for the reason, and time for a busy machine."""


class Waiter:
    """`magicfs scan --wait`, and what it has said so far."""

    def __init__(self, stack: Stack, log: Path) -> None:
        self._log = log
        environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "MAGICFS_HOME": str(stack.home),
            "MAGICFS_HOST": HOST,
            "MAGICFS_DATABASE_URL": stack.settings.database_dsn,
            **stack.environment,
        }
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*COMMAND, "scan", "--wait"], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self._log.read_text():
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, f"it never says {text!r}: {self._log.read_text()}"
            time.sleep(0.2)


def test_it_says_that_agent_broker_or_worker_is_missing(stack: Stack, broker: Broker, tmp_path: Path) -> None:
    stack.environment |= {"MAGICFS_BROKER_URL": broker.url}
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "one.txt").write_text("A file that waits.")
    stack.add_root(docs)
    waiter = Waiter(stack, tmp_path / "wait.log")
    try:
        waiter.wait_for(f"waiting for the scan of docs: no agent runs on {HOST}")
        stack.start_agent()
        waiter.wait_for(f"waiting for 1 file to be read: no extract worker answers on {HOST}")
        broker.stop()
        waiter.wait_for("waiting for 1 file to be read: no Redis answers")
        broker.start()
        stack.start_worker("extract")
        waiter.wait_for("no embed worker answers")
        stack.start_worker("embed")
        assert waiter.process.wait(SECONDS) == 0
    finally:
        waiter.process.kill()
        waiter.process.wait()
