"""`magicfs serve` and `magicfs hosts`: who serves, who is admitted, and what an admitted host can read."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from magicfs.db.cluster import roots as roots_db
from magicfs.db.cluster.heartbeats import LeaseTerms, take_host
from magicfs.db.cluster.host_certificates import find_certificate, list_certificates, request_admission
from magicfs.db.pool import Database
from magicfs.domain.host_certificates import HostCertificate
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.remote_files import PeerFiles
from magicfs.ingest.roots import add_root
from magicfs.state_directory.allowed_roots import AllowedRoots
from tests.plugins.broker import free_port
from tests.plugins.commands import Commands
from tests.plugins.forks import ForkedPart
from tests.plugins.waiting import eventually

STOP_SECONDS = 60


@dataclass
class Serving:
    """The host `nas`, which serves, and the host `laptop`, which asks it."""

    commands: Commands
    database: Database
    root: Path
    laptop: Identity
    address: str
    part: ForkedPart | None = None

    def start(self, *arguments: str) -> None:
        log = self.commands.home / "log/serve.log"
        self.part = ForkedPart(["serve", *arguments], environment=self.commands.environment, log=log)

    def stop(self) -> None:
        if self.part is not None and self.part.poll() is None:
            self.part.terminate()
            assert self.part.wait(STOP_SECONDS) == 0

    @property
    def log(self) -> str:
        return (self.commands.home / "log/serve.log").read_text()

    def certificate(self, host: str = "nas") -> HostCertificate | None:
        with self.database.transaction() as connection:
            return find_certificate(connection, host=host)

    def address_of_nas(self) -> str | None:
        certificate = self.certificate()
        return certificate.address if certificate else None

    def ask(self) -> None:
        """The laptop asks for admission."""
        with self.database.transaction() as connection:
            request_admission(
                connection, host="laptop", fingerprint=self.laptop.fingerprint, certificate=self.laptop.certificate
            )

    @contextmanager
    def files(self) -> Iterator[PeerFiles]:
        """What the laptop reads, by what the index says now."""
        files = PeerFiles(lambda: self.laptop, host="laptop")
        with self.database.transaction() as connection:
            files.set_hosts(list_certificates(connection))
        try:
            yield files
        finally:
            files.set_hosts([])

    def names(self, root: Path | None = None) -> list[bytes] | int:
        """The names in a root that the laptop can list, or the number of the error."""
        try:
            with self.files() as files:
                return sorted(name for name, _ in files.list("nas", os.fsencode(root or self.root), b""))
        except OSError as error:
            return error.errno or 0

    def eventually_names(self, expected: list[bytes] | int) -> None:
        eventually(lambda: self.names() == expected, f"the names {expected}", logs=lambda: (self.names(), self.log))


@pytest.fixture
def serving(tmp_path: Path, database: Database, database_url: str, broker_url: str) -> Iterator[Serving]:
    environment = {"MAGICFS_HOST": "nas", "MAGICFS_DATABASE_URL": database_url, "MAGICFS_BROKER_URL": broker_url}
    commands = Commands(tmp_path / "nas", environment)
    (commands.home / "log").mkdir(parents=True)
    commands.home.chmod(0o700)
    root, laptop = tmp_path / "photos", tmp_path / "laptop"
    root.mkdir()
    laptop.mkdir()
    (root / "a.txt").write_text("words")
    add_root(database, host="nas", path=root, home=commands.home)
    found = Serving(commands, database, root, host_identity(laptop), f"127.0.0.1:{free_port()}")
    yield found
    found.stop()


@pytest.fixture
def admitted(serving: Serving) -> Serving:
    """Both hosts are admitted, and the one serves."""
    serving.start("--listen", serving.address)
    serving.ask()
    eventually(
        lambda: serving.address_of_nas() == serving.address, "the address in the index", logs=lambda: serving.log
    )
    serving.commands.ok("hosts", "admit", "nas", "--yes")
    serving.commands.ok("hosts", "admit", "laptop", "--fingerprint", serving.laptop.fingerprint)
    serving.eventually_names([b"a.txt"])
    return serving


def test_hosts_trust_each_other_once_both_are_admitted(serving: Serving) -> None:
    serving.start("--listen", serving.address)
    serving.ask()
    eventually(
        lambda: serving.address_of_nas() == serving.address, "the address in the index", logs=lambda: serving.log
    )
    assert serving.names() == errno.EHOSTUNREACH, "it is not admitted"
    own = host_identity(serving.commands.home).fingerprint
    assert f"magicfs hosts admit nas --fingerprint {own}" in serving.log
    serving.commands.ok("hosts", "admit", "nas", "--fingerprint", own)
    listed = serving.commands.ok("hosts", "list").splitlines()
    assert f"nas     admitted   {serving.address}  {own}" in listed
    assert any(line.startswith("laptop  waits") and line.endswith(serving.laptop.fingerprint) for line in listed)
    assert serving.names() == errno.EHOSTUNREACH, "the laptop is not admitted"
    hosts = {host["name"]: host for host in json.loads(serving.commands.ok("hosts", "list", "--json"))["hosts"]}
    assert (hosts["nas"]["address"], hosts["nas"]["admitted"], hosts["nas"]["fingerprint"]) == (
        serving.address,
        True,
        own,
    )
    assert (hosts["laptop"]["address"], hosts["laptop"]["admitted"]) == (None, False)
    assert serving.commands.ok("hosts", "admit", "laptop", "--yes") == "laptop is admitted\n"
    serving.eventually_names([b"a.txt"])
    assert serving.commands.ok("hosts", "admit", "laptop") == "laptop is admitted already\n"


def test_a_host_that_stops_serves_no_more(admitted: Serving) -> None:
    with admitted.files() as files:
        file = files.open("nas", os.fsencode(admitted.root), b"a.txt")
        assert file.read(0, 100) == b"words"
        admitted.stop()
        with pytest.raises(OSError) as raised:
            file.read(0, 100)
        assert raised.value.errno == errno.EHOSTUNREACH
    assert admitted.address_of_nas() is None
    admitted.start("--listen", admitted.address)
    eventually(lambda: admitted.address_of_nas() == admitted.address, "the address", logs=lambda: admitted.log)
    admitted.eventually_names([b"a.txt"])


def test_a_retired_host_is_cut_off(admitted: Serving) -> None:
    require_cut_off(admitted)


def test_a_retired_host_is_cut_off_although_it_has_taken_the_name_of_this_one(admitted: Serving) -> None:
    def take_name() -> None:
        with admitted.database.transaction() as connection:
            connection.execute(
                "UPDATE host_certificates SET fingerprint = 'SHA256:x', certificate = 'x' WHERE host = 'nas'"
            )

    require_cut_off(admitted, after=take_name)


def test_without_its_own_list_of_roots_a_host_serves_none_and_cuts_off_the_same(admitted: Serving) -> None:
    (admitted.commands.home / "roots.json").write_text("[")
    eventually(lambda: admitted.names() == errno.ENOENT, "the end of all roots", logs=lambda: admitted.log)
    admitted.commands.ok("hosts", "retire", "laptop", "--yes")
    eventually(lambda: admitted.names() == errno.EHOSTUNREACH, "the end of the admission", seconds=60)


def require_cut_off(admitted: Serving, *, after: Callable[[], None] = lambda: None) -> None:
    """The laptop is retired, after something that it does while it has a file open, and can read no more."""
    with admitted.files() as files:
        file = files.open("nas", os.fsencode(admitted.root), b"a.txt")
        after()
        admitted.commands.ok("hosts", "retire", "laptop", "--yes")
        assert admitted.certificate("laptop") is None

        def is_cut_off() -> bool:
            try:
                return file.read(0, 100) != b"words"
            except OSError as error:
                return error.errno == errno.EHOSTUNREACH

        eventually(is_cut_off, "the end of the connection", seconds=60)


def test_an_admitted_host_at_work_is_cut_off_first(admitted: Serving) -> None:
    with admitted.database.transaction() as connection:
        assert take_host(connection, LeaseTerms("laptop", "machine", "boot", 3600)) is None
        assert take_host(connection, LeaseTerms("nas", "machine", "boot", 3600)) is None
    retiring = admitted.commands.start("hosts", "retire", "laptop", "--yes")
    assert retiring.stderr is not None
    assert "laptop is cut off" in retiring.stderr.readline()
    with admitted.database.transaction() as connection:
        connection.execute("UPDATE hosts SET agent_until = now() WHERE name = 'laptop'")
    _, errors = retiring.communicate(timeout=120)
    assert retiring.returncode == 0, errors
    done = admitted.commands.run("hosts", "retire", "nas", "--yes")
    assert done.returncode == 1
    assert "the agent of nas is at work" in done.stderr, "nobody retires the own machine at work"
    assert admitted.certificate() is not None


def test_a_root_that_was_not_added_here_is_not_served(admitted: Serving, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("key")
    with admitted.database.transaction() as connection:
        host = roots_db.ensure_host(connection, name="nas")
        roots_db.insert_root(connection, host=host, path=os.fsencode(secret), name="x", folded="x", device=1)
    added = tmp_path / "added"
    added.mkdir()
    admitted.commands.ok("roots", "add", added)
    AllowedRoots(admitted.commands.home).add(os.fsencode(added))
    eventually(lambda: admitted.names(added) == [], "the root that was added", logs=lambda: admitted.log)
    assert admitted.names(secret) == errno.ENOENT
    admitted.commands.ok("roots", "remove", "photos")
    eventually(lambda: admitted.names() == errno.ENOENT, "the end of the root that was removed")


def test_no_other_host_reads_the_state_directory(admitted: Serving, tmp_path: Path) -> None:
    """As if it had been moved below a root since."""
    home, last = admitted.commands.home, tmp_path / "last"
    last.mkdir()
    refused = [tmp_path, home, home / "identity"]
    for path in [*refused, last]:
        AllowedRoots(home).add(os.fsencode(path))
    with admitted.database.transaction() as connection:
        host = roots_db.ensure_host(connection, name="nas")
        for path in [*refused, last]:
            name = path.name
            roots_db.insert_root(connection, host=host, path=os.fsencode(path), name=name, folded=name, device=1)
    eventually(lambda: admitted.names(last) == [], "the root that lies elsewhere", logs=lambda: admitted.log)
    assert [admitted.names(path) for path in refused] == [errno.ENOENT] * len(refused)


def test_whom_nobody_has_asked_for_is_not_admitted(serving: Serving) -> None:
    serving.ask()
    for arguments, words in (
        (("nobody", "--yes"), "nobody has not asked"),
        (("laptop", "--fingerprint", "SHA256:other"), "laptop has another certificate"),
        (("laptop",), "nobody can be asked here"),
    ):
        done = serving.commands.run("hosts", "admit", *arguments)
        assert done.returncode in {1, 2}
        assert words in done.stderr
    assert not [entry for entry in [serving.certificate("laptop")] if entry and entry.admitted]
    serving.commands.ok("hosts", "retire", "laptop", "--yes")
    assert serving.certificate("laptop") is None


def test_a_name_that_a_stranger_has_chosen_runs_nothing_when_it_is_copied(serving: Serving) -> None:
    with serving.database.transaction() as connection:
        request_admission(connection, host="x; $(touch /tmp/x)", fingerprint="SHA256:x", certificate="PEM")
    done = serving.commands.run("hosts", "list")
    assert "magicfs hosts admit 'x; $(touch /tmp/x)'" in done.stderr


def test_another_machine_of_that_name_does_not_serve(serving: Serving) -> None:
    with serving.database.transaction() as connection:
        request_admission(connection, host="nas", fingerprint="SHA256:other", certificate="PEM")
    serving.commands.ok("hosts", "admit", "nas", "--yes")
    done = serving.commands.run("serve", "--listen", serving.address)
    assert done.returncode == 1
    assert "another machine is nas" in done.stderr


def test_an_address_is_needed(serving: Serving) -> None:
    done = serving.commands.run("serve")
    assert done.returncode == 2
    assert "--listen" in done.stderr
    done = serving.commands.run("serve", "--listen", "http://x")
    assert done.returncode == 2


def test_a_killed_host_is_unreachable_at_once(admitted: Serving) -> None:
    assert admitted.part is not None
    os.kill(admitted.part.pid, signal.SIGKILL)
    admitted.part.wait(STOP_SECONDS)
    assert admitted.names() == errno.EHOSTUNREACH
