"""Calls that may take long, or hang."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable


def seconds(action: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began


def in_thread(action: Callable[[], object]) -> threading.Thread:
    """A thread with a call that hangs, or fails with an `OSError`."""

    def call() -> None:
        with contextlib.suppress(OSError):
            action()

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread
