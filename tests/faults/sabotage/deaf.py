"""The worker's consumer stops asking Redis for messages, stops altogether, or loses messages or results of its child.

Which of them, the file `trouble` in the state directory says. The watchdog is quick.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from billiard.pool import READY
from celery.worker import state
from kombu.transport.redis import MultiChannelPoller

from tasks import watchdog
from tasks.consumer import Channel
from tasks.pool import ResultHandler

watchdog.CHECK_SECONDS = 0.5
watchdog.STOP_SECONDS = 3.0

TROUBLE_SECONDS = 5.0
"""After so many seconds, the watchdog ends a worker."""

_poll: Callable[[MultiChannelPoller], None] = MultiChannelPoller.on_poll_start
_read = Channel._brpop_read
_receive = ResultHandler._recv_message


def _trouble() -> str:
    path = Path(os.environ["MAGICFS_HOME"]) / "trouble"
    return path.read_text() if path.exists() else ""


def _on_poll_start(self: MultiChannelPoller) -> None:
    if state.all_total_count[0]:
        # Not before its child works, whose start takes long on a busy machine.
        watchdog.UNTAKEN_SECONDS = watchdog.UNSTARTED_SECONDS = TROUBLE_SECONDS
    match _trouble():
        case "asks for none":
            return
        case "hangs" if not state.active_requests:
            # A loop that hangs does not see its task end, which has the time of tasks.
            time.sleep(600)
    _poll(self)


def _brpop_read(self: Channel, **options: Any) -> Any:
    if _trouble() == "loses them":
        self.connection._deliver = lambda *_: None
    return _read(self, **options)


def _recv_message(self: ResultHandler, add_reader: Any, fd: int, callback: Callable[[Any], object]) -> Any:
    def take(message: Any) -> None:
        if message[0] != READY or _trouble() != "loses results":
            callback(message)

    return _receive(self, add_reader, fd, take)


MultiChannelPoller.on_poll_start = _on_poll_start
Channel._brpop_read = _brpop_read
ResultHandler._recv_message = _recv_message
