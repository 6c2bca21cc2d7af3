"""Settings: the environment over `config.toml` over defaults. Read once at the entry point and passed down.

`Settings` is the one table of names, defaults and help texts; a test compares `docs/settings.md` with it.
"""

from __future__ import annotations

import difflib
import os
import socket
import stat
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from magicfs.errors import ConfigError

MAX_SOCKET_PATH_BYTES = 100
"""The longest path of a socket or its lock file in the state directory. The kernel takes socket paths of 107 bytes."""

MAX_EXTRACT_SECONDS = 120
"""The highest `extract_seconds`: half of the time after which an extraction task is killed and its file counted as one
that crashes its parser. The other half is for storing the text, or for a second parser when the first was killed."""

HOME_ENTRIES = frozenset(
    {"config.toml", "run", "log", "models", "postgres", "postgres.draft", "magicfs-error.log", "lost+found"}
)
"""The names that a state directory may hold."""

HOME_MODE = 0o700
"""The mode of the state directory: for its owner alone, because the index holds the text of the files."""


def _default_home() -> Path:
    return Path(os.environ.get("MAGICFS_HOME") or platformdirs.user_data_dir("magicfs")).expanduser().absolute()


class Settings(BaseSettings):
    """Each field is set by `MAGICFS_<NAME>` in the environment or by `<name>` in `config.toml`."""

    model_config = SettingsConfigDict(env_prefix="MAGICFS_", frozen=True, extra="forbid")

    home: Path = Field(
        default_factory=_default_home, description="State directory: servers, models, logs, `config.toml`."
    )
    database_url: str | None = Field(
        None, pattern=r"^postgres(ql)?://", description="Postgres with pgvector. Unset: the embedded server."
    )
    broker_url: str | None = Field(
        None, pattern=r"^(rediss?|redis\+socket)://", description="Redis. Unset: the embedded server."
    )
    host: str = Field(default_factory=socket.gethostname, description="This machine's name in the cluster.")
    mount: Path | None = Field(None, description="Where `up` mounts when `--mount` is not given. Unset: nowhere.")
    model: str = Field(
        "BAAI/bge-small-en-v1.5", description="Embedding model for a new index: a fastembed name or a folder."
    )
    precision: str = Field(
        "auto",
        pattern="^(auto|int8|fp32)$",
        description="`int8`, `fp32`, or `auto`: int8 where it keeps quality.",
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=0,
        le=256,
        description="Embed workers that `up` starts.",
    )
    gentle: bool = Field(
        default=False,
        description="Lowest priority, one worker by default, and on battery nothing but what was just saved.",
    )
    nice: int = Field(5, ge=0, le=19, description="Niceness of embed workers; extract workers have half of it.")
    worker_memory_mb: int = Field(1024, ge=256, description="A worker above this is replaced after its task.")
    max_file_mb: int = Field(64, ge=1, description="Larger files are skipped as `too-large`.")
    max_text_mb: int = Field(16, ge=1, description="Text beyond this is not indexed.")
    extract_seconds: int = Field(
        60,
        ge=1,
        le=MAX_EXTRACT_SECONDS,
        description=f"Time that a parser may take over one file; {MAX_EXTRACT_SECONDS} at most.",
    )
    max_embedded_chunks: int = Field(
        2000,
        ge=1,
        le=1_000_000,
        description="Chunks of one file that are found by meaning, spread over it; one number for the index.",
    )
    chunk_tokens: int = Field(200, ge=32, le=512, description="Size of a chunk, in tokens of the model.")
    scan_seconds: int = Field(300, ge=1, description="Pause between two full scans of a root.")
    search_seconds: float = Field(5.0, gt=0, description="Longest wait for the result of a search in the mount.")
    search_limit: int = Field(50, ge=1, le=1000, description="Results of a search that names no `limit:`.")
    log_level: str = Field("INFO", pattern="^(?i:debug|info|warning|error)$", description="Detail of the logs.")
    log_format: str = Field(
        "text", pattern="^(text|json)$", description="`text`, or `json`: an object a line, tracebacks included."
    )
    flower_address: str = Field("127.0.0.1", description="Where Flower listens.")
    flower_port: int = Field(5555, ge=1, le=65535, description="Flower's port.")
    flower_user: str = Field("magicfs", description="Flower's user.")
    flower_password: str | None = Field(None, description="Flower's password; without one it does not start.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment over the file, whose values arrive as arguments of the constructor, see `load`."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

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
        return self.database_url is None

    @property
    def embedded_broker(self) -> bool:
        """Whether `up` starts Redis."""
        return self.broker_url is None

    @property
    def database_dsn(self) -> str:
        """The address of Postgres, for psycopg."""
        return self.database_url or f"postgresql:///magicfs?host={quote(str(self.run_dir), safe='')}&user=magicfs"

    @property
    def broker_dsn(self) -> str:
        """The address of Redis, for Celery."""
        return self.broker_url or f"redis+socket://{quote(str(self.run_dir / 'redis.sock'))}?virtual_host=0"

    def make_home(self) -> None:
        """Create the state directory and the folders in it, for their owner alone. Raises `ConfigError`."""
        if len(os.fsencode(self.run_dir)) > MAX_SOCKET_PATH_BYTES - len("/.s.PGSQL.5432.lock"):
            raise ConfigError(
                f"MAGICFS_HOME is too long for the sockets inside it ({self.home}): choose a shorter path"
            )
        self._require_own_directory()
        try:
            for directory in (self.home, self.run_dir, self.log_dir, self.model_dir):
                directory.mkdir(mode=HOME_MODE, parents=True, exist_ok=True)
            # Not without need: in a container the state directory is part of a read-only image.
            if stat.S_IMODE(self.home.stat().st_mode) != HOME_MODE:
                self.home.chmod(HOME_MODE)
        except OSError as error:
            raise ConfigError(
                f"cannot use {self.home} as state directory ({error.strerror}): set MAGICFS_HOME to another place"
            ) from error

    def _require_own_directory(self) -> None:
        """Raise `ConfigError` for a directory that holds other files: others would lose access to them."""
        try:
            shared = stat.S_IMODE(self.home.stat().st_mode) != HOME_MODE
            others = sorted(set(os.listdir(self.home)) - HOME_ENTRIES) if shared else []
        except OSError:
            return
        if others:
            raise ConfigError(
                f"{self.home} holds other files too ({others[0]}): set MAGICFS_HOME to a directory for it alone"
            )


def unknown_variables() -> list[str]:
    """A warning for each `MAGICFS_` variable of the environment that is no setting, with the most similar setting."""
    settings = [f"MAGICFS_{name.upper()}" for name in Settings.model_fields]
    warnings = []
    # The case of a variable's name does not matter.
    for name in sorted(name for name in os.environ if name.startswith("MAGICFS_") and name.upper() not in settings):
        similar = difflib.get_close_matches(name.upper(), settings, n=1, cutoff=0.8)
        hint = f"did you mean {similar[0]}?" if similar else "see docs/settings.md for the settings"
        warnings.append(f"{name} is no setting and has no effect: {hint}")
    return warnings


def load() -> Settings:
    """Read the settings of this process. Raises `ConfigError` with the name of the setting that is wrong."""
    path = _default_home() / "config.toml"
    from_file: dict[str, Any] = {}
    try:
        from_file = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({error}): fix it, or set MAGICFS_HOME to a directory of yours"
        ) from error
    try:
        return Settings(**from_file)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        origin = f"MAGICFS_{name.upper()}" if f"MAGICFS_{name.upper()}" in os.environ else f"'{name}' in {path}"
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{origin} is no setting: see docs/settings.md for the settings") from error
        raise ConfigError(f"{origin} is not valid: {first['msg']}") from error
