"""What the embedded Redis refuses to everybody: an admitted host of a cluster reaches it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_client

from magicfs.config import Settings
from magicfs.runtime import redis
from magicfs.runtime.processes import wait_until
from tasks.app import make_app
from tasks.queue import CeleryQueue
from tests.plugins.commands import short_folder
from tests.plugins.servers import Servers


@pytest.fixture
def home() -> Iterator[Path]:
    with short_folder() as folder:
        (folder / "run").mkdir()
        yield folder


@pytest.fixture
def attacker(servers: Servers) -> redis_client.Redis:
    return redis_client.Redis(unix_socket_path=str(redis.socket_path(servers.home)), db=15)


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG SET dir /tmp",
        "CONFIG SET dbfilename authorized_keys",
        "CONFIG GET dir",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
        "MODULE LOAD /tmp/evil.so",
        "REPLICAOF 127.0.0.1 1",
        "SLAVEOF 127.0.0.1 1",
        "MIGRATE 127.0.0.1 1 key 0 1",
        "RESTORE key 0 x",
        "DEBUG SET-ACTIVE-EXPIRE 0",
        "SHUTDOWN NOSAVE",
        "ACL SETUSER default allcommands",
        "ACL SETUSER other on nopass allcommands",
        "EVAL return(1) 0",
        "EVALSHA 0000000000000000000000000000000000000000 0",
        "SCRIPT FLUSH",
        "MONITOR",
        "PSYNC ? -1",
        "FAILOVER",
        "CLUSTER RESET",
        "LATENCY DOCTOR",
    ],
)
def test_what_reaches_beyond_the_memory_of_the_server_is_refused(attacker: redis_client.Redis, command: str) -> None:
    with pytest.raises(redis_client.exceptions.NoPermissionError):
        attacker.execute_command(*command.split())


def test_another_user_is_not_there_to_become(attacker: redis_client.Redis) -> None:
    for user in ("admin", "root", "replica"):
        with pytest.raises(redis_client.exceptions.AuthenticationError):
            attacker.execute_command("AUTH", user, "")
    attacker.execute_command("AUTH", "default", "anything")
    with pytest.raises(redis_client.exceptions.NoPermissionError):
        attacker.execute_command("SAVE")


def test_no_message_is_large(attacker: redis_client.Redis) -> None:
    attacker.rpush("large", "x" * (1 << 20))
    with pytest.raises(redis_client.exceptions.RedisError):
        attacker.rpush("large", "x" * ((1 << 20) + 1))
    attacker.set("long", "x" * (1 << 20))
    with pytest.raises(redis_client.exceptions.RedisError):
        attacker.append("long", "x")
    attacker.delete("large", "long")


def test_what_queues_need_is_allowed(servers: Servers, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(home=tmp_path, broker_url=servers.empty_broker(), host="here")
    queue = CeleryQueue(make_app(settings))
    queue.notify_embed()
    status = queue.probe("here")
    assert status.ok
    assert status.queues["embed"] == 1
    assert queue.workers() == []
    # It logs what Redis refuses, and goes on.
    assert caplog.text == ""


def test_a_server_is_found_by_what_runs(home: Path) -> None:
    assert redis.server_process(home) is None
    with subprocess.Popen([sys.executable, "-m", "magicfs.runtime.redis", str(home)]) as process:
        wait_until(lambda: redis.answers(home), seconds=60, failed="no Redis")
        found = redis.server_process(home)
        assert found is not None
        assert found.pid == process.pid
        redis.socket_path(home).unlink()
        assert redis.server_process(home) == found
        process.terminate()
    assert redis.server_process(home) is None


def test_a_server_whose_path_ends_with_ours_is_another_one(home: Path) -> None:
    """As of a copy of the whole disk."""
    other = home / "copy" / str(home).lstrip("/")
    (other / "run").mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-m", "magicfs.runtime.redis", str(other)]) as process:
        wait_until(lambda: redis.answers(other), seconds=60, failed="no Redis")
        assert redis.server_process(home) is None
        assert redis.server_process(other) is not None
        process.terminate()
