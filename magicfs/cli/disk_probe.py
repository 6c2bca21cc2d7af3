"""`wait_for_disk`: asks the disk of a path first, so that a command says that it waits for one which does not answer.

Used for each path that a person gives a command. A share without its server may hold a thread for ever, and no signal
reaches a thread that waits so: another thread asks, and the main thread can say it and be interrupted.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from magicfs.cli import terminal

SILENT_SECONDS = 5.0
"""A disk that has to spin up first, or a share over a bad network, takes as long."""


def wait_for_disk(path: str | os.PathLike[str]) -> None:
    """Wait until the disk of a path answers, whatever it says, and print a remark after SILENT_SECONDS.

    Main thread, which a signal ends meanwhile.
    """
    place = os.path.expanduser(path)
    has_answered = threading.Event()

    def ask() -> None:
        # The system answers a question for metadata from memory, and this one not.
        with suppress(OSError, ValueError):
            os.statvfs(place)
        has_answered.set()

    threading.Thread(target=ask, name="disk-probe", daemon=True).start()
    if not has_answered.wait(SILENT_SECONDS):
        terminal.remark(
            f"magicfs: the disk of {place} does not answer, as a share whose server is gone: waiting for it; "
            "Ctrl-C ends that"
        )
        has_answered.wait()
