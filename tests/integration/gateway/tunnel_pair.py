"""A hub with real servers, and a node that is linked to it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import psycopg
import redis as redis_client
from psycopg.conninfo import make_conninfo

from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import ConfigError, HostTaken
from magicfs.gateway.hub import Hub, join_service
from magicfs.gateway.hub_link import HubLink
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.join_requests import JoinRequest
from magicfs.gateway.peers import PeerAddress
from magicfs.gateway.serve import JOIN_SERVICE, Server
from magicfs.gateway.tunnel import Tunnels
from magicfs.runtime import postgres, redis
from magicfs.state_directory.home import POSTGRES_SOCKET
from tests.integration.gateway.hosts import in_a_loop
from tests.plugins.broker import free_port
from tests.plugins.servers import Servers


class Pair:
    """A hub with real servers, and a node that is linked to it."""

    def __init__(self, folder: Path, servers: Servers) -> None:
        self.identities: dict[str, Identity] = {}
        for name in ("hub", "node", "stranger"):
            (folder / name / "run").mkdir(parents=True, mode=0o700)
            self.identities[name] = host_identity(folder / name)
        self.run_dir = folder / "node" / "run"
        self.known: dict[str, HostCertificate] = {}
        self.asked: list[JoinRequest] = []
        self.servers = servers
        self.address = PeerAddress("127.0.0.1", free_port())
        self.hub = Hub(self.address, self.identities["hub"].fingerprint)

    def admit(self, name: str) -> None:
        shown = self.identities[name]
        self.known[name] = HostCertificate(name, shown.fingerprint, shown.certificate, None, admitted=True)

    def request(self, asked: JoinRequest) -> bool:
        if asked.host == "taken":
            raise HostTaken("another machine is taken in this cluster")
        if asked.host == "unlucky":
            raise ConfigError("/secret/place cannot be read")
        self.asked.append(asked)
        return asked.host in self.known

    def serve(self) -> ExitStack:
        """Serve until the stack is closed."""
        run_dir = self.servers.home / "run"
        tunnels = Tunnels(
            postgres=run_dir / POSTGRES_SOCKET,
            redis=redis.socket_path(self.servers.home),
            user=postgres.OWNER,
            database="template_magicfs",
        )
        services = tunnels.services() | {JOIN_SERVICE: join_service(self.request)}
        server = Server(self.identities["hub"], services, load=lambda: list(self.known.values()))
        stack = ExitStack()
        stack.enter_context(in_a_loop(lambda stop, ready: server.run(self.address, stop, ready=ready)))
        return stack

    def link(self, name: str = "node", hub: Hub | None = None) -> ExitStack:
        link = HubLink(hub or self.hub, self.identities[name])
        stack = ExitStack()
        sockets = {"postgres": self.run_dir / POSTGRES_SOCKET, "redis": self.run_dir / "redis.sock"}
        stack.enter_context(in_a_loop(lambda stop, ready: link.run(**sockets, stop=stop, ready=ready)))
        return stack

    def connect(self, **options: str) -> psycopg.Connection:
        words = {
            "host": str(self.run_dir),
            "user": postgres.OWNER,
            "dbname": "template_magicfs",
        } | options
        return psycopg.connect(make_conninfo(**words), autocommit=True, connect_timeout=10)

    def redis(self) -> redis_client.Redis:
        return redis_client.Redis(unix_socket_path=str(self.run_dir / "redis.sock"), db=14)

    def connects(self) -> bool:
        """Whether a session with Postgres can be begun."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True
