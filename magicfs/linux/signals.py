"""`stop_event`: how a service whose main thread waits learns that it is to end."""

from __future__ import annotations

import os
import signal
import threading

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set from now on. For the main thread of a process that does not fork.

    A handler in Python runs in the main thread, between two instructions. A signal that comes when that thread has
    decided to wait, and still hands the interpreter over to another one, is noted but ends no wait: on a busy machine
    a service would not end. What the interpreter writes when it notes a signal wakes a thread of its own.
    """
    stop = threading.Event()
    # Plain descriptors: they stay open as long as the process, like the handlers.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def wait() -> None:
        while True:
            if not STOP_SIGNALS.isdisjoint(os.read(reading, 1)):
                stop.set()

    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stop
