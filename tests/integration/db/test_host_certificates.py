"""Which certificates of hosts are admitted, and who may ask."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magicfs.db.cluster.host_certificates import (
    admit,
    list_certificates,
    put_certificate,
    request_admission,
    set_address,
)
from magicfs.db.pool import Database
from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import HostTaken, HostUnknown


def request(database: Database, host: str, fingerprint: str) -> HostCertificate:
    with database.transaction() as connection:
        return request_admission(connection, host=host, fingerprint=fingerprint, certificate=f"PEM of {fingerprint}")


def test_a_host_asks_and_is_admitted(database: Database) -> None:
    assert not request(database, "node", "SHA256:a").admitted
    assert not request(database, "node", "SHA256:b").admitted, "the later request counts"
    with database.transaction() as connection:
        with pytest.raises(HostUnknown):
            admit(connection, host="node", fingerprint="SHA256:a")
        assert admit(connection, host="node", fingerprint="SHA256:b").admitted
    assert request(database, "node", "SHA256:b").admitted


def test_an_admitted_certificate_is_not_replaced_by_a_request(database: Database) -> None:
    request(database, "node", "SHA256:a")
    with database.transaction() as connection:
        admit(connection, host="node", fingerprint="SHA256:a")
    with pytest.raises(HostTaken):
        request(database, "node", "SHA256:b")
    with database.transaction() as connection:
        assert [(entry.fingerprint, entry.admitted) for entry in list_certificates(connection)] == [("SHA256:a", True)]


def test_a_certificate_is_put_whatever_there_is(database: Database) -> None:
    for host, fingerprint in (("one", "SHA256:2"), ("two", "SHA256:1"), ("three", "SHA256:3")):
        request(database, host, fingerprint)
    wanted = [
        HostCertificate("one", "SHA256:1", "PEM of 1", "10.0.0.2:7420", admitted=True),
        HostCertificate("three", "SHA256:3", "PEM of SHA256:3", None, admitted=True),
        HostCertificate("two", "SHA256:2", "PEM of 2", None, admitted=False),
    ]
    with database.transaction() as connection:
        for entry in wanted:
            put_certificate(connection, entry)
        assert list_certificates(connection) == wanted
        put_certificate(connection, replace(wanted[1], admitted=False))
        assert not list_certificates(connection)[1].admitted


def test_only_the_owner_of_the_certificate_says_where_its_host_serves(database: Database) -> None:
    request(database, "node", "SHA256:a")
    with database.transaction() as connection:
        set_address(connection, host="node", fingerprint="SHA256:other", address="10.0.0.9:7420")
        assert list_certificates(connection)[0].address is None
        set_address(connection, host="node", fingerprint="SHA256:a", address="10.0.0.2:7420")
        assert list_certificates(connection)[0].address == "10.0.0.2:7420"
