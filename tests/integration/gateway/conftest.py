from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.gateway import connection_pool, serve
from tests.integration.gateway.hosts import Host, Mount
from tests.integration.gateway.tunnel_pair import Pair
from tests.plugins.commands import short_folder
from tests.plugins.servers import Servers


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(serve, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(connection_pool, "UNREACHABLE_SECONDS", 0.2)
    return Host(tmp_path)


@pytest.fixture
def mount(tmp_path: Path, host: Host) -> Iterator[Mount]:
    known = Mount(tmp_path, host)
    with host.serving():
        yield known
        known.files.set_hosts([])


@pytest.fixture
def pair(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(serve, "REFRESH_SECONDS", 0.05)
    with short_folder() as folder:
        yield Pair(folder, servers)


@pytest.fixture
def linked(pair: Pair) -> Iterator[Pair]:
    pair.admit("node")
    with pair.serve(), pair.link():
        yield pair
