"""Work in a process of its own, so that the memory that it takes is free again when it is done.

Used by `wiring`: the parent of a worker waits for the database without holding its libraries, which would cost it 15 MB
for as long as it runs. Main thread, before any other has started.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable

from magicfs.linux.process import PR_SET_PDEATHSIG, prctl

log = logging.getLogger(__name__)

MAX_KILLED_CHILDREN = 20
"""The number of killed children after which a process ends."""


def run_in_child(work: Callable[[], None]) -> None:
    """Run `work` in a process of its own, so that this one never holds what it imports. Exits as the child does.

    A child that is killed is replaced, as the children of a worker are.
    """
    for _ in range(MAX_KILLED_CHILDREN):
        code = _code_of_child(work)
        if code == 0:
            return
        if code > 0:
            raise SystemExit(code)
        log.warning("the process that prepares this one was killed by signal %d", -code)
    raise SystemExit(1)


def _code_of_child(work: Callable[[], None]) -> int:
    """Run `work` in a child that ends with this process. The child's exit code, negative when a signal killed it."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)
        work()
        logging.shutdown()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)
