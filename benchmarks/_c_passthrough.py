"""libfuse's own passthrough example in C, built in the run: what the same work costs in another FUSE file system.

Used by `mount_io.py`. The source is that of the installed libfuse (in Debian among the documentation of libfuse3-dev)
or a file that is named. Without a source, a compiler or the headers there is no C file system to compare with.
"""

from __future__ import annotations

import gzip
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from magicfs.fuse.mount import READ_AHEAD_KB
from magicfs.fuse.mountpoint import mounted_at, raise_read_ahead

EXAMPLES = Path("/usr/share/doc/libfuse3-dev/examples")
NAME = "passthrough_ll.c"
START_SECONDS = 10.0


def build(source: Path | None, folder: Path) -> Path | None:
    """Compile the example in a folder, and return the program; None where something for that is missing.

    Raises `RuntimeError` when a source that was named does not compile.
    """
    found = source or next((path for path in (EXAMPLES / NAME, EXAMPLES / f"{NAME}.gz") if path.exists()), None)
    compiler = shutil.which("cc")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=False)
    if found is None or compiler is None or flags.returncode != 0:
        return None
    folder.mkdir()
    for path in (found, *found.parent.glob("passthrough_helpers.h*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        (folder / path.name.removesuffix(".gz")).write_bytes(data)
    program = folder / "passthrough"
    command = [compiler, "-O2", "-o", str(program), str(folder / found.name.removesuffix(".gz")), *flags.stdout.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if source is not None:
            raise RuntimeError(f"{source} does not compile: take it from the version of libfuse that is installed")
        return None
    return program


@contextmanager
def mounted(program: Path, tree: Path, mountpoint: Path) -> Iterator[Path]:
    """A context with the C mount of a tree, which caches all that the kernel can, with the read-ahead of MagicFS."""
    mountpoint.mkdir()
    # It keeps a descriptor for each file that it knows.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    process = subprocess.Popen(
        [str(program), "-f", "-o", f"source={tree},cache=always,fsname=passthrough", str(mountpoint)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while mounted_at(mountpoint) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the C example does not mount: run 'magicfs doctor'")
            time.sleep(0.02)
        # The kernel sets its own read-ahead with the first request.
        next(mountpoint.iterdir())
        raise_read_ahead(mountpoint, kilobytes=READ_AHEAD_KB)
        yield mountpoint
    finally:
        unmount = ["fusermount3", "-u", "-z"] if shutil.which("fusermount3") else ["umount", "-l"]
        subprocess.run([*unmount, str(mountpoint)], check=False)
        process.terminate()
        process.wait(START_SECONDS)
