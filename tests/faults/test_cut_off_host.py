"""A mount reads files of another host, and the network between both goes away and comes back."""

from __future__ import annotations

import errno
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.plugins.fuse import needs_fuse
from tests.plugins.network import Host, Network

pytestmark = needs_fuse

GONE_SECONDS = 120.0
"""Ten until a connection is given up, and five for the attempt at another one; eight times that on a busy machine. The
kernel would wait for fifteen minutes."""

BIG_BYTES = 16 * 1024 * 1024


@dataclass
class Reading:
    """The host `nas`, which serves, and `desk`, which has a mount."""

    nas: Host
    mirror: Path

    def read(self, name: str) -> str | None:
        """The text of a file; None if it cannot be read."""
        try:
            return (self.mirror / name).read_text()
        except OSError:
            return None


@pytest.fixture(scope="module")
def reading(network: Network) -> Iterator[Reading]:
    nas, desk = network.add_host("nas"), network.add_host("desk")
    for number in range(10):
        (nas.folder / f"{number}.txt").write_text(f"file {number}")
    (nas.folder / "big.bin").write_bytes(random.Random(1).randbytes(BIG_BYTES))
    done = nas.run("roots", "add", str(nas.folder))
    assert done.returncode == 0, done.stderr
    nas.start("serve", "serve", "--listen", nas.address)
    mount = desk.home.parent / "mount"
    mount.mkdir()
    desk.start("mount", "mount", str(mount))

    def admitted(host: str) -> bool:
        return desk.run("hosts", "admit", "--yes", host).returncode == 0

    for host in ("nas", "desk"):
        network.wait(partial(admitted, host), f"the request of {host}")
    assert all(host["fingerprint"] for host in json.loads(desk.run("hosts", "list", "--json").stdout)["hosts"])
    # The mount is in a namespace of its own, as all that runs on a host of a network.
    mirror = Path(f"/proc/{desk.processes['mount'].pid}/root{mount}/mirror/nas:{nas.folder.name}")
    found = Reading(nas, mirror)
    network.wait(lambda: found.read("0.txt") == "file 0", "the first file")
    yield found
    assert desk.processes["mount"].poll() is None


def seconds_to_list(mount: Path) -> float:
    """How long it takes to list the top of a mount."""
    begin = time.monotonic()
    assert "mirror" in os.listdir(mount)
    return time.monotonic() - begin


@pytest.mark.parametrize("cut", [Host.swallow, Host.pull_cable])
def test_a_host_that_is_cut_off_is_soon_unreachable_and_comes_back(
    network: Network, reading: Reading, cut: Callable[[Host], None]
) -> None:
    name = f"{cut.__name__}.txt"
    (reading.nas.folder / name).write_text("not seen yet")
    with (reading.mirror / "big.bin").open("rb", buffering=0) as file:
        first = file.read(100_000)
        cut(reading.nas)
        try:
            for call in ((reading.mirror / name).read_text, lambda: os.pread(file.fileno(), 1000, 9_000_000)):
                begin = time.monotonic()
                with pytest.raises(OSError) as caught:
                    call()
                assert caught.value.errno == errno.EHOSTUNREACH
                assert time.monotonic() - begin < GONE_SECONDS
            # A busy machine takes longer now and then.
            assert min(seconds_to_list(reading.mirror.parent.parent) for _ in range(3)) < 5
        finally:
            reading.nas.reconnect()
        network.wait(lambda: reading.read(name) == "not seen yet", "the host is reached again")
        assert first + file.read() == (reading.nas.folder / "big.bin").read_bytes(), "what was open is read on"
