"""`RootWatch`: the watch of one root, in a thread of its own, and the pause after a watch that ended by itself.

Used by `root_keeper`. `watcher` watches. Its methods are called by one thread, and block only where they say so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from magicfs.domain.roots import Root
from magicfs.ingest.outages import errors_logged
from magicfs.ingest.watcher import Watcher
from magicfs.logs import Outage


class RootWatch:
    """A watch from its start on, and the pause after it."""

    def __init__(
        self,
        watcher: Watcher,
        outage: Outage,
        root: Root,
        *,
        retry_s: float,
        refused_s: float,
        on_end: Callable[[], None],
    ) -> None:
        """Start the watch. The pause is `refused_s` seconds when the system refuses to watch, else `retry_s`.

        `on_end` is called after both.
        """
        self.root = root
        self._watcher = watcher
        self._outage = outage
        self._retry_s = retry_s
        self._refused_s = refused_s
        self._on_end = on_end
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch-{root.name}")
        self._thread.start()

    def end(self) -> None:
        """Ask the watch to end. Does not wait for it."""
        self._ended.set()

    def is_over(self) -> bool:
        """Whether the watch and the pause after it have ended."""
        return not self._thread.is_alive()

    def join(self) -> None:
        """Wait for the end of the watch."""
        self._thread.join()

    def _run(self) -> None:
        pause = self._retry_s
        work = f"watch of root {self.root.id}"
        with errors_logged(self._ended, self._outage, work):
            if not self._watcher.run(self.root, self._ended):
                pause = self._refused_s
        self._ended.wait(pause)
        # The next watch of the root says whether it fails too.
        self._outage.ended(work)
        self._on_end()
