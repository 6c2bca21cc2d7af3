"""A server of a unix socket ends when nobody asks it any more, and not while it answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

from magicfs.ipc.framing import Message, receive, send
from magicfs.ipc.local_server import IsWanted, LocalServer
from tests.plugins.commands import short_folder

SECONDS = 60.0
"""Only a failure takes so long."""


class OutdatedService:
    """A service that others have replaced, and that takes its time to answer."""

    def __init__(self) -> None:
        self.is_answering = threading.Event()
        self.may_answer = threading.Event()

    def answers(self, request: Message, *, is_wanted: IsWanted) -> Iterator[Message]:
        self.is_answering.set()
        assert self.may_answer.wait(SECONDS)
        yield Message({"answer": request.head["do"]})

    def is_outdated(self) -> bool:
        return True

    def free_memory(self) -> None:
        pass

    def stop(self) -> None:
        pass


def test_an_outdated_server_ends_after_its_last_answer() -> None:
    service = OutdatedService()
    with short_folder() as folder, LocalServer(folder / "s", service, idle_exit=0.4, free_after=SECONDS) as server:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(SECONDS)
            client.connect(str(folder / "s"))
            send(client, Message({"do": "search"}))
            server.handle_request()
            assert service.is_answering.wait(SECONDS)
            # A look at whether it is still needed.
            server.handle_timeout()
            ends = threading.Thread(target=server.run)
            ends.start()
            ends.join(0.5)
            assert ends.is_alive()
            service.may_answer.set()
            assert receive(client, max_body_bytes=0).head == {"answer": "search"}
        ends.join(SECONDS)
        assert not ends.is_alive()
