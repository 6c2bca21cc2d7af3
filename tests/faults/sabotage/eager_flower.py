"""Flower tells workers to send events as often as it can, if it does, and Redis is never there then."""

from __future__ import annotations

from celery.app.control import Control
from flower.events import Events
from redis import ConnectionError as RedisConnectionError

Events.events_enable_interval = 50


def _fail(_: Control) -> None:
    raise RedisConnectionError("Connection closed by server.")


Control.enable_events = _fail
