"""Whoever floods a hub with requests keeps no other machine from asking."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.errors import ConfigError
from magicfs.gateway.join_requests import FILE_NAME, MAX_REQUESTS, JoinRequest, JoinRequests

HONEST = JoinRequest("laptop", "SHA256:honest", "PEM", "10.8.0.2")


@pytest.fixture
def requests(tmp_path: Path) -> JoinRequests:
    (tmp_path / "run").mkdir()
    return JoinRequests(tmp_path)


def flood(requests: JoinRequests, count: int, *, networks: int = 1, host: str | None = None) -> None:
    for number in range(count):
        name = host or f"host{number}"
        requests.add(JoinRequest(name, f"SHA256:{number}", "PEM", f"10.0.0.{number % networks}"))


def waits(requests: JoinRequests) -> list[str]:
    return [entry.fingerprint for entry in requests.certificates()]


def test_a_network_that_floods_takes_its_own_places(requests: JoinRequests) -> None:
    requests.add(HONEST)
    flood(requests, 500)
    assert waits(requests) == ["SHA256:honest", *(f"SHA256:{number}" for number in range(501 - MAX_REQUESTS, 500))]


def test_who_comes_after_a_flood_is_taken(requests: JoinRequests) -> None:
    flood(requests, 500)
    requests.add(HONEST)
    assert waits(requests)[-1] == "SHA256:honest"
    flood(requests, 500)
    assert "SHA256:honest" in waits(requests)


def test_who_has_lost_the_place_to_many_networks_gets_another(requests: JoinRequests) -> None:
    requests.add(HONEST)
    flood(requests, 500, networks=500)
    assert "SHA256:honest" not in waits(requests)
    requests.add(HONEST)
    assert waits(requests)[-1] == "SHA256:honest"
    assert len(waits(requests)) == MAX_REQUESTS


def test_nobody_takes_the_place_of_another_machine_by_its_name(requests: JoinRequests) -> None:
    requests.add(HONEST)
    flood(requests, 5, host=HONEST.host)
    assert waits(requests)[0] == "SHA256:honest"
    assert requests.remove(HONEST.host)
    assert waits(requests) == []
    assert not requests.remove(HONEST.host)


def test_who_asks_again_keeps_the_place_and_nothing_is_written(requests: JoinRequests, tmp_path: Path) -> None:
    requests.add(HONEST)
    flood(requests, 3)
    before = (tmp_path / FILE_NAME).stat()
    requests.add(HONEST)
    after = (tmp_path / FILE_NAME).stat()
    # Asking again reads the file, which changes the time of its last access.
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    assert before.st_mode & 0o777 == 0o600
    (tmp_path / FILE_NAME).write_text("[[]]")
    with pytest.raises(ConfigError, match=r"requests\.json cannot be read"):
        requests.certificates()
