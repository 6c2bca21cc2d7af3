"""Which certificates of hosts are admitted, and who may ask."""

from __future__ import annotations

import pytest

from magicfs.db import host_certificates
from magicfs.db.host_certificates import admit, list_certificates, request_admission, set_address
from magicfs.db.pool import Database
from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import HostTaken, HostUnknown, TooManyRequests


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


def test_requests_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_certificates, "MAX_REQUESTS", 2)
    request(database, "one", "SHA256:1")
    request(database, "two", "SHA256:2")
    with pytest.raises(TooManyRequests):
        request(database, "three", "SHA256:3")
    request(database, "two", "SHA256:4")
    with database.transaction() as connection:
        admit(connection, host="one", fingerprint="SHA256:1")
    request(database, "three", "SHA256:3")


def test_only_the_owner_of_the_certificate_says_where_its_host_serves(database: Database) -> None:
    request(database, "node", "SHA256:a")
    with database.transaction() as connection:
        set_address(connection, host="node", fingerprint="SHA256:other", address="10.0.0.9:7420")
        assert list_certificates(connection)[0].address is None
        set_address(connection, host="node", fingerprint="SHA256:a", address="10.0.0.2:7420")
        assert list_certificates(connection)[0].address == "10.0.0.2:7420"
