"""What the tests of the query embedder have in common: a client's server, and how to wait for it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from magicfs.domain.models import ModelSpec
from magicfs.embedding.query_client import FindFolder, QueryEmbedder
from magicfs.ipc.framing import FramingError, Message, receive, send
from magicfs.models.store import ModelStore
from magicfs.runtime.processes import wait_until

DEADLINE_SECONDS = 60.0
"""Only a failure takes this long."""


def folders_of(store: ModelStore) -> FindFolder:
    def find_folder(spec: ModelSpec) -> Path:
        return store.find(spec.name, spec.precision).folder

    return find_folder


def end(client: QueryEmbedder) -> None:
    assert client.quit(deadline_s=DEADLINE_SECONDS)


@dataclass(frozen=True)
class EmbedderStatus:
    pid: int
    model: str | None
    """The labels of the loaded models."""
    served: int
    """Questions embedded since it started."""


def ping(client: QueryEmbedder, *, deadline_s: float = 1.0) -> EmbedderStatus | None:
    """What the client's server says of itself; None when none answers, or it refuses: it has too much to do."""
    deadline = time.monotonic() + deadline_s
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(deadline_s)
            channel.connect(str(client.socket_path))
            send(channel, Message({"do": "ping"}), deadline=deadline)
            answer = receive(channel, max_body_bytes=0, deadline=deadline).head
    except (OSError, FramingError):
        return None
    if "error" in answer:
        return None
    return EmbedderStatus(answer["pid"], answer["model"], answer["served"])


def pid_of(client: QueryEmbedder) -> int:
    status = ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    return status.pid


def wait_for(condition: Callable[[], bool]) -> None:
    wait_until(condition, seconds=DEADLINE_SECONDS, failed="it does not come true", pause=0.01)


def launch(socket_path: Path, *options: str, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "magicfs.embedding.query_server", "--socket", str(socket_path)]
    return subprocess.Popen([*command, *options], stderr=stderr, cwd="/")
