"""The worker's consumer lets Redis wait for a message for a minute before it says that there is none."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis

from tasks.consumer import Channel

WAIT_SECONDS = 60

_ask = Channel._brpop_start


def _ask_patiently(self: redis.Channel, timeout: Any = None) -> Any:
    return _ask(self, timeout or WAIT_SECONDS)


Channel._brpop_start = _ask_patiently
