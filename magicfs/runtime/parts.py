"""The parts that `magicfs up` runs on a machine, and how each one is started and stopped.

Pure: `supervisor` runs what is described here, `launch` starts it.
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

POSTGRES = "postgres"
REDIS = "redis"
AGENT = "agent"
EMBEDDER = "embedder"
MOUNT = "mount"
EXTRACT_WORKER = "extract"
EMBED_WORKER = "embed"

EXTRACT_WORKERS = 2
"""While one reads a large file, the other one reads what was just saved."""

SERVERS = 10
"""Place in the order of starting; stopping goes the other way round, parts with the same place at once."""
BROKERS = 20
SERVICES = 50
WORKERS = 60
MOUNTS = 90

STEADY_SECONDS = 10
"""What fails when it starts has done so by then, on a busy machine too."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Part:
    """A program that is to run, and to run again when it ends."""

    name: str
    """Lower-case letters, digits and dashes; also the name of its log file."""
    command: tuple[str, ...]
    place: int
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the supervisor's environment."""
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    """After so long it is killed."""
    steady_seconds: int = 2
    """One that ends sooner is started again with a pause that grows."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"not a name for a part: {self.name!r}")

    @property
    def fingerprint(self) -> str:
        """Another one means that the part must be started anew."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """For the file that `launch` reads."""
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
        """The opposite of `as_json`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        return cls(
            name=name,
            command=tuple(str(word) for word in data["command"]),
            place=int(data["place"]),
            environment={str(key): str(value) for key, value in data["environment"].items()},
            stop_signal=str(data["stop_signal"]),
            stop_seconds=int(data["stop_seconds"]),
            steady_seconds=int(data["steady_seconds"]),
        )


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    """Run a module of ours by this interpreter. `-P`: what lies in the working directory is not imported."""
    return (sys.executable, "-P", "-m", module, *arguments)


def server_parts(home: Path, *, database: bool, broker: bool) -> list[Part]:
    """The embedded servers that are wanted."""
    parts = []
    if database:
        # INT ends connections and writes a checkpoint; TERM would wait for everybody to leave.
        parts.append(
            Part(
                name=POSTGRES,
                command=module_command("magicfs.runtime.postgres", str(home)),
                place=SERVERS,
                stop_signal="INT",
                stop_seconds=60,
            )
        )
    if broker:
        parts.append(Part(name=REDIS, command=module_command("magicfs.runtime.redis", str(home)), place=BROKERS))
    return parts


def service_parts(
    *,
    embed_workers: int,
    embedder: Sequence[str],
    mount: Path | None,
    environment: Mapping[str, str],
    mount_environment: Mapping[str, str],
) -> list[Part]:
    """Everything that needs the servers. `embedder` are the arguments of the query embedder's module.

    The mount has an environment of its own: what it does not read must not restart it under its users.
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
    workers += [(f"{EMBED_WORKER}-{number}", EMBED_WORKER) for number in range(1, embed_workers + 1)]
    parts = [
        part(AGENT, "agent", place=SERVICES),
        Part(
            name=EMBEDDER,
            command=_guarded(module_command("magicfs.embedding.query_server", *embedder)),
            place=SERVICES,
            environment=environment,
        ),
        # A worker finishes its batch first.
        *(
            part(name, "worker", "--queue", kind, "--name", name, place=WORKERS, stop_seconds=15)
            for name, kind in workers
        ),
    ]
    if mount is not None:
        parts.append(part(MOUNT, "mount", str(mount), place=MOUNTS))
    return parts


def _guarded(command: tuple[str, ...]) -> tuple[str, ...]:
    """See `processes.dies_with_parent`; the servers do this by themselves."""
    from magicfs.runtime.processes import dies_with_parent

    return tuple(dies_with_parent(list(command), signal_name="TERM"))
