"""Two hosts, with a network between them and the servers: the network, the broker and a name go wrong.

The tests share the hosts, in the order in which they stand. Each begins and ends with an index of all their files.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.plugins.network import Host, Network

SILENCE_SECONDS = 25
"""After so long both ends have given up a connection: ten seconds until the first probe, fifteen without an answer."""

MINUTE = 60

SEARCH_SECONDS = 90
"""The deadline of `magicfs search`, ten seconds, and its start on a busy machine. The kernel would wait for minutes."""

CUTS: dict[str, Callable[[Host], None]] = {"packets are lost silently": Host.swallow, "the cable": Host.pull_cable}


def indexed_files(network: Network, host: Host) -> list[tuple[str, str]]:
    return network.rows(
        "SELECT f.display, f.state FROM files f JOIN roots r ON r.id = f.root_id WHERE r.path = %s ORDER BY 1",
        os.fsencode(host.folder),
    )


def converged(network: Network, *hosts: Host) -> bool:
    """Whether each file of the hosts is in the index once, and each chunk has its vector."""
    for host in hosts:
        on_disk = Counter((path.name, "indexed") for path in host.folder.iterdir())
        if Counter(indexed_files(network, host)) != on_disk:
            return False
    return network.rows("SELECT count(*) FROM embeddings WHERE state <> 'done'") == [(0,)]


def write(host: Host, name: str, text: str) -> None:
    (host.folder / name).write_text(text)


def found(host: Host, word: str) -> list[str]:
    """The names of the files with a word that a search on a host finds."""
    done = host.run("search", "--json", f'"{word}"')
    assert done.returncode == 0, done.stderr
    return sorted(hit["name"] for hit in json.loads(done.stdout)["results"])


def new_word() -> str:
    return f"word{time.monotonic_ns()}"


@pytest.fixture(scope="module")
def two_hosts(network: Network) -> tuple[Host, Host]:
    """Two hosts that have indexed their files."""
    ours, other = network.add_host("ours"), network.add_host("other")
    for host in (ours, other):
        for number in range(5):
            write(host, f"{host.name}-{number}.txt", f"File {number} of the host {host.name} tells of number {number}.")
        host.start_all()
    network.wait(lambda: converged(network, ours, other), "an index of both hosts", seconds=300)
    return ours, other


@pytest.fixture(autouse=True)
def _whole_before_and_after(network: Network, two_hosts: tuple[Host, Host]) -> Iterator[None]:
    network.wait(lambda: converged(network, *two_hosts), "a beginning", seconds=300)
    yield
    network.wait(lambda: converged(network, *two_hosts), "an end", seconds=300)
    for host in two_hosts:
        assert [name for name, process in host.processes.items() if process.poll() is not None] == []


@pytest.mark.parametrize(
    ("cut", "seconds"),
    [
        ("packets are lost silently", SILENCE_SECONDS),
        pytest.param("packets are lost silently", MINUTE, marks=pytest.mark.slow),
        pytest.param("the cable", MINUTE, marks=pytest.mark.slow),
    ],
)
def test_a_host_that_is_cut_off_harms_nobody_and_goes_on_afterwards(
    network: Network, two_hosts: tuple[Host, Host], cut: str, seconds: float
) -> None:
    ours, other = two_hosts
    word = new_word()
    cut_off_at_work(network, ours, CUTS[cut])
    began = time.monotonic()
    write(ours, f"{word}-ours.txt", f"Written here while the network was away: {word}.")
    write(ours, "ours-1.txt", f"Changed while the network was away: {word}.")
    os.rename(ours.folder / "ours-2.txt", ours.folder / f"{word}-renamed.txt")
    os.remove(ours.folder / "ours-3.txt")
    write(other, f"{word}-other.txt", f"Written there meanwhile: {word}.")
    network.wait(lambda: found(other, word) == [f"{word}-other.txt"], "the other host's search", seconds=120)
    asked = time.monotonic()
    refused = ours.run("search", word)
    assert time.monotonic() - asked < SEARCH_SECONDS
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1), refused.stderr
    network.wait(lambda: connections_of(network, ours) == 0, "an end of its connections", seconds=SILENCE_SECONDS + 60)
    if seconds < MINUTE:
        network.rows("UPDATE embeddings SET leased_until = now() WHERE leased_by LIKE '%%@ours'")
    network.wait(lambda: converged(network, other), "the chunks that the lost host had claimed", seconds=300)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    ours.reconnect()
    network.wait(lambda: converged(network, ours, other), "an index of everything", seconds=300)
    names = sorted([f"{word}-ours.txt", "ours-1.txt", f"{word}-renamed.txt", f"{word}-other.txt"])
    # The change of a file that the index has already may come last.
    network.wait(lambda: found(other, word) == names, "all that was written")
    for number in (2, 3):
        write(ours, f"ours-{number}.txt", "Written again.")


def cut_off_at_work(network: Network, host: Host, cut: Callable[[Host], None]) -> None:
    """Cut a host off while its embed worker has claimed chunks. It may be between two claims at the first try."""
    claims = "SELECT count(*) FROM embeddings WHERE state = 'pending' AND lease IS NOT NULL AND leased_by LIKE %s"

    def has_claim() -> bool:
        return network.rows(claims, f"%@{host.name}") > [(0,)]

    for _ in range(5):
        word = new_word()
        for number in range(40):
            write(
                host,
                f"many-{word}-{number}.txt",
                "\n\n".join(f"Line {line} of file {number}: {word} {line * number}." for line in range(60)),
            )
        network.wait(has_claim, "a claim of chunks")
        cut(host)
        if has_claim():
            return
        host.reconnect()
    pytest.fail("the host had no claim when it was cut off")


def connections_of(network: Network, host: Host) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s::inet"
    return int(network.rows(query, host.address)[0][0])


def test_both_hosts_name_the_trouble_of_the_broker_and_work_after_it(
    network: Network, two_hosts: tuple[Host, Host]
) -> None:
    """`test_broker` has each trouble, with one host."""
    word = new_word()
    network.servers.broker.stop()
    for host in two_hosts:
        write(host, f"{word}-{host.name}.txt", f"Written by {host.name} while the broker was in trouble: {word}.")
    for host, command, code in zip(
        (*two_hosts, two_hosts[0]), (("status",), ("status", "--check"), ("doctor",)), (0, 1, 1), strict=True
    ):
        done = host.run(*command)
        assert (done.returncode, "no Redis answers" in done.stdout + done.stderr) == (code, True), (command, done)
    network.servers.broker.start()
    network.wait(lambda: converged(network, *two_hosts), "what was written meanwhile", seconds=300)
    assert found(two_hosts[0], word) == sorted(f"{word}-{host.name}.txt" for host in two_hosts)


def test_a_second_machine_of_a_name_waits_and_writes_nothing(network: Network, two_hosts: tuple[Host, Host]) -> None:
    ours = two_hosts[0]
    second = network.add_host("ours")
    write(second, "theirs.txt", "A file of the second machine.")
    second.start_all()
    complaint = "has the host name 'ours': stop it, or set MAGICFS_HOST to another name"
    network.wait(lambda: complaint in second.log("agent").read_text(), "the complaint of the second agent")
    write(ours, "ours-1.txt", f"Changed beside the second machine: {new_word()}.")
    network.wait(lambda: converged(network, *two_hosts), "the first machine goes on")
    assert second.log("agent").read_text().count(complaint) == 1
    assert indexed_files(network, second) == []

    # The claim of the first machine runs out while it is cut off.
    ours.swallow()
    network.rows("UPDATE hosts SET agent_until = now() WHERE name = 'ours'")
    network.wait(lambda: converged(network, second), "the second machine takes over")
    write(ours, "ours-1.txt", "Changed while the first machine was cut off, and on its disk alone.")
    ours.reconnect()
    assert ours.processes["agent"].wait(180) == 1
    assert ours.log("agent").read_text().count(complaint) == 1
    assert "Traceback" not in ours.log("agent").read_text()

    assert second.stop() == []
    ours.start("agent", "agent")
    started = "agent of host ours starts"
    network.wait(lambda: ours.log("agent").read_text().count(started) == 2, "the first machine has its name again")
    network.wait(lambda: converged(network, *two_hosts, second), "its files and those of the second machine")
