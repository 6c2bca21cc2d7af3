"""`Resting`: a child that has had no task for a while ends, and its successor holds nothing until a task comes.

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


class Resting:
    """Whether the children of a worker rest. One in a parent, which all of its children inherit."""

    def __init__(self, *, seconds: float, free: Callable[[], None] | None = None) -> None:
        """`seconds` is the time without a task after which a child ends, or calls `free` if that is given.

        The successor of a child that has ended needs a second of a core for what it holds when a task comes.
        """
        self._seconds = seconds
        self._free = free
        self._is_free = False
        self._shared = mmap.mmap(-1, 2)
        """Two flags that a parent and its children share: whether the last child has ended to rest and not died, and
        whether the child works on a task."""
        self._guard = threading.Lock()
        self._is_working = False
        self._idle_since = 0.0
        self._is_watched = False
        """Whether a thread of this child waits to end it."""

    def begin_life(self) -> bool:
        """Begin the life of a child. Returns whether it rests, because its predecessor has ended for want of tasks.

        A child that rests builds nothing before its first task.
        """
        rests = self._shared[0] == 1
        self._shared[0] = self._shared[1] = 0
        if not rests:
            self._watch()
        return rests

    def child_works(self) -> bool:
        """Whether the child works on a task, as itself says. For its parent."""
        return self._shared[1] == 1

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep the child from ending while a task runs. From then on it counts the time without one anew."""
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
                self._is_free = False
                self._idle_since = time.monotonic()

    def _watch(self) -> None:
        if not self._is_watched:
            self._is_watched = True
            self._idle_since = time.monotonic()
            threading.Thread(target=self._rest_when_idle, name="resting", daemon=True).start()

    def _rest_when_idle(self) -> None:
        left = self._seconds
        while True:
            time.sleep(left)
            with self._guard:
                left = self._seconds
                if not self._is_working:
                    left -= time.monotonic() - self._idle_since
                    if left <= 0:
                        self._rest()
                        left = self._seconds

    def _rest(self) -> None:
        if self._free is None:
            self._shared[0] = 1
            # Not by an exception in the main thread, which waits in native code. This is the end of a child that Celery
            # replaces without a word.
            os._exit(EX_RECYCLE)
        if not self._is_free:
            self._is_free = True
            self._free()
