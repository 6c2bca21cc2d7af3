"""`Settings`: the one table of names, defaults and help texts, and what follows from the values.

A test compares `docs/settings.md` with the table. It uses no library, because every process would keep that in memory:
pydantic takes 13 MB.
"""

# ruff: noqa: RUF009  `_setting` makes a field, as `dataclasses.field` does.
from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from magicfs.config.values import HOST_AND_PORT, HOST_NAME, InvalidSetting, valid_value
from magicfs.linux.locks import is_abandoned
from magicfs.state_directory.directory import make_state_directory, try_lock
from magicfs.state_directory.home import home

PREFIX = "MAGICFS_"
"""The variables of the environment that are settings begin so."""

MAX_EXTRACT_SECONDS = 120
"""The highest `extract_seconds`: half of the time after which an extraction task is killed and its file counted as one
that crashes its parser, without `PATIENCE_SECONDS`. The other half is for storing the text, or for a second parser when
the first was killed."""

PATIENCE_SECONDS = 180.0
"""How much longer than its time limit something may take, in all, because others have the processors."""

MAX_MB = 2047
"""The size of a file, and of a text, that can be sent to a parser and back."""

MAX_PAUSE_SECONDS = 365 * 86400
"""Clocks of the kernel and of Postgres take no number of any size."""


def default_home() -> Path:
    """The state directory that the environment chooses."""
    return Path(home())


def _setting(default: object, description: str, **limits: object) -> Any:
    """A field of `Settings`. A `default` that depends on the machine is a function.

    The `limits` are `pattern` for a text, with `form` to say it in words, and `ge`, `gt` and `le` for a number.
    """
    metadata = {"description": description, **limits}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, init=False)
