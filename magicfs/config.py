"""Settings: environment over `config.toml` over defaults, read once at the entry point and passed down.

`Settings` is the one table of names, defaults and help: `docs/settings.md` and a test follow it.
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

LONGEST_SOCKET_PATH = 100
"""Bytes. Unix socket addresses end at 107; the name of Postgres's lock file needs a few of them."""

LONGEST_EXTRACT = 120
"""Seconds. Half of what a worker's task may take before it is killed, by which the file would count as one that crashes
its reader; the rest is for writing the text down, or for another parser when one was killed from outside."""

OURS = frozenset(
    {"config.toml", "run", "log", "models", "postgres", "postgres.draft", "magicfs-error.log", "lost+found"}
)
"""What is in a state directory."""

OWNER_ONLY = 0o700
"""Mode of the state directory: what is in it tells what is in the files."""


def _default_home() -> Path:
    return Path(os.environ.get("MAGICFS_HOME") or platformdirs.user_data_dir("magicfs")).expanduser().absolute()


class Settings(BaseSettings):
    """What can be set, by `MAGICFS_<NAME>` in the environment or `<name>` in `config.toml`."""

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
        description="Embedding workers that `up` starts.",
    )
    gentle: bool = Field(
        default=False,
        description="Lowest priority, one worker by default, and on battery nothing but what was just saved.",
    )
    nice: int = Field(5, ge=0, le=19, description="How far workers stand back behind other programs.")
    worker_memory_mb: int = Field(1024, ge=256, description="A worker above this is replaced after its task.")
    max_file_mb: int = Field(64, ge=1, description="Larger files are skipped as `too-large`.")
    max_text_mb: int = Field(16, ge=1, description="Text beyond this is not indexed.")
    extract_seconds: int = Field(
        60,
        ge=1,
        le=LONGEST_EXTRACT,
        description=f"Time that a parser may take over one file; {LONGEST_EXTRACT} at most.",
    )
    chunk_tokens: int = Field(200, ge=32, le=512, description="Size of a chunk, in tokens of the model.")
    scan_seconds: int = Field(300, ge=1, description="Pause between two full scans of a root.")
    search_seconds: float = Field(5.0, gt=0, description="Longest wait for the result of a search in the mount.")
    search_limit: int = Field(50, ge=1, le=1000, description="Results of a search that names no `limit:`.")
    log_level: str = Field("INFO", pattern="^(?i:debug|info|warning|error)$", description="Detail of the logs.")
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
        """Environment over file; the file's values arrive as `init` arguments, see `load`."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @property
    def run_dir(self) -> Path:
        """Sockets and pid files."""
        return self.home / "run"

    @property
    def log_dir(self) -> Path:
        """One log file for each part that `up` starts."""
        return self.home / "log"

    @property
    def model_dir(self) -> Path:
        """The model store of this machine."""
        return self.home / "models"

    @property
    def embedder_socket(self) -> Path:
        """Where the query embedder of this machine listens."""
        return self.run_dir / "embedder.sock"

    @property
    def embedded_database(self) -> bool:
        """Whether Postgres is ours to start."""
        return self.database_url is None

    @property
    def embedded_broker(self) -> bool:
        """Whether Redis is ours to start."""
        return self.broker_url is None

    @property
    def database_dsn(self) -> str:
        """The address to give to psycopg."""
        return self.database_url or f"postgresql:///magicfs?host={quote(str(self.run_dir), safe='')}&user=magicfs"

    @property
    def broker_dsn(self) -> str:
        """The address to give to Celery."""
        return self.broker_url or f"redis+socket://{quote(str(self.run_dir / 'redis.sock'))}?virtual_host=0"

    def make_home(self) -> None:
        """Create the state directory and its parts, readable by their owner alone."""
        if len(os.fsencode(self.run_dir)) > LONGEST_SOCKET_PATH - len("/.s.PGSQL.5432.lock"):
            raise ConfigError(
                f"MAGICFS_HOME is too long for the sockets inside it ({self.home}): choose a shorter path"
            )
        self._require_own_directory()
        try:
            for directory in (self.home, self.run_dir, self.log_dir, self.model_dir):
                directory.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
            # Only when it must: in a container the state directory is part of a read-only image.
            if stat.S_IMODE(self.home.stat().st_mode) != OWNER_ONLY:
                self.home.chmod(OWNER_ONLY)
        except OSError as error:
            raise ConfigError(
                f"cannot use {self.home} as state directory ({error.strerror}): set MAGICFS_HOME to another place"
            ) from error

    def _require_own_directory(self) -> None:
        """Raise `ConfigError` for a directory that others use too: it would be closed to them."""
        try:
            shared = stat.S_IMODE(self.home.stat().st_mode) != OWNER_ONLY
            strangers = sorted(set(os.listdir(self.home)) - OURS) if shared else []
        except OSError:
            return
        if strangers:
            raise ConfigError(
                f"{self.home} holds other things too ({strangers[0]}): set MAGICFS_HOME to a directory for it alone"
            )


def unknown_variables() -> list[str]:
    """What is in the environment under our prefix and is no setting, with the setting that was perhaps meant."""
    known = [f"MAGICFS_{name.upper()}" for name in Settings.model_fields]
    # Names of settings are read in any case.
    strangers = sorted(name for name in os.environ if name.startswith("MAGICFS_") and name.upper() not in known)
    complaints = []
    for name in strangers:
        meant = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
        hint = f"did you mean {meant[0]}?" if meant else "see docs/settings.md for those there are"
        complaints.append(f"{name} is no setting and has no effect: {hint}")
    return complaints


def load() -> Settings:
    """Read the settings of this process.

    Raises `ConfigError` naming the setting or the line of the file that is wrong.
    """
    path = _default_home() / "config.toml"
    from_file: dict[str, Any] = {}
    try:
        from_file = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({error}): mend it, or set MAGICFS_HOME to a directory of yours"
        ) from error
    try:
        return Settings(**from_file)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        origin = f"MAGICFS_{name.upper()}" if f"MAGICFS_{name.upper()}" in os.environ else f"'{name}' in {path}"
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{origin} is no setting: see docs/settings.md for those there are") from error
        raise ConfigError(f"{origin} is not valid: {first['msg']}") from error
