"""A node reaches its hub while that admits it, and is told why where it does not."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import replace

import psycopg
import pytest
import redis as redis_client

from magicfs.domain.deadline import Deadline
from magicfs.errors import DeadlineExceeded, PeerUnavailable
from magicfs.gateway.hub import ask_admission, require_admission
from magicfs.gateway.join_requests import JoinRequest
from magicfs.gateway.peers import PeerAddress
from tests.integration.gateway.tunnel_pair import Pair
from tests.plugins.waiting import eventually


def test_a_host_that_is_retired_is_cut_off(linked: Pair) -> None:
    connection, client = linked.connect(), linked.redis()
    client.ping()
    linked.known.clear()

    def is_cut() -> bool:
        try:
            connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return True
        return False

    eventually(is_cut, "the end of its session")
    with pytest.raises(psycopg.OperationalError, match="has not admitted this host: run 'magicfs cluster init' there"):
        linked.connect()
    with pytest.raises(redis_client.exceptions.ConnectionError):
        linked.redis().ping()
    linked.admit("node")
    eventually(linked.connects, "a session once it is admitted again")


def test_a_stranger_and_a_wrong_hub_get_nothing(pair: Pair) -> None:
    pair.admit("node")
    with pair.serve():
        with pair.link("stranger"), pytest.raises(psycopg.OperationalError, match="has not admitted this host"):
            pair.connect()
        other = replace(pair.hub, fingerprint=pair.identities["stranger"].fingerprint)
        with (
            pair.link(hub=other),
            pytest.raises(psycopg.OperationalError, match="the hub cannot be used: another machine answers at"),
        ):
            pair.connect()
    with pair.link(), pytest.raises(psycopg.OperationalError, match=r"the hub 127\.0\.0\.1:\d+ cannot be reached"):
        pair.connect()


def test_an_address_that_ends_each_connection_is_told_as_that(pair: Pair) -> None:
    pair.admit("node")
    ending = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as forwarder:
        forwarder.settimeout(0.1)

        def end_connections() -> None:
            while not ending.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = forwarder.accept()
                    # Else the kernel says that it was reset.
                    with connection:
                        connection.settimeout(60)
                        connection.recv(1 << 16)

        thread = threading.Thread(target=end_connections)
        thread.start()
        try:
            address = PeerAddress("127.0.0.1", forwarder.getsockname()[1])
            with (
                pair.link(hub=replace(pair.hub, address=address)),
                pytest.raises(psycopg.OperationalError, match="cannot be reached: its address ends each connection"),
            ):
                pair.connect()
        finally:
            ending.set()
            thread.join()


def test_a_link_goes_on_when_its_hub_is_back(pair: Pair) -> None:
    pair.admit("node")
    with pair.link():
        with pair.serve():
            first = pair.connect()
        with pytest.raises(psycopg.OperationalError):
            first.execute("SELECT 1")
        assert not pair.connects()
        with pair.serve():
            assert pair.connects()
    assert list(pair.run_dir.iterdir()) == []


def test_a_host_asks_for_admission_and_waits(pair: Pair) -> None:
    stranger = pair.identities["stranger"]
    with pair.serve():
        assert not ask_admission(pair.hub, stranger, host="stranger", deadline=Deadline(20))
        with pytest.raises((PeerUnavailable, DeadlineExceeded)):
            require_admission(pair.hub, stranger, Deadline(20))
        pair.admit("stranger")
        assert ask_admission(pair.hub, stranger, host="stranger", deadline=Deadline(20))

        def is_in() -> bool:
            try:
                require_admission(pair.hub, stranger, Deadline(20))
            except PeerUnavailable:
                return False
            return True

        eventually(is_in, "its admission")
        with pytest.raises(PeerUnavailable, match="the hub says: another machine is taken"):
            ask_admission(pair.hub, stranger, host="taken", deadline=Deadline(20))
        for host, certificate in (("x" * 300, stranger.certificate), ("a\nb", stranger.certificate), ("x", "none")):
            with pytest.raises(PeerUnavailable, match="the hub says: the request is"):
                ask_admission(pair.hub, replace(stranger, certificate=certificate), host=host, deadline=Deadline(20))
    expected = JoinRequest("stranger", stranger.fingerprint, stranger.certificate, "127.0.0.1")
    assert pair.asked == [expected, expected]


def test_a_stranger_is_told_nothing_of_the_machine(pair: Pair) -> None:
    with pair.serve(), pytest.raises(PeerUnavailable) as refused:
        ask_admission(pair.hub, pair.identities["node"], host="unlucky", deadline=Deadline(20))
    assert str(refused.value) == "the hub says: it cannot record the request: look at its log"
