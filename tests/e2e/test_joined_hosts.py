"""Two machines without anything to administer: a hub, and a node that joins it, by the commands that people type.

The tests of the module share both, in the order in which they stand.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from magicfs.config import Settings
from magicfs.domain.deadline import Deadline
from magicfs.errors import PeerUnavailable
from magicfs.gateway.file_protocol import FILES_SERVICE
from magicfs.gateway.hub import Hub, ask_admission, require_admission
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.peers import PeerAddress, connect
from magicfs.gateway.serve import REFRESH_SECONDS
from magicfs.models.store import ModelStore
from magicfs.state_directory.allowed_roots import NOT_ADDED
from tests.plugins.broker import free_port
from tests.plugins.commands import Commands, commands_in, short_folder
from tests.plugins.waiting import eventually

pytestmark = pytest.mark.slow


@dataclass
class Pair:
    """Both machines, each with a folder of files."""

    hub: Commands
    node: Commands
    address: str
    hub_docs: Path
    node_docs: Path
    node_mount: Path
    join: tuple[str, ...] = ()
    """The command that `cluster init` has printed."""


@pytest.fixture(scope="module")
def pair(model_store: ModelStore) -> Iterator[Pair]:
    with (
        short_folder() as hub_folder,
        short_folder() as node_folder,
        commands_in(hub_folder, model_store) as hub,
        commands_in(node_folder, model_store) as node,
    ):
        hub.environment["MAGICFS_HOST"] = "hub"
        node.environment["MAGICFS_HOST"] = "node"
        made = Pair(
            hub,
            node,
            f"127.0.0.1:{free_port()}",
            hub_docs=hub_folder / "docs",
            node_docs=node_folder / "docs",
            node_mount=node_folder / "mnt",
        )
        for folder in (made.hub_docs, made.node_docs, made.node_mount):
            folder.mkdir()
        yield made
        # First, because its parts wait for those of the hub.
        node.run("down")


def found(commands: Commands, question: str) -> list[str]:
    """The names of what a search finds."""
    done = commands.run("search", "--json", question)
    return [each["name"] for each in json.loads(done.stdout)["results"]] if done.returncode == 0 else []


def restart(commands: Commands, part: str) -> None:
    """Kill a part, and wait for the next one."""
    before = commands.pids()[part]
    assert before is not None
    os.kill(before, signal.SIGKILL)
    eventually(lambda: commands.pids().get(part) not in {None, before}, f"another {part}", logs=commands.logs)


def test_a_machine_becomes_a_hub_and_says_what_to_run_elsewhere(pair: Pair) -> None:
    (pair.hub_docs / "invoice.txt").write_text("the tax invoice of spring")
    # It embeds nothing itself, and is at work already.
    pair.hub.ok("up", pair.hub_docs, "--workers", "0", "--detach")
    assert "serve" not in pair.hub.pids()
    first = pair.hub.ok("cluster", "init", "--listen", pair.address)
    assert pair.hub.ok("cluster", "init", "--listen", pair.address) == first
    assert pair.hub.ok("cluster", "init") == first
    line = re.search(rf"magicfs (cluster join {pair.address} SHA256:\S+)$", first, re.MULTILINE)
    assert line is not None
    pair.join = tuple(line[1].split())
    pair.hub.ok("up", "--detach")
    eventually(lambda: "serve" in pair.hub.pids(), "the part serve")
    assert pair.hub.rows("SHOW max_connections") == [("1000",)]
    assert json.loads((pair.hub.home / "roots.json").read_text()) == [str(pair.hub_docs)]


def test_joining_refuses_what_cannot_be_meant(pair: Pair) -> None:
    wrong = pair.node.run(*pair.join[:-1], "SHA256:" + "x" * 43)
    assert wrong.returncode == 1
    assert f"another machine answers at {pair.address}" in wrong.stderr
    nobody = pair.node.run("cluster", "join", f"127.0.0.1:{free_port()}", pair.join[-1])
    assert nobody.returncode == 1
    assert "cannot be reached" in nobody.stderr
    taken = pair.node.run(*pair.join, MAGICFS_HOST="hub")
    assert taken.returncode == 1
    assert "another machine is hub in this cluster: set MAGICFS_HOST" in taken.stderr
    own = pair.hub.run(*pair.join)
    assert own.returncode == 2
    assert "this machine has an index of its own: run 'magicfs down'" in own.stderr
    for done in (wrong, nobody, taken, own):
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (pair.node.home / "config.toml").exists()


def waiting(pair: Pair) -> list[str]:
    """The fingerprints of what asks the hub as `node`."""
    hosts = json.loads(pair.hub.ok("hosts", "list", "--json"))["hosts"]
    return [host["fingerprint"] for host in hosts if host["name"] == "node" and not host["admitted"]]


def test_a_host_joins_once_a_person_admits_it(pair: Pair, tmp_path: Path) -> None:
    (pair.node.home / "config.toml").write_text("# mine\nscan_seconds = 77\n")
    other = host_identity(tmp_path)
    hub = Hub(PeerAddress.parse(pair.address), pair.join[-1])
    assert not ask_admission(hub, other, host="node", deadline=Deadline(10))
    joining = pair.node.start(*pair.join)
    eventually(lambda: len(waiting(pair)) == 2, "its request", logs=pair.hub.logs)
    time.sleep(1)
    assert joining.poll() is None
    fingerprint = host_identity(pair.node.home).fingerprint
    assert waiting(pair) == [other.fingerprint, fingerprint]
    ambiguous = pair.hub.run("hosts", "admit", "node", "--yes")
    assert ambiguous.returncode == 2
    assert "2 machines ask as node: name the right one" in ambiguous.stderr
    refused = pair.hub.run("hosts", "admit", "node", "--fingerprint", "SHA256:other")
    assert refused.returncode == 2
    pair.hub.ok("hosts", "admit", "node", "--fingerprint", fingerprint)
    out, told = joining.communicate(timeout=120)
    assert joining.returncode == 0, told
    assert f"magicfs hosts admit node --fingerprint {fingerprint}" in told
    assert "node has joined the hub" in out
    assert (pair.node.home / "config.toml").read_text() == f'hub = "{pair.address}"\n# mine\nscan_seconds = 77\n'
    assert waiting(pair) == []
    assert not ask_admission(hub, other, host="x", deadline=Deadline(10))
    assert pair.hub.ok("hosts", "retire", "x", "--yes").startswith("x is retired")
    # Once more changes nothing.
    pair.node.ok(*pair.join)
    assert (pair.node.home / "config.toml").read_text().count("hub") == 1


def test_each_finds_the_files_of_both(pair: Pair) -> None:
    (pair.node_docs / "cake.txt").write_text("rhubarb cake with vanilla")
    pair.node.ok("up", pair.node_docs, "--mount", pair.node_mount, "--detach", "--wait")
    assert "postgres" not in pair.node.pids()
    assert pair.node.pids()["hub-link"]
    assert found(pair.hub, "rhubarb")[0] == "cake.txt"
    assert found(pair.node, "tax invoice")[0] == "invoice.txt"
    # The vectors of both are the work of the node.
    assert pair.hub.rows("SELECT count(*) FROM embeddings WHERE state = 'done'") == [(2,)]
    assert any(name.endswith("_cake.txt") for name in os.listdir(pair.node_mount / "search" / "rhubarb cake"))
    doctor = pair.node.run("doctor").stdout
    assert re.search(rf"^ok +hub +{pair.address} has admitted this host$", doctor, re.MULTILINE), doctor
    assert re.search(r"^ok +database +of the hub, answers$", doctor, re.MULTILINE), doctor


def test_a_root_that_the_node_names_for_the_hub_is_not_read(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret of the hub")
    pair.node.rows(
        "INSERT INTO roots (host_id, path, name, device) "
        "SELECT id, convert_to(%s, 'UTF8'), 'stolen', 1 FROM hosts WHERE name = 'hub'",
        str(tmp_path),
    )
    query = "SELECT state::text, detail FROM roots WHERE name = 'stolen'"
    eventually(lambda: pair.hub.rows(query) == [("missing", NOT_ADDED)], "its refusal", logs=pair.hub.logs)
    assert "secret.txt" not in found(pair.hub, "secret")
    pair.hub.ok("roots", "remove", "stolen")


def test_killed_links_are_healed(pair: Pair) -> None:
    restart(pair.node, "hub-link")
    eventually(lambda: "invoice.txt" in found(pair.node, "invoice"), "the index by another link", logs=pair.node.logs)
    restart(pair.hub, "serve")
    (pair.node_docs / "pancake.txt").write_text("pancake with syrup")
    eventually(lambda: "pancake.txt" in found(pair.hub, "pancake"), "what was saved meanwhile", logs=pair.node.logs)


def test_while_the_hub_is_off_a_line_says_so_and_own_files_stay(pair: Pair) -> None:
    pair.hub.ok("down")
    for command in (("search", "rhubarb"), ("status",), ("up",)):
        done = pair.node.run(*command)
        assert done.returncode == 1
        (line,) = [line for line in done.stderr.splitlines() if line != "starting"]
        assert line == f"magicfs: the hub {pair.address} cannot be reached: Connection refused"
    doctor = pair.node.run("doctor").stdout
    unreachable = rf"(?:the hub )?{pair.address} cannot be reached: Connection refused"
    assert re.findall(rf"^bad +(\w+) +{unreachable}$", doctor, re.MULTILINE) == ["hub", "database", "broker"], doctor
    mirror = pair.node_mount / "mirror" / "docs@node"
    mirror = mirror if mirror.exists() else pair.node_mount / "mirror" / "docs"
    assert (mirror / "cake.txt").read_text() == "rhubarb cake with vanilla"
    (pair.node_docs / "waffle.txt").write_text("a waffle iron")
    pair.hub.ok("up", "--detach")
    eventually(lambda: "waffle.txt" in found(pair.hub, "waffle"), "what was saved meanwhile", logs=pair.node.logs)
    assert "waffle.txt" in found(pair.node, "waffle")


def test_a_node_that_stops_and_starts_loses_nothing(pair: Pair) -> None:
    pair.node.ok("down")
    assert pair.node.sockets() == []
    (pair.node_docs / "cake.txt").unlink()
    assert "cake.txt" in found(pair.hub, "rhubarb")
    pair.node.ok("up", "--detach", "--wait")
    assert "cake.txt" not in found(pair.hub, "rhubarb")
    assert {"pancake.txt", "waffle.txt"} <= set(found(pair.hub, "pancake waffle"))


def test_a_hub_that_gets_another_address_keeps_its_hosts(pair: Pair) -> None:
    pair.address = f"127.0.0.1:{free_port()}"
    pair.join = (*pair.join[:-2], pair.address, pair.join[-1])
    assert " ".join(pair.join) in pair.hub.ok("cluster", "init", "--listen", pair.address)
    pair.hub.ok("up", "--detach")
    stranger = pair.node.run(*pair.join[:-1], "SHA256:" + "x" * 43)
    assert stranger.returncode == 2
    assert "this machine has joined the hub" in stranger.stderr
    by_variable = pair.node.run(*pair.join, MAGICFS_HUB="127.0.0.1:1")
    assert by_variable.returncode == 2
    assert f"MAGICFS_HUB is 127.0.0.1:1: set it to {pair.address}" in by_variable.stderr
    assert f"node finds its hub at {pair.address} from now on" in pair.node.ok(*pair.join)
    # Its parts still know the former address.
    pair.node.ok("up", "--detach")
    assert json.loads((pair.node.home / "roots.json").read_text()) == [str(pair.node_docs)]
    (pair.node_docs / "scone.txt").write_text("a scone with jam")
    eventually(lambda: "scone.txt" in found(pair.hub, "scone"), "what was saved since", logs=pair.node.logs)


LEFT_BEHIND = (
    # The host calls itself at work for ever, and keeps its certificate in the index.
    "UPDATE hosts SET agent_until = 'infinity', agent_machine = 'x' WHERE name = 'node' RETURNING 1",
    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    """
    UPDATE host_certificates SET admitted_at = now() WHERE host = 'spare';
    CREATE TRIGGER keep BEFORE DELETE OR UPDATE ON host_certificates FOR EACH ROW EXECUTE FUNCTION keep()
    """,
)
LOCKS = (
    "SET client_connection_check_interval = 0",
    "BEGIN",
    "LOCK TABLE host_certificates, hosts, roots IN ACCESS EXCLUSIVE MODE",
    "SELECT pg_sleep(3600)",
)


def is_served(address: PeerAddress, server: Identity, shown: Identity) -> bool:
    """Whether a host lets another one ask for its files."""
    try:
        with connect(
            address, fingerprint=server.fingerprint, service=FILES_SERVICE, identity=shown, deadline=Deadline(10)
        ) as connection:
            connection.settimeout(2)
            connection.recv(1)
    except TimeoutError:
        # It waits for a question.
        return True
    except (PeerUnavailable, OSError):
        return False
    return False


def test_a_host_admits_nobody_and_does_not_keep_itself_in(pair: Pair, tmp_path: Path) -> None:
    spare, own = host_identity(tmp_path), host_identity(pair.node.home)
    hub = Hub(PeerAddress.parse(pair.address), pair.join[-1])
    pair.node.rows(
        "INSERT INTO host_certificates (host, fingerprint, certificate, admitted_at) "
        "VALUES ('spare', %s, %s, now()) RETURNING 1",
        spare.fingerprint,
        spare.certificate,
    )
    query = "SELECT admitted_at IS NULL FROM host_certificates WHERE host = 'spare'"
    eventually(lambda: pair.hub.rows(query) == [(True,)], "the truth in the index", logs=pair.hub.logs)
    for command in (("admit", "spare", "--yes"), ("retire", "hub", "--yes")):
        done = pair.node.run("hosts", *command)
        assert done.returncode == 2
        assert f"the hub {pair.address} decides who is admitted: run this command there" in done.stderr
    require_admission(hub, own, Deadline(10))
    for statement in LEFT_BEHIND:
        pair.node.rows(statement)
    time.sleep(2 * REFRESH_SECONDS)
    assert pair.hub.rows(query) == [(False,)], "the index is wrong, and stays so"
    with pytest.raises(PeerUnavailable, match="has not admitted this host"):
        require_admission(hub, spare, Deadline(10))
    address = PeerAddress("127.0.0.1", free_port())
    serving = pair.node.start("serve", "--listen", str(address))
    eventually(lambda: is_served(address, own, host_identity(pair.hub.home)), "what the node serves to the hub")
    assert not is_served(address, own, spare), "the node asks the hub whom it has admitted"
    serving.terminate()
    serving.communicate(timeout=60)
    with psycopg.connect(Settings(home=pair.node.home).database_dsn, autocommit=True) as session:

        def lock() -> None:
            with suppress(psycopg.Error):
                for statement in LOCKS:
                    session.execute(statement)

        holder = threading.Thread(target=lock, daemon=True)
        holder.start()
        time.sleep(1)
        begin = time.monotonic()
        done = pair.hub.run("hosts", "retire", "node", "--yes", timeout=60)
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - begin < 30
        holder.join(10)
        assert not holder.is_alive()
    for refused in (own, spare):
        with pytest.raises(PeerUnavailable, match="has not admitted this host"):
            require_admission(hub, refused, Deadline(10))
    listed = {host["name"]: host for host in json.loads(pair.hub.ok("hosts", "list", "--json"))["hosts"]}
    assert [name for name, host in listed.items() if host["admitted"]] == ["hub"]
    pair.hub.rows("DROP TRIGGER keep ON host_certificates")
    pair.hub.ok("hosts", "retire", "node", "--yes")


def test_a_retired_host_is_out_and_leaves(pair: Pair) -> None:
    pair.node.ok("down")
    assert found(pair.hub, "waffle iron") == [] or "waffle.txt" not in found(pair.hub, "waffle iron")
    refused = pair.node.run("up", "--detach")
    assert refused.returncode == 1
    assert "has not admitted this host: run 'magicfs cluster init' there" in refused.stderr
    pair.node.ok("cluster", "leave")
    assert (pair.node.home / "config.toml").read_text() == "# mine\nscan_seconds = 77\n"
    assert pair.node.ok("cluster", "leave") == "this machine has joined no hub\n"
