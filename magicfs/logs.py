"""Logging: one record a line on standard error, where the supervisor, systemd or Docker collects it.

A record is text or, for programs, a JSON object. A traceback is part of its record.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType

QUIETED_LOGGERS = (
    *("httpx", "httpcore", "huggingface_hub", "urllib3"),
    # Celery writes two lines for each message, and there are several messages a second.
    *("celery.worker.strategy", "celery.app.trace"),
)
"""Loggers of other libraries that write warnings only: their other lines do not help readers of our logs."""

LINE_BREAK = "\\n"
"""What stands for a line break within a record of text: a backslash and an n."""

log = logging.getLogger(__name__)


REPEAT_SECONDS = 600.0
"""Pause before an outage that lasts is logged again: who looks at the end of a log sees that it has not ended."""

AGAIN_SECONDS = 60.0
"""An outage that begins after this time, and after some work has succeeded, is another one."""


class Outage:
    """Logs one line when work begins to fail for an expected reason, and one when all of it succeeds again.

    One that lasts is logged again every `REPEAT_SECONDS`. Work that is seldom done keeps an outage from ending: so what
    begins to fail later, after other work has succeeded, gets a line of its own. Threads may share an outage.
    """

    def __init__(
        self,
        logger: logging.Logger,
        *,
        beginning: str = "no work is done for now, and none is lost",
        end: str = "work goes on",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`beginning` is what is logged before an error, `end` when all is well again. `clock` gives seconds."""
        self._logger = logger
        self._beginning = beginning
        self._end = end
        self._clock = clock
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}
        """Why each piece of work fails, by its name."""
        self._logged: dict[str, float] = {}
        """When each reason was logged last."""
        self._succeeded = float("-inf")
        """When a piece of work has succeeded last."""

    def began(self, work: str, error: Exception) -> None:
        """Log the error of a piece of work, unless this or another one fails by the same kind in this outage."""
        reason, now = type(error).__name__, self._clock()
        with self._lock:
            logged = self._logged.get(reason, float("-inf"))
            begins_to_fail = self._reasons.get(work) != reason
            is_another = begins_to_fail and self._succeeded > logged and now - logged >= AGAIN_SECONDS
            is_new = reason not in self._reasons.values() or is_another or now - logged >= REPEAT_SECONDS
            self._reasons[work] = reason
            if is_new:
                self._logged[reason] = now
        if is_new:
            self._logger.warning("%s: %s", self._beginning, error)

    def ended(self, work: str) -> None:
        """Log the end, if this piece of work was the last one that failed."""
        with self._lock:
            self._succeeded = self._clock()
            is_over = self._reasons.pop(work, None) is not None and not self._reasons
        if is_over:
            self._logger.info("%s", self._end)


class TextFormatter(logging.Formatter):
    """A record as one line of text. Its line breaks are written as `LINE_BREAK`."""

    def __init__(self, *, role: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {role}[%(process)d] %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line break at its end."""
        return LINE_BREAK.join(line.rstrip() for line in super().format(record).splitlines() if line.strip())


class JsonFormatter(logging.Formatter):
    """A record as one JSON object on a line: `time`, `level`, `role`, `pid`, `logger`, `message`, `exception`."""

    def __init__(self, *, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The object. `exception` is the traceback, null without one."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "role": self._role,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage().strip(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return json.dumps(fields, ensure_ascii=False)


def setup(*, level: str = "INFO", role: str = "magicfs", log_format: str = "text") -> None:
    """Send the log of this process to standard error, as `text` or `json`. Each record names the process's `role`.

    Called once, at the entry point of a service or a command. Warnings of Python and exceptions that nobody catches are
    records too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(role=role) if log_format == "json" else TextFormatter(role=role))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIETED_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_of_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("unexpected %s", kind.__name__, exc_info=(kind, error, trace))


def _log_uncaught_of_thread(hook: threading.ExceptHookArgs) -> None:
    if hook.exc_value is not None and not issubclass(hook.exc_type, SystemExit):
        name = hook.thread.name if hook.thread else "unknown"
        log.critical(
            "the thread %s has ended by %s",
            name,
            hook.exc_type.__name__,
            exc_info=(hook.exc_type, hook.exc_value, hook.exc_traceback),
        )
