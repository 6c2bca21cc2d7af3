"""Redis as the broker: its address, whether it takes messages now, and what to do when it does not.

Used by the queue, and by the commands that show the broker: they wait for what is imported, so it is nothing of Celery.
Any thread.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from magicfs.domain.status import BrokerStatus
from tasks.queue_names import EMBED_QUEUE, MAINTENANCE_QUEUE, extract_queue

SOCKET_SECONDS = 5
"""Longest wait for Redis, which answers in milliseconds. Celery's default is to wait for ever."""

PROBE_SECONDS = 2.5
"""How long the broker has to answer each step of a probe. Through the link to a hub, the first one is three round
trips: a connection, TLS, and the question itself."""

MAX_PROBE_SECONDS = 3.0
"""How long a probe takes at most, of three round trips: the look-up of a name has no timeout of its own."""

PROBE_KEY_MS = 1000
"""How long the key lives that a probe writes."""

_HANGS = (
    "Redis does not answer in time: restart it (the embedded one by 'magicfs down', then 'magicfs up'), "
    "or check the network to it"
)

CORRECT_ADDRESS = "start it, or correct MAGICFS_BROKER_URL"
"""What to do when nothing answers at an address that a person has given."""

_SOCKET = "redis+socket://"
"""How the address of a unix socket begins."""

_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
"""What OpenSSL says of a server whose certificate no known authority has signed, or that has another name."""

_EXPIRED = "certificate has expired"
"""What it adds for one whose time is over, by the clock here."""

TROUBLES: dict[type[Exception], str] = {
    redis.AuthenticationError: "Redis refuses the password: correct it in MAGICFS_BROKER_URL",
    redis.OutOfMemoryError: "Redis is full and takes no messages: raise its maxmemory, or delete what else is in it",
    redis.ReadOnlyError: "Redis is read-only, a replica: name its primary in MAGICFS_BROKER_URL",
    redis.BusyLoadingError: "Redis is still loading its data: wait for it",
    redis.TimeoutError: _HANGS,
    TimeoutError: _HANGS,
}
"""What is wrong with the broker and what to do, by the error of a call."""

REFUSALS = {
    "max number of clients reached": (
        "Redis takes no more connections: raise its maxclients, or end what else is connected"
    ),
    "MISCONF": (
        "Redis cannot save what it has, and takes no messages until it can: make room on its disk, or let it save "
        "nothing ('redis-cli CONFIG SET save \"\"'), because nothing of MagicFS in it is worth keeping"
    ),
}
"""The same, by words of a refusal for which the package has no class."""


def probe(broker_url: str, host: str, *, remedy: str | None = None) -> BrokerStatus:
    """Whether the broker takes messages now, and how many the queues of `host` hold.

    `remedy` says what to do when nothing answers, if that is not what `remedy_of` returns. Writes a key that expires: a
    full Redis and a replica answer everything else. Takes three seconds at most. Raises `ValueError` when the address
    is malformed.
    """
    return probe_queues(broker_url, (extract_queue(host), EMBED_QUEUE, MAINTENANCE_QUEUE), remedy=remedy)


def probe_queues(broker_url: str, names: Sequence[str], *, remedy: str | None = None) -> BrokerStatus:
    """Whether the broker takes messages now, and how many these queues hold: see `probe`."""
    asking = client(broker_url, seconds=PROBE_SECONDS, retries=0)
    remedy = remedy or remedy_of(broker_url)
    answers: list[BrokerStatus] = []
    probing = threading.Thread(target=lambda: answers.append(_probe(asking, names, remedy)), daemon=True)
    try:
        probing.start()
    except RuntimeError as error:
        detail = f"this process may start no thread to ask Redis ({error}): raise its limit of tasks"
        return BrokerStatus(ok=False, detail=detail, queues={})
    probing.join(MAX_PROBE_SECONDS)
    late = trouble_of(redis.TimeoutError(), remedy)
    return answers[0] if answers else BrokerStatus(ok=False, detail=late, queues={})


def remedy_of(broker_url: str) -> str:
    """What to do when no Redis answers at an address: a socket is mostly that of the embedded one, or of the hub's."""
    return "see 'magicfs doctor'" if broker_url.startswith(_SOCKET) else CORRECT_ADDRESS


def _probe(asking: redis.Redis, names: Sequence[str], remedy: str) -> BrokerStatus:
    try:
        with asking as connection:
            key = f"magicfs.probe.{uuid.uuid4().hex}"
            # One round trip: Redis may be far away.
            questions = connection.pipeline(transaction=False).lpush(key, "").pexpire(key, PROBE_KEY_MS)
            for name in names:
                questions.llen(name)
            written, expires, *depths = questions.execute(raise_on_error=False)
            for answer in (written, expires):
                if isinstance(answer, redis.RedisError):
                    raise answer
            answers = dict(zip(names, depths, strict=True))
    except (redis.RedisError, OSError) as error:
        return BrokerStatus(ok=False, detail=trouble_of(error, remedy), queues={})
    queues = {name: depth for name, depth in answers.items() if isinstance(depth, int)}
    other = next((name for name in names if name not in queues), None)
    return BrokerStatus(ok=other is None, detail=other and _wrong_type(other), queues=queues)


def client(broker_url: str, *, seconds: float, retries: int) -> redis.Redis:
    """A client of the broker that waits for each answer `seconds` at most. Raises `ValueError` for a wrong address.

    A connection takes two round trips, and not five: it says neither its library's name nor that it takes news.
    """
    return redis.Redis.from_url(
        redis_url(broker_url),
        protocol=2,
        driver_info=None,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), retries),
    )


def trouble_of(error: Exception, remedy: str) -> str:
    """What is wrong with the broker, and what to do, in one line without a password; `remedy` if nothing answers."""
    for kind, trouble in TROUBLES.items():
        if isinstance(error, kind):
            return trouble
    if _UNTRUSTED in str(error) and _EXPIRED in str(error):
        return f"the certificate of Redis is not trusted ({error}): renew it there, or set the clock here"
    if _UNTRUSTED in str(error):
        return (
            f"the certificate of Redis is not trusted ({error}): add ssl_ca_certs=FILE, that of its authority, to the "
            "query of MAGICFS_BROKER_URL, and name the server as the certificate does"
        )
    for words, trouble in REFUSALS.items():
        if words in str(error):
            return trouble
    if isinstance(error, redis.ConnectionError | OSError):
        return f"no Redis answers ({error}): {remedy}"
    return f"Redis takes no messages ({error}): see its log"


def _wrong_type(name: str) -> str:
    return (
        f"the key {name} in Redis is no queue: delete it with 'redis-cli DEL {name}', "
        "or give MagicFS a database of its own in MAGICFS_BROKER_URL"
    )


def redis_url(broker_url: str) -> str:
    """The URL of the broker for the redis package, which names unix sockets by another scheme than Celery."""
    if not broker_url.startswith(_SOCKET):
        return broker_url
    parts = urlsplit(broker_url.replace(_SOCKET, "unix://", 1))
    number = dict(pair.partition("=")[::2] for pair in parts.query.split("&")).get("virtual_host", "0")
    user = f"{quote(parts.username or '')}:{quote(parts.password)}@" if parts.password else ""
    return f"unix://{user}{parts.path}?db={number.strip('/') or 0}"
