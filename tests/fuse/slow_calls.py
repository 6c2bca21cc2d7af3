"""Calls that may take long, or hang."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

LONG_DEADLINE_SECONDS = 40.0
"""The deadline of calls that hang, where a test shows that others do not wait for them."""
AT_ONCE_SECONDS = 25.0
"""What waits for nothing takes milliseconds; on a loaded machine it takes longer, but less than that deadline."""


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
