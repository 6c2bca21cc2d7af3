"""Why the last `magicfs up` has failed, in a file of the state directory: nothing runs then that could be asked.

`starting` writes and removes it, `stopping` removes it when it has stopped something, and the checks of `doctor`
read it. Main thread.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from magicfs.errors import CheckFailed
from magicfs.linux.files import replace_file

_FILE = Path("run", "up-failed.json")


def record(home: Path, error: Exception) -> None:
    """Record that a start has failed with `error`. Without room on the disk, the record before it stays."""
    with suppress(OSError):
        replace_file(home / _FILE, json.dumps({"at": time.time(), "reason": str(error)}))


def forget(home: Path) -> None:
    """Record that the last start has succeeded."""
    with suppress(OSError):
        (home / _FILE).unlink(missing_ok=True)


def require_none(home: Path) -> None:
    """Raise `CheckFailed` with the reason if the last start has failed."""
    try:
        fields = json.loads((home / _FILE).read_text(encoding="utf-8"))
        moment, reason = datetime.fromtimestamp(float(fields["at"])).astimezone(), str(fields["reason"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return
    raise CheckFailed(f"nothing is running: the last 'magicfs up', at {moment:%Y-%m-%d %H:%M}, has failed: {reason}")
