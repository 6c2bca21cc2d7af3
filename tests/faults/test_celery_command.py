"""Celery's own command on a running cluster."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.plugins.broker import Broker
from tests.plugins.stack import HOST, Stack


def celery(stack: Stack, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "tasks.app", *arguments],
        env=os.environ
        | {
            "MAGICFS_HOME": str(stack.home),
            "MAGICFS_HOST": HOST,
            "MAGICFS_DATABASE_URL": stack.settings.database_dsn,
            **stack.environment,
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_inspects_and_calls(stack: Stack, broker: Broker) -> None:
    stack.environment |= {"MAGICFS_BROKER_URL": broker.url}
    stack.start_worker("extract")
    stack.wait(lambda: "ready." in stack.logs(), what="a worker")
    # It waits no longer than until the worker has answered.
    worker = ("--destination", f"extract-1@{HOST}", "--timeout", "60")
    assert f"extract-1@{HOST}" in celery(stack, "status", *worker)
    assert "pong" in celery(stack, "inspect", "ping", *worker)
    queues = celery(stack, "inspect", "active_queues", *worker, "--json")
    assert f"extract.{HOST}" in queues
    celery(stack, "call", "magicfs.embed")
    assert broker.client.llen("embed") == 1
    celery(stack, "call", "magicfs.extract")
    celery(stack, "call", "magicfs.maintenance")
    stack.wait(lambda: not broker.client.exists(f"extract.{HOST}", "maintenance"), what="the worker to take both")
    assert broker.client.llen("celery") == 0
