"""Errors in a thread of the agent: logged once an outage, after which the thread goes on.

The loops of `agent` and `root_keeper` do each piece of their work in it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

from magicfs.errors import HostTaken, MagicFSError, SchemaError
from magicfs.logs import Outage

log = logging.getLogger(__name__)

ERROR_PAUSE_SECONDS = 1.0
"""Pause after an error, such as a database that restarts."""


@contextlib.contextmanager
def errors_logged(stop: threading.Event, outage: Outage, work: str) -> Iterator[None]:
    """Log an error, pause and go on: the next round does what this one could not. `work` names what the block does.

    An outage is a line at its start and one at its end. A schema that this program does not know ends the agent:
    whoever starts it again may start the new version. So does the loss of the host, which `Agent.run` raises.
    """
    try:
        yield
    except HostTaken:
        stop.set()
    except SchemaError as error:
        if not stop.is_set():
            log.warning("the agent ends: %s", error)
        stop.set()
    except MagicFSError as error:
        if not stop.is_set():
            outage.began(work, error)
        stop.wait(ERROR_PAUSE_SECONDS)
    except Exception:
        log.exception("unexpected error (%s)", work)
        stop.wait(ERROR_PAUSE_SECONDS)
    else:
        outage.ended(work)
