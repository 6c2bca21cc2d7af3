"""The configuration file of supervisord, as text. Pure; used by `stored_parts`.

Paths are relative to the state directory, where supervisord runs, and commands go through
`magicfs.runtime.launch`: of all that a user chooses, only the interpreter's path needs quoting.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from magicfs.domain.parts import Part

LOG_BYTES = 5 << 20
LOG_BACKUPS = 2

MIN_OPEN_FILES = 256
"""Files that supervisord may have open. It needs a dozen for itself, and its parts inherit the limit."""

MIN_PROCESSES = 16
"""Processes that its user may run. With fewer, not even the parts start."""

START_RETRIES = 1_000_000
"""supervisord gives up after this many starts, which it never reaches: each pause is a second longer than the last."""


def render(parts: Sequence[Part]) -> str:
    """The text of the configuration file."""
    head = _HEAD.format(user=_user(), open_files=MIN_OPEN_FILES, processes=MIN_PROCESSES)
    return "\n".join([head, *(_program(part) for part in parts)])


_HEAD = """\
; Written by 'magicfs up'; changes are lost.
[unix_http_server]
file=run/supervisor.sock
chmod=0700

[supervisord]
{user}nodaemon=true
silent=true
pidfile=run/supervisor.pid
logfile=log/supervisor.log
logfile_maxbytes=1MB
logfile_backups=1
umask=077
minfds={open_files}
minprocs={processes}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _program(part: Part) -> str:
    launcher = f"{_quoted(sys.executable)} -P -m magicfs.runtime.launch {part.fingerprint[:16]}"
    options = {
        "command": launcher,
        "priority": part.place,
        "autostart": "true",
        "autorestart": "true",
        "startsecs": part.steady_seconds,
        "startretries": START_RETRIES,
        "stopsignal": part.stop_signal,
        "stopwaitsecs": part.stop_seconds,
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"log/{part.name}.log",
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": LOG_BACKUPS,
    }
    lines = "\n".join(f"{name}={value}" for name, value in options.items())
    return f"[program:{part.name}]\n{lines}\n"


def _user() -> str:
    """The line that keeps supervisord from warning when it runs as root; empty for other users."""
    return "user=root\n" if os.geteuid() == 0 else ""


def _quoted(path: str) -> str:
    """A path as one word of a command: supervisord expands `%`, cuts comments off and splits words like a shell."""
    return shlex.quote(path).replace("%", "%%").replace(" #", " '\"#\"'").replace(" ;", " '\";\"'")
