"""Restricts the parser process to what a parser needs, and checks what of it holds. Called by `child` on itself.

| restriction | refuses | holds for |
| --- | --- | --- |
| parent-death signal | outliving the parent | the process |
| `landlock` | reading but code and OCR data, changing files, signals to others | the caller and its later threads |
| `seccomp` | network, programs, processes, shared memory; attribute changes | every thread, also those that run |
| privileges | being root, and capabilities but that to read code | every thread, also those that run |
| resource limits | memory, processor time, open files, large written files | the process |

So Landlock comes before any library starts a thread. Where the kernel or the machine lacks a restriction, the process
works without it: `standing_walls` finds out, and the parent says so. Linux only.
"""

from __future__ import annotations

import codecs
import contextlib
import encodings
import functools
import importlib.util
import os
import pkgutil
import resource
import signal
import socket
import stat
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from magicfs.linux.process import PR_SET_PDEATHSIG, capabilities, keep_capabilities, prctl
from magicfs.text.extract.options import NOBODY, Wall
from magicfs.text.extract.process import landlock, seccomp

_MAX_WRITTEN_BYTES = 64 * 1024
"""Enough for the error messages of a native library; nothing else is written."""

_MAX_OPEN_FILES = 64

_LIBRARY_DIRECTORIES = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store"),
    *("/usr/share/fonts", "/usr/local/share/fonts", "/etc/fonts", "/usr/share/zoneinfo"),
    *("/etc/ld.so.cache", "/dev/null", "/dev/urandom"),
)
_PACKAGES = ("magicfs", "kreuzberg", "rapidocr")
"""The packages of the process, which may be installed outside the directories of the interpreter."""

_CAP_DAC_READ_SEARCH, _CAP_KILL, _CAP_SETGID, _CAP_SETUID = 1 << 2, 1 << 5, 1 << 6, 1 << 7

_PR_SET_KEEPCAPS = 8
"""The option of `prctl` by which a thread keeps its capabilities when it is no longer root's."""

_UNUSED_PATH = "/nonexistent/magicfs-probe"


def die_with_parent() -> None:
    """Make the kernel kill this process when the thread that started it ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def restrict_files(*, writable: str, readable: str | None = None) -> bool:
    """Restrict files to reading the interpreter, libraries and `readable`, and to changing `writable`.

    Returns False without Landlock. See `landlock.restrict_files`.
    """
    _statm()  # /proc cannot be read later
    return landlock.restrict_files(
        readable=[*_code_directories(), *([readable] if readable else [])], writable=writable
    )


def _code_directories() -> Iterator[str]:
    """The files and directories that the interpreter and the libraries of this process load code and data from."""
    yield from _LIBRARY_DIRECTORIES
    paths = sysconfig.get_paths()
    yield from (paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    yield from (path for path in sys.path if Path(path).name in {"site-packages", "dist-packages"})
    yield os.path.join(sys.base_prefix, "lib")
    for name in _PACKAGES:
        package = importlib.util.find_spec(name)
        yield from package.submodule_search_locations or () if package else ()
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as mappings:
        files = {line.rstrip("\n").partition("/")[2] for line in mappings if ".so" in line}
    yield from {os.path.dirname(f"/{file}") for file in files if file}


def refuse_dangerous_calls() -> bool:
    """Refuse system calls for network, programs, processes and namespaces. Returns False without seccomp."""
    return seccomp.refuse_dangerous_calls()


def refuse_attribute_changes() -> bool:
    """Refuse changes to the mode, owner, times or xattrs of a file. Returns False without seccomp."""
    return seccomp.refuse_attribute_changes()


def drop_capabilities() -> None:
    """Give up all capabilities but those that root needs to load the libraries and to become nobody afterwards."""
    kept = 0
    if os.geteuid() == 0:
        kept = _CAP_DAC_READ_SEARCH
        # The parent has the same capabilities. Without CAP_KILL it could not end a process of another user.
        if capabilities() & _CAP_KILL:
            kept |= _CAP_SETGID | _CAP_SETUID
    keep_capabilities(kept)


def become_nobody() -> None:
    """Change from root to the user nobody in every thread. Does nothing where that is not allowed.

    The interpreter may lie where only root can read, and libraries load modules when a file needs them. So this thread
    keeps root's right to read, where Landlock limits reading to code; elsewhere the codecs are loaded before.
    """
    kept = 0
    if os.geteuid() == 0:
        if _holds(Wall.READING):
            kept = _CAP_DAC_READ_SEARCH
            prctl(_PR_SET_KEEPCAPS, 1)
        else:
            _load_codecs()
        with contextlib.suppress(OSError):
            # Linux has an identity for each thread; the C library changes that of all.
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        die_with_parent()  # the kernel forgets it with the user
    keep_capabilities(kept)


def _load_codecs() -> None:
    """Load every text encoding of the interpreter: some 5 MB."""
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(LookupError):  # not a codec, or one of another system
            codecs.lookup(module.name)


def limit_resources(*, memory_bytes: int) -> None:
    """Limit the address space to what is in use now plus `memory_bytes`; forbid core dumps and large files."""
    _limit(resource.RLIMIT_AS, address_space() + memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _MAX_WRITTEN_BYTES)
    _limit(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)


def _limit(what: int, value: int) -> None:
    """Limit a resource, or leave it at a lower limit that was set from outside, which nobody but root may raise."""
    _, hard = resource.getrlimit(what)
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (least, least))


def limit_cpu(*, seconds: float) -> None:
    """Make the kernel end this process with SIGXCPU after another `seconds` of processor time.

    Unlike the parent's time limit, this one holds while the parent is stopped.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    end = int(usage.ru_utime + usage.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (end if hard == resource.RLIM_INFINITY else min(end, hard), hard))


def address_space() -> int:
    """The bytes of address space in use."""
    return _statm_field(0)


def resident() -> int:
    """The bytes of resident memory."""
    return _statm_field(1)


def standing_walls() -> list[Wall]:
    """The walls that hold, found by trying what each of them refuses. Nothing is changed where one is missing."""
    return list(filter(_holds, _ATTEMPTS))


def _holds(wall: Wall) -> bool:
    return all(map(_is_refused, _ATTEMPTS[wall]))


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _require_root_or_capability() -> None:
    """Raise `PermissionError` without either, but for the right to read code."""
    if os.geteuid() != 0 and not capabilities() & ~_CAP_DAC_READ_SEARCH:
        raise PermissionError


_ATTEMPTS: Mapping[Wall, tuple[Callable[[], object], ...]] = {
    Wall.NETWORK: (lambda: socket.socket().close(),),
    Wall.PROGRAMS: (lambda: os.execv(_UNUSED_PATH, [_UNUSED_PATH]), _fork),
    Wall.PROCESSES: (
        lambda: os.kill(os.getppid(), 0),
        lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU),
    ),
    Wall.READING: (lambda: os.close(os.open("/", os.O_RDONLY)),),
    Wall.WRITING: (lambda: os.close(os.open(os.devnull, os.O_WRONLY)),),
    Wall.ATTRIBUTES: (lambda: os.fchmod(1, stat.S_IMODE(os.fstat(1).st_mode)),),
    Wall.PRIVILEGES: (_require_root_or_capability,),
}


@functools.cache
def _statm() -> int:
    """A descriptor of `/proc/self/statm` that stays open."""
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def _statm_field(field: int) -> int:
    """A field of `/proc/self/statm` in bytes."""
    return int(os.pread(_statm(), 256, 0).split()[field]) * resource.getpagesize()
