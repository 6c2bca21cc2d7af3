"""`IdleTimeout`: a child that has had no task for a while ends, and its successor holds nothing until a task comes.

What a child holds for its work (libraries, a model, a parser process) is most of the memory of a stack that has nothing
to do. A child that ends between two tasks holds no claim, so nothing is lost; a message that comes in that moment costs
one notification. A child whose next task must begin at once goes on instead, and frees a part of it. Created in the
parent before the fork; `worker` uses it in the child, whose main thread runs tasks and whose other thread waits.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from billiard.pool import EX_RECYCLE


class IdleTimeout:
    """Ends the children of a worker that have no task. One in a parent, which all of its children inherit."""

    def __init__(self, *, seconds: float, free: Callable[[], None] | None = None) -> None:
        """`seconds` is the time without a task after which a child ends, or calls `free` if that is given.

        The successor of a child that has ended needs a second of a core for what it holds when a task comes.
        """
        self._seconds = seconds
        self._free = free
        self._has_freed = False
        self._shared = mmap.mmap(-1, 2)
        """Two flags that a parent and its children share: whether the last child has ended for want of tasks, and
        whether the child works on a task."""
        self._guard = threading.Lock()
        self._is_working = False
        self._idle_since = 0.0
        self._is_watched = False
        """Whether a thread of this child waits to end it."""

    def child_started(self) -> bool:
        """Called when a child starts. Returns whether it builds nothing before its first task.

        That is so after a child that has ended for want of tasks, and not after one that has died.
        """
        follows_idle = self._shared[0] == 1
        self._shared[0] = self._shared[1] = 0
        if not follows_idle:
            self._watch()
        return follows_idle

    def child_works(self) -> bool:
        """Whether the child works on a task, by its own account. For its parent."""
        return self._shared[1] == 1

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep the child from ending while a task runs. The timeout begins anew at the end of the task."""
        with self._guard:
            self._is_working = True
            self._shared[1] = 1
        self._watch()
        try:
            yield
        finally:
            with self._guard:
                self._is_working = False
                self._shared[1] = 0
                self._has_freed = False
                self._idle_since = time.monotonic()

    def _watch(self) -> None:
        if not self._is_watched:
            self._is_watched = True
            self._idle_since = time.monotonic()
            threading.Thread(target=self._end_when_idle, name="idle timeout", daemon=True).start()

    def _end_when_idle(self) -> None:
        left = self._seconds
        while True:
            time.sleep(left)
            with self._guard:
                left = self._seconds
                if not self._is_working:
                    left -= time.monotonic() - self._idle_since
                    if left <= 0:
                        self._end()
                        left = self._seconds

    def _end(self) -> None:
        """End this child, or free a part of what it holds."""
        if self._free is None:
            self._shared[0] = 1
            # Not by an exception in the main thread, which waits in native code. This is the end of a child that Celery
            # replaces without a word.
            os._exit(EX_RECYCLE)
        if not self._has_freed:
            self._has_freed = True
            self._free()
