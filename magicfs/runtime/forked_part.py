"""Becomes a part in a fork of supervisord, which has imported what the part needs: no interpreter is started.

For programs and the system, the process is what `launch` would have made of it: its signals, its environment, the
command line that `ps` shows, and the signal that it gets when supervisord dies. A part that is no module of ours is
executed. Used by `supervisord`, in a process with one thread, and never by two parts in one process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from magicfs.linux.command_line import show_as
from magicfs.linux.process import PR_SET_PDEATHSIG, prctl
from magicfs.runtime.launch import count_start
from magicfs.runtime.parts import module_command
from magicfs.runtime.processes import dies_with_parent

HANDLED_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2)
"""Signals that supervisord handles, besides SIGINT."""

FAILED = 1


def become(environment: Mapping[str, str], *, parent: int) -> NoReturn:
    """Be the part that supervisord, the process `parent`, names in the environment, and end when it ends.

    The standard streams are the child's own.
    """
    # First, because supervisord's handlers only note a signal: one that is to end the part would be lost.
    for number in HANDLED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _end(exit_code_of(lambda: _main(environment, parent)))


def _main(environment: Mapping[str, str], parent: int) -> Any:
    """Run the part. What fails before its module runs fails as it would in `launch`."""
    command, environment = count_start(dict(environment))
    module, arguments, death_signal = parse_command(command)
    if module is None or not _shows_as(_without_guard(command), environment):
        os.execvpe(command[0], command, environment)
    if death_signal is not None:
        prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(FAILED)
    _close_descriptors()
    gc.enable()
    os.environ.clear()
    os.environ.update(environment)
    # The C library keeps the time zone that supervisord had when it first asked for the time.
    time.tzset()
    sys.argv = [module, *arguments]
    return importlib.import_module(module).main()


def parse_command(command: Sequence[str]) -> tuple[str | None, list[str], int | None]:
    """The module of ours that a command runs, its arguments, and the signal at its parent's death; None without them.

    It is the inverse of `module_command` and `dies_with_parent`.
    """
    rest = list(_without_guard(command))
    death_signal = None if len(rest) == len(command) else getattr(signal, f"SIG{command[2]}")
    prefix = list(module_command("")[:-1])
    if rest[: len(prefix)] != prefix or len(rest) == len(prefix):
        return None, [], death_signal
    return rest[len(prefix)], rest[len(prefix) + 1 :], death_signal


def _without_guard(command: Sequence[str]) -> Sequence[str]:
    """A command without the prefix of `dies_with_parent`."""
    guard = dies_with_parent([], signal_name="")
    return command[len(guard) :] if list(command[:2]) == guard[:2] else command


def _shows_as(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Have `/proc` show the part, and not supervisord; whether it does."""
    try:
        show_as(command, environment)
    except OSError:
        return False
    return True


def _close_descriptors() -> None:
    """Close all but the standard streams. supervisord has closed its first ones, and a new program gets none."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if int(name) > sys.stderr.fileno():
                os.close(int(name))


def exit_code_of(main: Callable[[], Any]) -> int:
    """Call the `main` of a module. Returns the exit code that the interpreter would make of its end."""
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  this is where it ends
        sys.excepthook(*sys.exc_info())
        return FAILED
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return FAILED


def _end(code: int) -> NoReturn:
    """End this process without going back to supervisord's code, after what the interpreter does at its end."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  waits for threads; nothing public does
        atexit._run_exitfuncs()  # noqa: SLF001  as above
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
