"""Makes the tests independent of the shell that starts them: its settings of MagicFS and git, its user, its signals.

It takes one variable from there: where the collections of real files are.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

import magicfs
from magicfs.linux.mounts import device_of_path, read_mounts

# Threads of numpy wait for each other in loops: on a machine that is busy, four times the work of one. It reads the
# variable when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_data = pytest.StashKey[str]()

MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 << 30
"""More than the databases of all tests that run at a time, so that they fit into a machine's memory."""


ON_DISK = "/var/tmp"


def quick_directory() -> str | None:
    """The directory for the servers of the tests: in memory where there is room, since each test copies a database of
    hundreds of files. Otherwise None, which stands for the usual temporary directory."""
    try:
        has_room = shutil.disk_usage(MEMORY).free >= MEMORY_BYTES
    except OSError:
        return None
    return str(MEMORY) if has_room and os.access(MEMORY, os.W_OK) else None


def leave_memory() -> None:
    """Let temporary files be on a disk, where the usual directory for them is in memory, as on some distributions.

    Tests ask for what such a file system lacks: limits on sizes, and names that are remembered to be missing.
    """
    if is_in_memory(tempfile.gettempdir()) and os.access(ON_DISK, os.W_OK) and not is_in_memory(ON_DISK):
        os.environ["TMPDIR"] = tempfile.tempdir = ON_DISK


def is_in_memory(directory: str) -> bool:
    """Whether a directory is on a file system that is kept in memory."""
    device = device_of_path(os.fsencode(os.path.realpath(directory)))
    return any(mount.file_system == "tmpfs" for mount in read_mounts() if mount.device == device)


leave_memory()


def collection(name: str) -> Path:
    """The folder of a collection, in that which `TEST_DATA` names or beside this project; it may be absent."""
    data = os.environ.get("TEST_DATA") or Path(__file__).parents[3] / "shared" / "data"
    return Path(data).resolve() / name


def collection_of_formats() -> Path:
    """The folder with `manifest.tsv` and `files/`, to be read in place. Skips the test where it is absent."""
    folder = collection("formats")
    if not (folder / "manifest.tsv").is_file():
        pytest.skip(f"{folder} is not there: set TEST_DATA")
    return folder


def pytest_sessionstart() -> None:
    """Raise `UsageError` when programs that tests start run another MagicFS than the tests: an environment that clones
    share has that of the last one that was set up. Its servers would refuse what commands of this one ask."""
    command = [sys.executable, "-P", "-c", "import magicfs; print(magicfs.__file__)"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if os.path.realpath(found) != os.path.realpath(magicfs.__file__):
        raise pytest.UsageError(
            f"tests run {magicfs.__file__}, and programs {found}: set PYTHONPATH, or run 'make test'"
        )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Remove every setting, also of libpq, put the user's state directory out of reach, let children get signals.

    What is compiled is kept, even where the environment asks for the opposite: tests start hundreds of interpreters.
    """
    if tempfile.gettempdir() == ON_DISK and not config.option.basetemp:
        # The usual names are too long for the sockets that tests make.
        config.option.basetemp = f"{ON_DISK}/t{os.getpid()}"
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in [name for name in os.environ if name.upper().startswith(("MAGICFS_", "PG"))]:
        del os.environ[name]
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    config.stash[_data] = os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="mfs-data-")
    # A busy machine takes long for an example, and to make one up.
    patient = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
    hypothesis.settings.register_profile("patient", hypothesis.settings.default, **patient)
    hypothesis.settings.load_profile("patient")
    # A shell starts background jobs so, and `nohup` any program; every child would inherit it.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Look for no garbage while the tests are collected. There is hardly any, and it takes a third of the time."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From now on look for it among what the tests make, and not among the thousands of tests."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _keep_log_level() -> Iterator[None]:
    """Undo what a command that runs in the test's own process has set for all logs."""
    level = logging.root.level
    yield
    logging.root.setLevel(level)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the temporary directory."""
    shutil.rmtree(config.stash[_data], ignore_errors=True)
