"""A mount on one host reads the files of another one that serves them, once it is admitted there."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from magicfs.config import Settings
from magicfs.tree.remote.files import ANSWER_SECONDS
from tests.plugins.broker import free_port
from tests.plugins.commands import Commands
from tests.plugins.fuse import needs_fuse
from tests.plugins.waiting import eventually

pytestmark = needs_fuse

AT_ONCE_SECONDS = 10.0
BIG_BYTES = 24 * 1024 * 1024 + 7


@dataclass
class TwoHosts:
    """The host `here`, which has the files and the index, and `laptop`, which has a mount."""

    here: Commands
    laptop: Commands
    docs: Path
    mount: Path
    port: int

    @property
    def mirror(self) -> Path:
        return self.mount / "mirror/here:docs"

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[str]]:
        """Serve the files of `here`."""
        process = self.here.start("serve", "--listen", f"127.0.0.1:{self.port}")
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            _, complaints = process.communicate(timeout=60)
            assert "Traceback" not in complaints

    def hosts(self) -> dict[str, dict[str, Any]]:
        """What `magicfs hosts list` knows of each host."""
        return {host["name"]: host for host in json.loads(self.here.ok("hosts", "list", "--json"))["hosts"]}

    def new_file(self, name: str, text: str = "new") -> Path:
        """A file that the mount has not seen, in the mount."""
        (self.docs / name).write_text(text)
        return self.mirror / name


@pytest.fixture(scope="module")
def hosts(module_commands: Commands) -> Iterator[TwoHosts]:
    folder = module_commands.home.parent
    docs, mount = folder / "docs", folder / "mnt"
    docs.mkdir()
    mount.mkdir()
    (docs / "deep").mkdir()
    (docs / "deep/sandwich.txt").write_text("a marmalade sandwich")
    module_commands.ok("up", docs, "--detach", "--wait")
    settings = Settings(home=module_commands.home)
    laptop = Commands(
        folder / "laptop",
        {
            "MAGICFS_HOST": "laptop",
            "MAGICFS_DATABASE_URL": settings.database_dsn,
            "MAGICFS_BROKER_URL": settings.broker_dsn,
        },
    )
    laptop.home.mkdir(mode=0o700)
    (laptop.home / "models").symlink_to(module_commands.home / "models")
    found = TwoHosts(module_commands, laptop, docs, mount, free_port())
    with found.serving():
        process = laptop.start("mount", mount)
        try:
            eventually(lambda: os.path.ismount(mount), "the mount")
            eventually(lambda: "here:docs" in os.listdir(mount / "mirror"), "the root of the other host")
            yield found
        finally:
            process.terminate()
            process.communicate(timeout=60)
            laptop.kill_everything()


def refused(path: Path) -> int | None:
    """The error of reading a file."""
    with pytest.raises(OSError) as caught:
        path.read_bytes()
    return caught.value.errno


def is_refused_at_once(path: Path) -> bool:
    """Whether nobody waits for the host, but for the attempt to reach it. A busy machine takes longer now and then."""
    begin = time.monotonic()
    return refused(path) == errno.EHOSTUNREACH and time.monotonic() - begin < AT_ONCE_SECONDS


def test_a_host_reads_nothing_before_it_is_admitted(hosts: TwoHosts) -> None:
    assert refused(hosts.mirror / "deep/sandwich.txt") == errno.EHOSTUNREACH
    eventually(lambda: "laptop" in hosts.hosts(), "the request for admission")
    laptop = hosts.hosts()["laptop"]
    assert not laptop["admitted"]
    assert laptop["fingerprint"].startswith("SHA256:")
    done = hosts.here.run("hosts", "admit", "laptop", "--fingerprint", "SHA256:another", "--yes")
    assert done.returncode != 0
    assert not hosts.hosts()["laptop"]["admitted"]
    hosts.here.ok("hosts", "admit", "laptop", "--fingerprint", laptop["fingerprint"], "--yes")
    assert hosts.hosts()["laptop"]["admitted"]
    sandwich = hosts.mirror / "deep/sandwich.txt"
    eventually(lambda: _text(sandwich) == "a marmalade sandwich", "the file is read")


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def test_files_are_those_of_the_other_host_byte_for_byte(hosts: TwoHosts) -> None:
    content = random.Random(1).randbytes(BIG_BYTES)
    (hosts.docs / "big.bin").write_bytes(content)
    (hosts.docs / "big.bin").chmod(0o640)
    big = hosts.mirror / "big.bin"
    assert big.read_bytes() == content
    with big.open("rb") as file:
        for offset in (BIG_BYTES - 5, 5_000_000, 0):
            file.seek(offset)
            assert file.read(100_000) == content[offset : offset + 100_000]
    real, shown = os.lstat(hosts.docs / "big.bin"), os.lstat(big)
    assert (real.st_size, real.st_mtime_ns, real.st_mode) == (shown.st_size, shown.st_mtime_ns, shown.st_mode)
    assert sorted(os.listdir(hosts.mirror)) == sorted(os.listdir(hosts.docs))
    assert "here:docs" in os.listdir(hosts.mount / "mirror")


def test_results_of_the_other_host_are_read(hosts: TwoHosts) -> None:
    (result,) = (hosts.mount / 'search/"marmalade"').iterdir()
    assert result.name.endswith("_sandwich.txt")
    assert result.read_text() == "a marmalade sandwich"


def test_nothing_is_changed_there(hosts: TwoHosts) -> None:
    path = hosts.new_file("fixed.txt")
    for change in (lambda: path.write_text("x"), path.unlink, (hosts.mirror / "new").mkdir):
        with pytest.raises(OSError) as caught:
            change()
        assert caught.value.errno == errno.EROFS


def test_a_link_out_of_the_root_is_a_link_and_no_way(hosts: TwoHosts) -> None:
    outside = hosts.docs.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (hosts.docs / "way").symlink_to("../outside")
    assert os.readlink(hosts.mirror / "way") == "../outside"
    assert refused(hosts.mirror / "way/secret") == errno.ENOENT, "it leads where such a link leads on this host"


def test_a_host_that_stops_answering_is_an_error_in_time_and_no_hung_mount(hosts: TwoHosts) -> None:
    for process in hosts.here.processes():
        if "serve" in process.cmdline():
            process.send_signal(signal.SIGSTOP)
    try:
        path = hosts.new_file("late.txt")
        begin = time.monotonic()
        assert refused(path) in (errno.EHOSTUNREACH, errno.ETIMEDOUT)
        assert time.monotonic() - begin < 3 * ANSWER_SECONDS
        eventually(lambda: "search" in os.listdir(hosts.mount) and is_refused_at_once(path), "it is known by now")
    finally:
        for process in hosts.here.processes():
            if "serve" in process.cmdline():
                process.send_signal(signal.SIGCONT)
    eventually(lambda: _text(path) == "new", "it answers again")


def test_a_retired_host_reads_nothing_more(hosts: TwoHosts) -> None:
    hosts.here.ok("hosts", "retire", "laptop", "--yes")
    deadline = time.monotonic() + 60
    number = 0
    while _text(hosts.new_file(f"after-{number}.txt")) is not None:
        number += 1
        assert time.monotonic() < deadline
    assert refused(hosts.new_file("never.txt")) == errno.EHOSTUNREACH


def test_a_host_that_serves_no_more_is_unreachable_at_once(hosts: TwoHosts) -> None:
    for process in hosts.here.processes():
        if "serve" in process.cmdline():
            process.terminate()
            process.wait(120)
    begin = time.monotonic()
    # The mount has perhaps learnt of it before, and lists its root no more.
    assert refused(hosts.new_file("gone.txt")) in (errno.EHOSTUNREACH, errno.ENOENT)
    assert time.monotonic() - begin < ANSWER_SECONDS, "nothing is waited for"
    eventually(lambda: "here:docs" not in os.listdir(hosts.mount / "mirror"), "it is not listed any more")
