"""Logging: one line for each event on standard error, where the supervisor, systemd or Docker collects it."""

from __future__ import annotations

import logging
import sys

QUIETED_LOGGERS = (
    *("httpx", "httpcore", "huggingface_hub", "urllib3"),
    # Celery writes two lines for each message, and there are several messages a second.
    *("celery.worker.strategy", "celery.app.trace"),
)
"""Loggers of other libraries that write warnings only: their other lines do not help readers of our logs."""


def setup(*, level: str = "INFO", role: str = "magicfs") -> None:
    """Send the log of this process to standard error. Each line names the process's `role`.

    Called once, at the entry point of a service or a command.
    """
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)-7s {role}[%(process)d] %(name)s: %(message)s",
        force=True,
    )
    for name in QUIETED_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
