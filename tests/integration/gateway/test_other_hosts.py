"""A mount knows which hosts serve their files, and asks for admission where it needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.cluster import host_certificates as certificates_db
from magicfs.db.pool import Database
from magicfs.domain.host_certificates import HostCertificate
from magicfs.gateway.identity import host_identity
from magicfs.gateway.other_hosts import OtherHosts


@pytest.fixture
def others(tmp_path: Path) -> OtherHosts:
    (tmp_path / "laptop").mkdir()
    return OtherHosts(Settings(home=tmp_path / "laptop", host="laptop"))


def serve(database: Database, folder: Path, *, host: str, address: str | None) -> HostCertificate:
    """Record a host that is admitted and serves."""
    (folder / host).mkdir(exist_ok=True)
    own = host_identity(folder / host)
    with database.transaction() as connection:
        certificates_db.request_admission(
            connection, host=host, fingerprint=own.fingerprint, certificate=own.certificate
        )
        certificates_db.set_address(connection, host=host, fingerprint=own.fingerprint, address=address)
        return certificates_db.admit(connection, host=host, fingerprint=own.fingerprint)


def read(database: Database, others: OtherHosts) -> list[HostCertificate]:
    with database.transaction() as connection:
        others.read(connection)
        return certificates_db.list_certificates(connection)


def test_hosts_that_serve_are_known_and_the_mount_asks_them_to_know_it(
    database: Database, others: OtherHosts, tmp_path: Path
) -> None:
    assert read(database, others) == []
    assert not others.files.hosts()
    assert not (tmp_path / "laptop/identity").exists(), "where nobody serves, nobody asks"
    serve(database, tmp_path, host="hub", address="127.0.0.1:7420")
    serve(database, tmp_path, host="desk", address=None)
    known = {entry.host: entry for entry in read(database, others)}
    assert set(others.files.hosts()) == {"hub"}
    assert known["laptop"].fingerprint == host_identity(tmp_path / "laptop").fingerprint
    assert not known["laptop"].admitted


def test_a_host_that_is_retired_does_not_ask_again(database: Database, others: OtherHosts, tmp_path: Path) -> None:
    serve(database, tmp_path, host="hub", address="127.0.0.1:7420")
    assert [entry.host for entry in read(database, others)] == ["hub", "laptop"]
    with database.transaction() as connection:
        certificates_db.delete_certificate(connection, host="laptop")
    assert [entry.host for entry in read(database, others)] == ["hub"]


def test_another_machine_of_that_name_keeps_its_certificate(
    database: Database, others: OtherHosts, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    serve(database, elsewhere, host="laptop", address="127.0.0.1:7421")
    serve(database, tmp_path, host="hub", address="127.0.0.1:7420")
    before = read(database, others)
    assert [entry.host for entry in before] == ["hub", "laptop"]
    assert set(others.files.hosts()) == {"hub"}, "it does not ask itself"
