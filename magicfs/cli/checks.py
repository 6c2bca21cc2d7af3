"""The checks of `magicfs doctor`: each one inspects this machine, and says how to fix what is wrong.

Used by `magicfs doctor`; `parts` also by `magicfs status --check`. Checks change nothing, and start nothing but a
parser process that ends with its check. Main thread.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.cli import environment, index_model, wiring
from magicfs.cli.part_readiness import last_line
from magicfs.config import Settings
from magicfs.domain.models import ModelState, MultilingualMode
from magicfs.domain.parts import AGENT
from magicfs.errors import MagicFSError, ModelError, ModelMissing
from magicfs.home import POSTGRES_SOCKET
from magicfs.state_directory import HOME_MODE, require_usable_path

if TYPE_CHECKING:
    from magicfs.text.extract import Ocr

MIN_FREE_BYTES = 1 << 30
"""Room for a model, an index of some ten thousand files, and the database's log."""

MIN_WATCHES = 65_536
"""inotify watches; each directory takes one."""

MAX_CLOCK_SKEW_SECONDS = 2.0

AGENT_SECONDS = 60.0
"""Time after its start within which an agent has leased its host."""

COMMAND_SECONDS = 10
HUB_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check."""

    name: str
    ok: bool
    text: str
    """The state of what is checked; if `ok` is False, the problem and how to fix it."""


def run_checks(settings: Settings) -> Iterator[CheckResult]:
    """Yield the result of each check. An error of a check becomes its result."""
    for name, check in _CHECKS.items():
        try:
            yield CheckResult(name, True, check(settings))
        except MagicFSError as error:
            yield CheckResult(name, False, str(error))
        except OSError as error:
            yield CheckResult(name, False, f"the check itself failed ({error}): see docs/cluster.md")


class CheckFailed(MagicFSError):
    """A check found something that must be fixed."""


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
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK) or status.st_uid not in {os.geteuid(), 0}:
        raise CheckFailed(f"{home} is not yours: set MAGICFS_HOME to another directory, or change its owner")
    if stat.S_IMODE(status.st_mode) != HOME_MODE:
        raise CheckFailed(f"{home} is open to other users: run 'chmod 700 {home}'")
    return str(home)


def _disk(settings: Settings) -> str:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise CheckFailed(f"{free >> 20} MB free at {folder}: make room, or set MAGICFS_HOME to another disk")
    return f"{free / 1e9:.0f} GB free"


def _fuse(settings: Settings) -> str:
    from magicfs.fuse.mountpoint import require_fuse

    del settings
    require_fuse()
    if importlib.util.find_spec("pyfuse3") is None:
        raise CheckFailed("the Python package pyfuse3 is missing: reinstall magicfs")
    return "/dev/fuse can be used"


def _programs(settings: Settings) -> str:
    if shutil.which("setpriv") is None:
        raise CheckFailed("setpriv is missing: install util-linux")
    if settings.embedded_database and os.geteuid() == 0:
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "true"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=COMMAND_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise CheckFailed(
                "Postgres cannot be run as root here (no user namespaces): "
                "start magicfs as an ordinary user, or set MAGICFS_DATABASE_URL"
            ) from error
    return "setpriv" + (", user namespaces" if os.geteuid() == 0 else "")


def _database(settings: Settings) -> str:
    from magicfs.db.roots import database_time
    from magicfs.runtime import postgres

    kind = "of the hub" if settings.hub else "embedded"
    if settings.embedded_database:
        postgres.binaries()
    if settings.local_database and _is_off(settings, settings.run_dir / POSTGRES_SOCKET):
        return f"{kind}, not running: 'magicfs up' starts it"
    with environment.database_for_command(settings) as database, database.transaction() as connection:
        skew = abs(database_time(connection).timestamp() - time.time())
    if skew > MAX_CLOCK_SKEW_SECONDS:
        raise CheckFailed(f"its clock and this one differ by {skew:.0f} seconds: set both by NTP")
    return f"{kind}, answers" if settings.local_database else "answers"


def _is_off(settings: Settings, socket: Path) -> bool:
    """Whether nothing listens on a socket of the state directory, and no supervisor is there to change that."""
    from magicfs.runtime.processes import is_listening

    return not is_listening(socket) and not environment.supervisor(settings).running()


def _hub(settings: Settings) -> str:
    from magicfs.domain.deadline import Deadline

    if settings.hub is None:
        return "this machine has an index of its own" if settings.local_database else "this machine has joined no hub"
    from magicfs.gateway.hub import read_hub, require_admission
    from magicfs.gateway.identity import host_identity

    hub = read_hub(settings)
    require_admission(hub, host_identity(settings.home), Deadline(HUB_SECONDS))
    return f"{hub.address} has admitted this host"


def _broker(settings: Settings) -> str:
    from magicfs.runtime import redis

    kind = "of the hub" if settings.hub else "embedded"
    if settings.embedded_broker:
        redis.binary()
    if settings.local_broker and _is_off(settings, redis.socket_path(settings.home)):
        return f"{kind}, not running: 'magicfs up' starts it"
    wiring.require_broker(settings)
    return f"{kind}, takes messages" if settings.local_broker else "takes messages"


def _model(settings: Settings) -> str:
    from magicfs.embedding.device import CUDA_PROVIDER, Device, providers

    store = index_model.model_store(settings)
    in_use = index_model.models_in_use(settings).get(ModelState.ACTIVE)
    try:
        stored = index_model.resolve_model(settings, in_use)
    except ModelMissing:
        return f"{in_use.name if in_use else settings.model} is not on this machine yet: 'magicfs up' prepares it"
    store.verify(stored, full=True)
    _require_successor(settings, ModelState.BUILDING)
    device = Device(settings.device)
    gpu = ", on a GPU" if CUDA_PROVIDER in providers(device, stored.spec.precision) else ""
    return stored.spec.label + gpu + (f" ({stored.notice})" if stored.notice else "")


def _require_successor(settings: Settings, state: ModelState) -> None:
    """Raise `CheckFailed` if the index makes vectors of a model in that state, and this machine does not have it."""
    successor = index_model.models_in_use(settings).get(state)
    if successor is None:
        return
    try:
        index_model.resolve_model(settings, successor)
    except ModelError as error:
        raise CheckFailed(
            f"the index gets new vectors, of {successor.full_label}, and this machine makes none of them: {error}"
        ) from error


def _languages(settings: Settings) -> str:
    """The multilingual model, or why there is none. Raises `CheckFailed` when it is needed and missing."""
    from magicfs.db.multilingual import needs_multilingual, read_mode
    from magicfs.embedding.manifest import pull_command
    from magicfs.models.catalog import MULTILINGUAL_MODEL

    models, store = index_model.models_in_use(settings), index_model.model_store(settings)
    multilingual = models.get(ModelState.MULTILINGUAL)
    if multilingual is not None:
        stored = store.find_spec(multilingual)
        store.verify(stored, full=True)
        _require_successor(settings, ModelState.RENEWING)
        return f"{stored.spec.label} beside the active model"
    if not models:
        return "not known: the index does not run, or has no model yet"
    if all(not spec.languages for spec in models.values()):
        return "the active model reads every language"
    with environment.database_for_command(settings) as database, database.transaction() as connection:
        mode, is_needed = read_mode(connection), needs_multilingual(connection)
    if is_needed:
        raise CheckFailed(
            f"texts or questions need {MULTILINGUAL_MODEL}, which the agent prepares: if it takes more than a minute "
            f"for that, run '{pull_command(MULTILINGUAL_MODEL)}'"
        )
    if mode is MultilingualMode.NEVER:
        return "one model, because MAGICFS_MULTILINGUAL is 'never'"
    return "one model is enough for the texts and questions of the index"


def parts(settings: Settings) -> str:
    """How many parts run. Raises `CheckFailed` when one of them does not stay up, or the agent hangs."""
    supervisor = environment.supervisor(settings)
    running = supervisor.parts() if settings.run_dir.is_dir() else []
    if not running:
        return "nothing is running"
    failing = [part for part in running if part.state not in {"running", "starting"}]
    if failing:
        part = failing[0]
        raise CheckFailed(f"{part.name} does not stay up: {last_line(settings.log_dir / f'{part.name}.log')}")
    if any(part.name == AGENT and part.uptime_s > AGENT_SECONDS for part in running) and not _has_agent(settings):
        raise CheckFailed(
            f"the agent does not answer: run 'magicfs down', then 'magicfs up', or see {settings.log_dir / AGENT}.log"
        )
    return f"{len(running)} running"


def _has_agent(settings: Settings) -> bool:
    from magicfs.db.heartbeats import has_agent

    with environment.database_for_command(settings) as database, database.transaction() as connection:
        return has_agent(connection, host=settings.host)


def _watches(settings: Settings) -> str:
    del settings
    path = Path("/proc/sys/fs/inotify/max_user_watches")
    limit = int(path.read_text(encoding="ascii"))
    if limit < MIN_WATCHES:
        raise CheckFailed(
            f"only {limit} directories can be watched: run 'sysctl fs.inotify.max_user_watches=524288'; "
            "until then only scans find changes in the others"
        )
    return f"{limit} directories can be watched"


def _parser(settings: Settings) -> str:
    from magicfs.text.extract import Limits
    from magicfs.text.extract.options import Wall
    from magicfs.text.extract.sandbox import Sandbox

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


def _ocr(settings: Settings) -> str:
    """What reads text in images. Raises `CheckFailed` when it is installed but cannot be used."""
    from magicfs.text.extract.ocr_engines import ocr_and_problems
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
    from magicfs.text.extract import Limits
    from magicfs.text.extract.sandbox import Sandbox

    with contextlib.closing(Sandbox(limits=Limits.of(settings), ocr=ocr)) as sandbox:
        problem = sandbox.why_ocr_does_not_start()
    if problem is not None:
        raise CheckFailed(f"{ocr.engine} does not start: {problem}: reinstall it, or remove it to do without")


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "python": _python,
    "home": _home,
    "disk": _disk,
    "fuse": _fuse,
    "programs": _programs,
    "hub": _hub,
    "database": _database,
    "broker": _broker,
    "model": _model,
    "languages": _languages,
    "parts": parts,
    "watches": _watches,
    "parser": _parser,
    "ocr": _ocr,
}
