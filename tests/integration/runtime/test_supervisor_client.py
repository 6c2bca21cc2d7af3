"""A supervisor that answers late, because others have the processors, or never."""

from __future__ import annotations

import http.server
import socketserver
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.errors import ServerError
from magicfs.linux.starvation import Starvation
from magicfs.runtime import supervisor_client
from magicfs.runtime.supervisor_client import SupervisorClient
from tests.plugins.commands import short_folder

LATE_SECONDS = 0.6


may_answer = threading.Event()
"""Set while the server only has its usual delay."""


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(LATE_SECONDS)
        may_answer.wait(60)
        body = xmlrpc.client.dumps((1234,), methodresponse=True).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "client"

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(supervisor_client, "ANSWER_SECONDS", 0.05)
    may_answer.set()
    with short_folder() as folder, socketserver.ThreadingUnixStreamServer(str(folder / "socket"), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder / "socket"
        server.shutdown()


def test_one_that_gets_no_processor_has_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    monkeypatch.setattr(Starvation, "seconds", lambda _: time.monotonic() - began)
    assert SupervisorClient(path).pid() == 1234


def test_one_that_is_only_asked_about_has_as_long_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def waited(_: Starvation) -> float:
        may_answer.set()
        return 60.0

    monkeypatch.setattr(Starvation, "seconds", waited)
    may_answer.clear()
    assert SupervisorClient(path, seconds=3.0).pid() == 1234
    with pytest.raises(ServerError, match="does not answer"):
        SupervisorClient(path, seconds=0.05).pid()


def test_one_that_hangs_has_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Starvation, "seconds", lambda _: 0.0)
    with pytest.raises(ServerError, match="does not answer"):
        SupervisorClient(path).pid()
