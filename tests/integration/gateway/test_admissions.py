"""A hub decides by a list of its own who is admitted, and tells those that have joined it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import ConfigError, PeerUnavailable
from magicfs.gateway import serve
from magicfs.gateway.admissions import ADMISSIONS_SERVICE, Admissions, admissions_service
from magicfs.gateway.admitted_hosts import FILE_NAME, AdmittedHosts
from magicfs.gateway.hub import Hub
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.peers import PeerAddress
from magicfs.gateway.serve import Server
from tests.integration.gateway.hosts import in_a_loop
from tests.plugins.broker import free_port
from tests.plugins.waiting import eventually


def entry(host: str, fingerprint: str, *, admitted: bool = True, address: str | None = None) -> HostCertificate:
    return HostCertificate(host, fingerprint, f"PEM of {fingerprint}", address, admitted=admitted)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def test_the_list_begins_once_with_what_the_index_has(home: Path) -> None:
    admitted, serving = AdmittedHosts(home), AdmittedHosts(home)
    assert not serving.exists
    admitted.begin([entry("laptop", "SHA256:a", address="10.0.0.2:7420"), entry("waiting", "SHA256:b", admitted=False)])
    assert serving.entries() == [entry("laptop", "SHA256:a")]
    admitted.begin([entry("thief", "SHA256:c")])
    assert [each.host for each in serving.entries()] == ["laptop"]
    assert (home / FILE_NAME).stat().st_mode & 0o777 == 0o600
    admitted.add(entry("desk", "SHA256:d"))
    admitted.remove("laptop")
    assert (serving.find("laptop"), serving.find("desk")) == (None, entry("desk", "SHA256:d"))
    admitted.add(entry("table", "SHA256:d"))
    assert [each.host for each in serving.entries()] == ["table"], "a certificate has one name"
    admitted.remove("table")
    admitted.begin([entry("thief", "SHA256:c")])
    assert serving.entries() == [], "an empty list is one"


def test_a_damaged_list_admits_nobody(home: Path) -> None:
    (home / FILE_NAME).write_text('[{"host": "laptop"}]')
    with pytest.raises(ConfigError, match=r"admitted\.json cannot be read"):
        AdmittedHosts(home).entries()


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([entry("laptop", "SHA256:a", address="x:1")], [entry("laptop", "SHA256:a", address="x:1")]),
        ([], [entry("laptop", "SHA256:a")]),
        ([entry("laptop", "SHA256:other", address="x:1")], [entry("laptop", "SHA256:a")]),
        ([entry("laptop", "SHA256:a", admitted=False)], [entry("laptop", "SHA256:a")]),
        (
            [entry("laptop", "SHA256:a"), entry("spare", "SHA256:b")],
            [entry("laptop", "SHA256:a"), entry("spare", "SHA256:b", admitted=False)],
        ),
        ([entry("copy", "SHA256:a")], [entry("laptop", "SHA256:a")]),
    ],
)
def test_what_the_index_says_is_put_right(
    home: Path, index: list[HostCertificate], expected: list[HostCertificate]
) -> None:
    admitted = AdmittedHosts(home)
    admitted.begin([entry("laptop", "SHA256:a")])
    assert admitted.corrected(index) == expected


@pytest.fixture
def joined(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[AdmittedHosts, Admissions, Identity]]:
    """The list of a hub that serves, and what a host that has joined it learns."""
    monkeypatch.setattr(serve, "REFRESH_SECONDS", 0.05)
    (home / "node").mkdir()
    own, node, admitted = host_identity(home), host_identity(home / "node"), AdmittedHosts(home)
    admitted.begin([HostCertificate("node", node.fingerprint, node.certificate, None, admitted=True)])
    address = PeerAddress("127.0.0.1", free_port())
    server = Server(own, {ADMISSIONS_SERVICE: admissions_service(admitted.entries)}, load=admitted.entries)
    with in_a_loop(lambda stop, ready: server.run(address, stop, ready=ready)):
        admissions = Admissions(Hub(address, own.fingerprint), node)
        yield admitted, admissions, node
        admissions.close()


def test_a_host_that_has_joined_learns_whom_the_hub_has_admitted(
    joined: tuple[AdmittedHosts, Admissions, Identity],
) -> None:
    admitted, admissions, _ = joined
    assert admissions.read() == admitted.entries()
    many = [replace(entry(f"host{n}", f"SHA256:{n}"), certificate="é" * 4000) for n in range(100)]
    for each in many:
        admitted.add(each)
    assert sorted(each.host for each in admissions.read()) == sorted(["node", *(each.host for each in many)])
    for each in many[1:]:
        admitted.remove(each.host)
    assert [each.host for each in admissions.read()] == ["host0", "node"]


def test_a_retired_host_learns_nothing_more(joined: tuple[AdmittedHosts, Admissions, Identity]) -> None:
    admitted, admissions, node = joined
    admissions.read()
    admitted.remove("node")

    def is_refused() -> bool:
        try:
            return not admissions.read()
        except PeerUnavailable:
            return True

    eventually(is_refused, "the end of its connection", seconds=60)
    admitted.add(HostCertificate("node", node.fingerprint, node.certificate, None, admitted=True))
    eventually(lambda: not is_refused(), "a new connection", seconds=60)