class Settings:
    """Each field is set by `MAGICFS_<NAME>` in the environment or by `<name>` in `config.toml`."""

    home: Path = _setting(default_home, "State directory: servers, models, logs, `config.toml`.")
    database_url: str | None = _setting(
        None,
        "Postgres with pgvector. Unset: the embedded server.",
        pattern=r"^postgres(ql)?://",
        form="an address, such as postgresql://USER:PASSWORD@HOST:5432/NAME",
    )
    broker_url: str | None = _setting(
        None,
        "Redis. Unset: the embedded server.",
        pattern=r"^(rediss?|redis\+socket)://",
        form="an address, such as redis://:PASSWORD@HOST:6379/0",
    )
    host: str = _setting(socket.gethostname, "This machine's name in the cluster.", **HOST_NAME)
    hub: str | None = _setting(
        None,
        "The hub of this host, as `HOST:PORT`, whose Postgres and Redis it uses: `cluster join` sets it.",
        **HOST_AND_PORT,
    )
    listen: str | None = _setting(
        None,
        "Where `up` serves this host's files to admitted hosts, as `HOST:PORT`. Unset: nowhere.",
        **HOST_AND_PORT,
    )
    advertise: str | None = _setting(
        None,
        "The address by which other hosts reach that one, if it is another.",
        **HOST_AND_PORT,
    )
    mount: Path | None = _setting(None, "Where `up` mounts when `--mount` is not given. Unset: nowhere.")
    allow_other: bool = _setting(
        default=False,
        description="Whether other users of this machine may enter `mirror/`, with their own rights: docs/mount.md.",
    )
    model: str = _setting("BAAI/bge-small-en-v1.5", "Embedding model for a new index: a fastembed name or a folder.")
    precision: str = _setting(
        "auto", "`int8`, `fp32`, or `auto`: int8 where it keeps quality.", pattern=r"^(auto|int8|fp32)$"
    )
    multilingual: str = _setting(
        "auto",
        "When the index gets a model for every language: `auto`, `always` or `never`; one setting for the index.",
        pattern=r"^(auto|always|never)$",
    )
    device: str = _setting(
        "auto",
        "What embed workers compute on: `cpu`, `cuda`, or `auto`: a GPU for fp32 models where there is one.",
        pattern=r"^(auto|cpu|cuda)$",
    )
    workers: int = _setting(lambda: os.cpu_count() or 1, "Embed workers that `up` starts.", ge=0, le=256)
    gentle: bool = _setting(
        default=False,
        description="Lowest priority, one worker by default, and on battery nothing but what was just saved.",
    )
    nice: int = _setting(10, "Niceness of embed workers; extract workers have half of it.", ge=0, le=19)
    worker_memory_mb: int = _setting(1024, "A worker above this is replaced after its task.", ge=256, le=1 << 20)
    idle_seconds: int = _setting(
        60,
        "Embed workers, parsers, search servers and the query embedder free their memory after this time without work; "
        "what comes next takes up to a second more.",
        ge=1,
        le=MAX_PAUSE_SECONDS,
    )
    max_file_mb: int = _setting(64, "Larger files are read by ranges, or not at all: docs/formats.md.", ge=1, le=MAX_MB)
    max_text_mb: int = _setting(16, "Text beyond this is not indexed.", ge=1, le=MAX_MB)
    extract_seconds: int = _setting(
        60, f"Time that a parser may take over one file; {MAX_EXTRACT_SECONDS} at most.", ge=1, le=MAX_EXTRACT_SECONDS
    )
    max_embedded_chunks: int = _setting(
        2000,
        "Chunks of one file that are found by meaning, spread over it; one number for the index.",
        ge=1,
        le=1_000_000,
    )
    chunk_tokens: int = _setting(200, "Size of a chunk, in tokens of the model.", ge=32, le=512)
    scan_seconds: int = _setting(300, "Pause between two full scans of a root.", ge=1, le=MAX_PAUSE_SECONDS)
    search_seconds: float = _setting(5.0, "Longest wait for the result of a search in the mount.", gt=0, le=3600)
    search_limit: int = _setting(50, "Results of a search that names no `limit:`.", ge=1, le=1000)
    log_level: str = _setting("INFO", "Detail of the logs.", pattern=r"^(?i:debug|info|warning|error)$")
    log_format: str = _setting(
        "text", "`text`, or `json`: an object a line, tracebacks included.", pattern=r"^(text|json)$"
    )
    flower_address: str = _setting("127.0.0.1", "Where Flower listens.")
    flower_port: int = _setting(5555, "Flower's port.", ge=1, le=65535)
    flower_user: str = _setting("magicfs", "Flower's user.")
    flower_password: str | None = _setting(None, "Flower's password; without one it does not start.")
    metrics_password: str | None = _setting(None, "What `metrics --listen HOST:PORT` asks for, of user `magicfs`.")

    def __init__(self, **values: object) -> None:
        """Settings from the environment, else from `values`, else with their defaults. Raises `InvalidSetting`."""
        self._fill(values | environment_values())

    @classmethod
    def of(cls, variables: Mapping[str, str], values: Mapping[str, object]) -> Self:
        """Settings from the `variables`, else from `values`, else with their defaults. Raises `InvalidSetting`."""
        settings = object.__new__(cls)
        settings._fill({**values, **environment_values(variables)})
        return settings

    def _fill(self, given: Mapping[str, object]) -> None:
        """Set the fields to the values that are `given`, else to their defaults."""
        table = self.table()
        for name in given:
            if name not in table:
                raise InvalidSetting(name, "is no setting")
        for name, entry in table.items():
            default = entry.default if entry.default_factory is MISSING else entry.default_factory
            value = valid_value(entry, given[name]) if name in given else default() if callable(default) else default
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_given", frozenset(given))

    @classmethod
    def table(cls) -> dict[str, Field[Any]]:
        """All settings by name; the `metadata` of each has its `description`."""
        return {entry.name: entry for entry in fields(cls)}

    @property
    def given(self) -> frozenset[str]:
        """The names of the settings that somebody has set. The others have their defaults."""
        names: frozenset[str] = self.__dict__["_given"]
        return names

    def replace(self, **changes: object) -> Self:
        """A copy with other values, which count as given. Raises `InvalidSetting`."""
        copy = object.__new__(type(self))
        for name, value in self.__dict__.items():
            object.__setattr__(copy, name, value)
        table = self.table()
        for name, value in changes.items():
            object.__setattr__(copy, name, valid_value(table[name], value))
        object.__setattr__(copy, "_given", self.given | changes.keys())
        return copy

    @property
    def run_dir(self) -> Path:
        """The folder of sockets, pid files and what `up` runs."""
        return self.home / "run"

    @property
    def log_dir(self) -> Path:
        """The folder of the logs, one for each part that `up` starts."""
        return self.home / "log"

    @property
    def model_dir(self) -> Path:
        """The model store of this machine."""
        return self.home / "models"

    @property
    def embedder_socket(self) -> Path:
        """The socket of this machine's query embedder."""
        return self.run_dir / "query-embedder.sock"

    @property
    def embedded_database(self) -> bool:
        """Whether `up` starts Postgres."""
        return self.local_database and self.hub is None

    @property
    def embedded_broker(self) -> bool:
        """Whether `up` starts Redis."""
        return self.local_broker and self.hub is None

    @property
    def local_database(self) -> bool:
        """Whether Postgres is at a socket in the state directory: it is the embedded one, or that of the hub."""
        return self.database_url is None

    @property
    def local_broker(self) -> bool:
        """Whether Redis is at a socket in the state directory: it is the embedded one, or that of the hub."""
        return self.broker_url is None

    @property
    def database_dsn(self) -> str:
        """The address of Postgres, for psycopg."""
        return self.database_url or f"postgresql:///magicfs?host={quote(str(self.run_dir), safe='')}&user=magicfs_owner"

    @property
    def broker_dsn(self) -> str:
        """The address of Redis, for Celery."""
        return self.broker_url or f"redis+socket://{quote(str(self.run_dir / 'redis.sock'))}?virtual_host=0"

    def make_home(self) -> None:
        """Create the state directory and the folders in it, for their owner alone. Raises `ConfigError`."""
        folders = (self.run_dir, self.log_dir, self.model_dir)
        make_state_directory(self.home, folders=folders, sockets=self.run_dir)

    def try_lock(self, name: str) -> int | None:
        """The descriptor that holds a lock of the state directory; None if another process does. As `try_lock`."""
        return try_lock(self.run_dir / f"{name}.lock")

    def has_ended(self, worker: str) -> bool:
        """Whether a worker of this state directory, by its name in the cluster, has run and runs no more."""
        name, _, host = worker.rpartition("@")
        return host == self.host and is_abandoned(self.run_dir / f"{name}.lock")


def environment_values(environment: Mapping[str, str] = os.environ) -> dict[str, object]:
    """The settings of an environment by name. The case of a variable's name does not matter.

    An empty variable counts as unset, as `${NAME:-}` of a shell or of Compose leaves one.
    """
    variables = {name.upper(): value for name, value in environment.items() if value}
    names = {name: f"{PREFIX}{name.upper()}" for name in Settings.table()}
    found: dict[str, object] = {name: variables[variable] for name, variable in names.items() if variable in variables}
    if environment.get(names["home"], "").strip():
        # Absolute: parts run in other directories, and what starts quickly finds it without these settings.
        found["home"] = default_home()
    return found
