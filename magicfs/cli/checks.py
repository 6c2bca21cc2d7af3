"""The checks of `magicfs doctor`: each one inspects this machine, and says how to fix what is wrong.

Used by `magicfs doctor`. Those of the machine itself are here, those of the index in `index_checks`. Checks change
nothing, and start nothing but a parser process that ends with its check. Main thread.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shlex
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from magicfs.cli import environment, search_client
from magicfs.cli.index_checks import IndexChecks
from magicfs.cli.stuck_parts import ANSWER_SECONDS, STARTUP_SECONDS, SUPERVISOR_SECONDS
from magicfs.config import Settings
from magicfs.domain.parts import SEARCH_SERVER
from magicfs.errors import CheckFailed, MagicFSError
from magicfs.linux.disk import why_no_writes
from magicfs.state_directory.directory import HOME_MODE, require_usable_path

if TYPE_CHECKING:
    from magicfs.text.extract.options import Ocr

MIN_FREE_BYTES = 1 << 30
"""Room for a model, an index of some ten thousand files, and the database's log."""

MIN_FREE_FILES = 5000
"""The embedded Postgres makes 1,400 files, and a model some dozens."""

COMMAND_SECONDS = 10


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check."""

    name: str
    ok: bool
    text: str
    """The state of what is checked; if `ok` is False, the problem and how to fix it."""


def run_checks(settings: Settings) -> Iterator[CheckResult]:
    """Yield the result of each check. An error of a check becomes its result."""
    for name, check in _checks(settings).items():
        try:
            yield CheckResult(name, True, check())
        except MagicFSError as error:
            yield CheckResult(name, False, str(error))
        except OSError as error:
            yield CheckResult(name, False, f"the check itself failed ({error}): see docs/cluster.md")


def _python(settings: Settings) -> str:
    del settings
    return f"Python {platform.python_version()} at {sys.executable}"


def _home(settings: Settings) -> str:
    home = settings.home
    require_usable_path(home, sockets=settings.run_dir)
    if not home.exists():
        parent = next(path for path in home.parents if path.exists())
        if not os.access(parent, os.W_OK | os.X_OK):
            raise CheckFailed(f"{home} cannot be created: set MAGICFS_HOME to a directory of yours")
        return f"{home}, created by the first 'magicfs up'"
    status = home.stat()
    if os.statvfs(home).f_flag & os.ST_RDONLY:
        raise CheckFailed(f"{home} is on a disk that is mounted to be read only: mount it to be written")
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK) or status.st_uid not in {os.geteuid(), 0}:
        raise CheckFailed(f"{home} is not yours: set MAGICFS_HOME to another directory, or change its owner")
    if stat.S_IMODE(status.st_mode) != HOME_MODE:
        raise CheckFailed(f"{home} is open to other users: run 'chmod 700 {shlex.quote(str(home))}'")
    return str(home)


def _disk(settings: Settings) -> str:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    if (refused := why_no_writes(folder)) is not None and os.access(folder, os.W_OK):
        raise CheckFailed(refused)
    free, status = shutil.disk_usage(folder).free, os.statvfs(folder)
    if free < MIN_FREE_BYTES:
        raise CheckFailed(f"{free >> 20} MB free at {folder}: make room, or set MAGICFS_HOME to another disk")
    # A file system that makes inodes as they are needed counts none.
    if status.f_files and status.f_favail < MIN_FREE_FILES:
        raise CheckFailed(
            f"the disk of {folder} takes {status.f_favail} more files, whatever room it has: delete small files, or "
            "set MAGICFS_HOME to another disk"
        )
    return f"{free / 1e9:.0f} GB free"


def _fuse(settings: Settings) -> str:
    from magicfs.fuse.mountpoint import require_fuse

    del settings
    require_fuse()
    if importlib.util.find_spec("pyfuse3") is None:
        raise CheckFailed("the Python package pyfuse3 is missing: reinstall magicfs")
    return "/dev/fuse can be used"


def _programs(settings: Settings) -> str:
    from magicfs.runtime.ordinary_user import require_ordinary_user

    if shutil.which("setpriv") is None:
        raise CheckFailed("setpriv is missing: install util-linux")
    if settings.embedded_database:
        require_ordinary_user()
    return "setpriv"


def _semaphores(settings: Settings) -> str:
    """What the processes of workers share. The C library keeps it in /dev/shm, and has no other place for it."""
    import multiprocessing

    del settings
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise CheckFailed(
            f"no worker starts here, because no semaphore can be made in /dev/shm ({error.strerror}): as root, run "
            "'mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm'"
        ) from error
    return "semaphores can be made in /dev/shm"


def _parser(settings: Settings) -> str:
    from magicfs.text.extract.options import Limits, Wall
    from magicfs.text.extract.process.sandbox import Sandbox

    with contextlib.closing(Sandbox(limits=Limits.of(settings))) as sandbox:
        missing = sandbox.missing_walls()
    if not missing:
        return f"kept from {', '.join(Wall)}"
    if missing == [Wall.PRIVILEGES]:
        raise CheckFailed("parsers of files run as root here: start magicfs as an ordinary user")
    raise CheckFailed(
        f"nothing keeps parsers of files from {', '.join(missing)}: use a kernel with seccomp and Landlock "
        "(Linux 5.13 on x86-64 or arm64), or index only files that you trust"
    )


def _archives(settings: Settings) -> str:
    """What reads archives of other formats than zip and tar."""
    from magicfs.text.extract.archives import library_members

    del settings
    if library_members.has_library():
        return "libarchive reads 7z, rar, LHA, cabinets and images of discs"
    return "of archives of rar, only names are read: install libarchive (Debian, Ubuntu: libarchive13)"


def _ocr(settings: Settings) -> str:
    """What reads text in images. Raises `CheckFailed` when it is installed but cannot be used."""
    from magicfs.text.extract.ocr.ocr_engines import ocr_and_problems
    from magicfs.text.extract.options import OcrEngine

    ocr, problems = ocr_and_problems()
    if problems:
        raise CheckFailed(problems[0])
    if ocr is None:
        return "text in images is not read: install tesseract, or rapidocr with 'pip install magicfs[ocr]'"
    _start_ocr(settings, ocr)
    if ocr.engine is OcrEngine.TESSERACT:
        return f"tesseract reads text in images ({', '.join(ocr.languages)})"
    return "rapidocr reads text in images: Latin letters, Chinese, Japanese; for other scripts, install tesseract"


def _start_ocr(settings: Settings, ocr: Ocr) -> None:
    """Raise `CheckFailed` when parsers do not start with OCR."""
    from magicfs.text.extract.options import Limits
    from magicfs.text.extract.process.sandbox import Sandbox

    with contextlib.closing(Sandbox(limits=Limits.of(settings), ocr=ocr)) as sandbox:
        problem = sandbox.why_ocr_does_not_start()
    if problem is not None:
        raise CheckFailed(f"{ocr.engine} does not start: {problem}: reinstall it, or remove it to do without")


def _searches(settings: Settings) -> str:
    """What answers searches. Raises `CheckFailed` when it is the search server, and it does not answer."""
    is_served = search_client.is_served(search_client.this_caller(), seconds=ANSWER_SECONDS)
    if is_served:
        return "the search server answers"
    if is_served is not None:
        return "the search server has other settings than this command: searches here start one of their own"
    running = environment.supervisor(settings, answer_seconds=SUPERVISOR_SECONDS) if settings.run_dir.is_dir() else None
    part = None if running is None else running.part(SEARCH_SERVER)
    if part is None:
        return "no search server runs: 'magicfs up' starts it"
    if part.state != "running" or part.uptime_s < STARTUP_SECONDS:
        return "the search server starts"
    raise CheckFailed(
        f"the search server does not answer, and each search takes longer: run 'kill -9 {part.pid}', and it is started "
        f"anew; if that does not help, see {settings.log_dir / SEARCH_SERVER}.log"
    )


def _checks(settings: Settings) -> dict[str, Callable[[], str]]:
    """All checks by their names, in the order of the output."""
    first = {"python": _python, "home": _home, "disk": _disk, "fuse": _fuse, "programs": _programs, "shm": _semaphores}
    last = {"searches": _searches, "parser": _parser, "archives": _archives, "ocr": _ocr}
    return {
        **{name: partial(check, settings) for name, check in first.items()},
        **IndexChecks(settings).all(),
        **{name: partial(check, settings) for name, check in last.items()},
    }
