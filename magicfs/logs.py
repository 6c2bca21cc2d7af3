"""Logging: one line an event, to standard error, where the supervisor, systemd or Docker collects it."""

from __future__ import annotations

import logging
import sys

CHATTY = (
    *("httpx", "httpcore", "huggingface_hub", "urllib3"),
    # Two lines for each message, several messages a second.
    *("celery.worker.strategy", "celery.app.trace"),
)
"""Loggers of other libraries whose information is of no use to anybody who reads our logs."""


def setup(*, level: str = "INFO", role: str = "magicfs") -> None:
    """Send the log of this process to standard error, each line naming the process's `role`.

    Called once, at the entry point of a service. Commands that talk to a person log warnings only.
    """
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)-7s {role}[%(process)d] %(name)s: %(message)s",
        force=True,
    )
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
