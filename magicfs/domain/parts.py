"""The parts that `magicfs up` runs on a machine, and the options of `up`. Pure; `runtime` stores and runs them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POSTGRES = "postgres"
REDIS = "redis"
HUB_LINK = "hub-link"
AGENT = "agent"
QUERY_EMBEDDER = "query-embedder"
SEARCH_SERVER = "search-server"
MOUNT = "mount"
SERVE = "serve"
EXTRACT_WORKER = "extract"
EMBED_WORKER = "embed"

SERVERS = frozenset({POSTGRES, REDIS, HUB_LINK})
"""The parts that the others need."""

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
    program: str = ""
    """What changes with the program on the disk, if the part is to be started anew when that does."""

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
            "program": self.program,
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
            # Older versions have stored none.
            program=str(data.get("program", "")),
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
        if all(part.name in SERVERS for part in parts):
            return None
        return cls(
            embed_workers=sum(part.name.startswith(f"{EMBED_WORKER}-") for part in parts),
            gentle=any(part.environment.get("MAGICFS_GENTLE") == "True" for part in parts),
            mount=next((Path(part.command[-1]) for part in parts if part.name == MOUNT), None),
        )
