"""`python -m magicfs.runtime.supervisord -c FILE`: supervisord, which forks our parts instead of starting interpreters.

Most of what a part takes to start is the import of libraries, and the parts have most of them in common: supervisord
imports those once, when it has started the servers, and a part goes on as a fork of it (`forked_part`). It calls
nothing of that but what stops Postgres, and has no thread, no connection and no model that a fork could share. Where it
cannot fork a part, it starts `launch`, as any supervisord would: after an upgrade, because a part that starts has the
program that is on the disk. Single-threaded.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from supervisor import loggers, supervisord
from supervisor.options import ServerOptions
from supervisor.states import ProcessStates

from magicfs.domain.parts import POSTGRES
from magicfs.runtime import forked_part
from magicfs.runtime.parts import PRELOADED
from magicfs.runtime.preloading import PreloadedModules

LAUNCHER = "magicfs.runtime.launch"

PRELOADED_MODULES = PreloadedModules(PRELOADED)
"""Those of this process."""


class Options(ServerOptions):
    """supervisord's options, and how it calls the system."""

    _forks_parts = False
    """Whether the child that was forked last may go on as a part."""

    _parent = 0
    """The process that has forked it."""

    def fork(self) -> int:
        """Fork. Whether the child may become a part is decided before: it has no threads, whatever the parent has.

        The first round starts the servers with nothing imported. Each later child has everything, and shares it.
        """
        if PRELOADED_MODULES.have_begun:
            PRELOADED_MODULES.load_all()
        self._forks_parts = PRELOADED_MODULES.are_current() and _has_one_thread()
        self._parent = os.getpid()
        return os.fork()

    def execve(self, filename: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Called in the child: become the part that the launcher would become, or the launcher."""
        if LAUNCHER in argv and self._forks_parts:
            forked_part.become(env, parent=self._parent)
        super().execve(filename, argv, env)

    def get_signal(self) -> int | None:
        """The next signal to act on; None without one. SIGHUP is none.

        supervisord would stop all parts and start them anew. What a part needs reaches it through `magicfs up`, and
        there is nothing to read again.
        """
        number: int | None = super().get_signal()
        if number == signal.SIGHUP:
            self.logger.info("ignored SIGHUP: 'magicfs up' changes the parts")
            return None
        return number


class Supervisor(supervisord.Supervisor):
    """supervisord, which imports the libraries of the parts: one a round, and answers its clients in between."""

    def runforever(self) -> None:
        """Supervise until the end. No round waits for an event while there is something to import."""
        poller = self.options.poller
        wait = poller.poll
        poller.poll = lambda seconds: wait(0 if PRELOADED_MODULES.are_wanted else seconds)
        super().runforever()

    def tick(self, now: float | None = None) -> None:
        """Called at the end of each round: in the first one, the servers were started."""
        super().tick(now)
        self._quit_recovering_postgres()
        PRELOADED_MODULES.load_next()

    def _quit_recovering_postgres(self) -> None:
        """Keep the end of a Postgres that recovers from taking a minute."""
        group = self.process_groups.get(POSTGRES)
        if group is not None and any(
            process.get_state() == ProcessStates.STOPPING for process in group.processes.values()
        ):
            # Not at the top: the servers are to start before anything is imported for them. See `PRELOADED`.
            from magicfs.runtime.postgres import quit_recovering

            quit_recovering(Path(os.environ["MAGICFS_HOME"]))


class LogFile(loggers.RotatingFileHandler):
    """The log of supervisord, or of a part. What the disk has no room for is left out.

    supervisord would report the error on its standard error, which is on the same disk: that would end it, with all
    parts.
    """

    def handleError(self) -> None:  # noqa: N802  the library's name
        """Called when a record cannot be written: the next one may be."""

    def doRollover(self) -> None:  # noqa: N802  the library's name
        """Begin a new file if this one is full. A file that cannot be closed or renamed goes on."""
        try:
            super().doRollover()
        except (OSError, ValueError):
            # The stream is closed, and could not be written to its end.
            self.closed = True
            with suppress(OSError):
                self.reopen()


def _has_one_thread() -> bool:
    """Whether a fork lacks nothing: it has the thread that forks, and the locks that others hold."""
    return len(os.listdir("/proc/self/task")) == 1


def main() -> None:
    """Run supervisord with the options of the command line."""
    loggers.RotatingFileHandler = LogFile
    supervisord.ServerOptions = Options
    supervisord.Supervisor = Supervisor
    supervisord.main()


if __name__ == "__main__":
    main()
