"""The thread that waits for the kernel's reports: changes in watched directories, and mounts.

Used by `watches`. The thread only reads: it has the reports handled on the event loop of the mount.
"""

from __future__ import annotations

import functools
import logging
import select
import threading
import time
from collections.abc import Callable, Iterable

import trio

from magicfs.linux.inotify import Event, Inotify
from magicfs.linux.mounts import MOUNTINFO, MountChanges

log = logging.getLogger(__name__)

MAX_PAUSE_SECONDS = 0.02
"""Pause between two readings of reports about nothing that the kernel keeps, such as those of a program that writes."""


class ReportThread:
    """Passes reports to the event loop until that has ended, or reading fails."""

    def __init__(
        self,
        inotify: Inotify,
        run_on_loop: Callable[[Callable[[], None]], None],
        *,
        handle_events: Callable[[Iterable[Event]], bool],
        handle_mounts: Callable[[Iterable[bytes]], None],
        give_up: Callable[[], None],
    ) -> None:
        """`run_on_loop` runs a function on the event loop, from any thread; there the others run.

        `handle_events` returns whether the events were about something that the kernel keeps, `handle_mounts` takes
        mount points that have come or gone, and `give_up` is called when no more reports come.
        """
        self._inotify = inotify
        self._run_on_loop = run_on_loop
        self._handle_events = handle_events
        self._handle_mounts = handle_mounts
        self._give_up = give_up
        self._mounts = MountChanges()
        self._pause_s = 0.0

    def start(self) -> None:
        """Wait for reports from now on."""
        threading.Thread(target=self._run, name="watches", daemon=True).start()

    def _run(self) -> None:
        try:
            self._pass_reports()
        except trio.RunFinishedError:
            return
        except Exception:
            log.exception("directories are not watched any more: listing and missing names take longer")
            self._run_on_loop(self._give_up)

    def _pass_reports(self) -> None:
        with open(MOUNTINFO, "rb") as mounts:
            poll = select.poll()
            poll.register(self._inotify.descriptor, select.POLLIN)
            poll.register(mounts, select.POLLPRI)
            while True:
                ready = {descriptor for descriptor, _ in poll.poll()}
                is_reported = self._inotify.descriptor in ready
                events = list(self._inotify.read(timeout_s=0, pause_s=0)) if is_reported else []
                if mounts.fileno() in ready:
                    self._run_on_loop(functools.partial(self._handle_mounts, self._mounts.take()))
                self._run_on_loop(functools.partial(self._pass_events, events))
                time.sleep(self._pause_s)

    def _pass_events(self, events: Iterable[Event]) -> None:
        is_kept = self._handle_events(events)
        self._pause_s = 0.0 if is_kept else min(2 * self._pause_s + 0.001, MAX_PAUSE_SECONDS)
