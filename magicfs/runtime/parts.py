"""The parts that `magicfs up` runs on a machine: how each one is started and stopped, and the options of `up`.

Pure; starts nothing. `cli.starting` chooses the parts, `supervisor` stores and runs them, `launch` starts each one.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from magicfs.runtime.processes import dies_with_parent

POSTGRES = "postgres"
REDIS = "redis"
AGENT = "agent"
QUERY_EMBEDDER = "embedder"
MOUNT = "mount"
EXTRACT_WORKER = "extract"
EMBED_WORKER = "embed"

EXTRACT_WORKERS = 2
"""While one reads a large file, the other one reads what was just saved."""

DATABASE_PLACE = 10
"""Parts start in the order of their places and stop in the reverse order; parts of one place stop together."""
BROKER_PLACE = 20
SERVICE_PLACE = 50
WORKER_PLACE = 60
MOUNT_PLACE = 90

STEADY_SECONDS = 10
"""`steady_seconds` of our services. One that cannot start has ended within this time, even on a busy machine."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Part:
    """A program that the supervisor keeps running."""

    name: str
    """Lower-case letters, digits and dashes; also the name of its log file."""
    command: tuple[str, ...]
    place: int
    """In the order of starting, see `DATABASE_PLACE`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the supervisor's environment."""
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    """Time to stop in before it is killed."""
    steady_seconds: int = 2
    """A part that ends sooner than this is started again after a pause, which grows with each failure."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"not a name for a part: {self.name!r}")

    @property
    def fingerprint(self) -> str:
        """A digest of everything about the part: when it changes, the part is restarted."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The part as `run/parts.json` holds it for `launch`."""
        return {
            "command": list(self.command),
            "environment": dict(self.environment),
            "place": self.place,
            "stop_signal": self.stop_signal,
            "stop_seconds": self.stop_seconds,
            "steady_seconds": self.steady_seconds,
        }

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> Part:
        """The part that `as_json` was made from. Raises `KeyError`, `TypeError` or `ValueError` for other data."""
        return cls(
            name=name,
            command=tuple(str(word) for word in data["command"]),
            place=int(data["place"]),
            environment={str(key): str(value) for key, value in data["environment"].items()},
            stop_signal=str(data["stop_signal"]),
            stop_seconds=int(data["stop_seconds"]),
            steady_seconds=int(data["steady_seconds"]),
        )


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The options of `magicfs up` that hold, from its last call or from earlier ones."""

    embed_workers: int
    gentle: bool
    mount: Path | None
    """Absolute."""

    def as_json(self) -> dict[str, Any]:
        """The options as `run/up.json` holds them."""
        return {
            "workers": self.embed_workers,
            "gentle": self.gentle,
            "mount": None if self.mount is None else str(self.mount),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UpOptions:
        """The options that `as_json` was made from. Raises `KeyError`, `TypeError` or `ValueError` for other data."""
        mount = data["mount"]
        return cls(
            embed_workers=int(data["workers"]),
            gentle=bool(data["gentle"]),
            mount=None if mount is None else Path(mount),
        )

    @classmethod
    def from_parts(cls, parts: Sequence[Part]) -> UpOptions | None:
        """The options behind parts that an older version of MagicFS runs, which kept no `run/up.json`.

        None for servers alone: an `up` that was killed before it described the other parts.
        """
        if all(part.name in {POSTGRES, REDIS} for part in parts):
            return None
        return cls(
            embed_workers=sum(part.name.startswith(f"{EMBED_WORKER}-") for part in parts),
            gentle=any(part.environment.get("MAGICFS_GENTLE") == "True" for part in parts),
            mount=next((Path(part.command[-1]) for part in parts if part.name == MOUNT), None),
        )


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module of ours. With `-P`, nothing is imported from the working directory."""
    return (sys.executable, "-P", "-m", module, *arguments)


def server_parts(home: Path, *, database: bool, broker: bool) -> list[Part]:
    """The embedded servers: Postgres with `database`, Redis with `broker`."""
    parts = []
    if database:
        # INT ends connections and writes a checkpoint; TERM waits until every client has disconnected.
        parts.append(
            Part(
                name=POSTGRES,
                command=module_command("magicfs.runtime.postgres", str(home)),
                place=DATABASE_PLACE,
                stop_signal="INT",
                stop_seconds=60,
            )
        )
    if broker:
        parts.append(Part(name=REDIS, command=module_command("magicfs.runtime.redis", str(home)), place=BROKER_PLACE))
    return parts


def service_parts(
    options: UpOptions,
    *,
    embedder: Sequence[str],
    environment: Mapping[str, str],
    mount_environment: Mapping[str, str],
) -> list[Part]:
    """The parts that need the servers. `embedder` holds the arguments of the query embedder's module.

    The mount has an environment of its own: a changed setting that it does not read must not restart it.
    """

    def part(name: str, *arguments: str, place: int, stop_seconds: int = 10) -> Part:
        command = _guarded(module_command("magicfs.cli", *arguments))
        return Part(
            name=name,
            command=command,
            place=place,
            environment=mount_environment if name == MOUNT else environment,
            stop_seconds=stop_seconds,
            steady_seconds=STEADY_SECONDS,
        )

    workers = [(f"{EXTRACT_WORKER}-{number}", EXTRACT_WORKER) for number in range(1, EXTRACT_WORKERS + 1)]
    workers += [(f"{EMBED_WORKER}-{number}", EMBED_WORKER) for number in range(1, options.embed_workers + 1)]
    parts = [
        part(AGENT, "agent", place=SERVICE_PLACE),
        Part(
            name=QUERY_EMBEDDER,
            command=_guarded(module_command("magicfs.embedding.query_server", *embedder)),
            place=SERVICE_PLACE,
            environment=environment,
        ),
        # A worker that is told to stop finishes its batch.
        *(
            part(name, "worker", "--queue", kind, "--name", name, place=WORKER_PLACE, stop_seconds=15)
            for name, kind in workers
        ),
    ]
    if options.mount is not None:
        parts.append(part(MOUNT, "mount", str(options.mount), place=MOUNT_PLACE))
    return parts


def _guarded(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command of a part that ends with its supervisor. The commands of the servers have this prefix already."""
    return tuple(dies_with_parent(list(command), signal_name="TERM"))
