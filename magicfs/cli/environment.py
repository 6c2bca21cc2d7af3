"""What a command or a service finds before it does anything: its settings, its log, and the database.

Used by the commands, by the composition root `wiring` and by `index_model`. It builds no service. The functions run in
the main thread.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from magicfs import config, logs
from magicfs.config import Settings
from magicfs.domain.parts import POSTGRES
from magicfs.errors import DatabaseStarting, DatabaseUnavailable, SchemaError, ServerError
from magicfs.state_directory.home import POSTGRES_SOCKET

if TYPE_CHECKING:
    from magicfs.db.pool import Database
    from magicfs.runtime.supervisor import Supervisor

log = logging.getLogger(__name__)

COMMAND_CONNECT_SECONDS = 4.0
"""How long a command waits for the database. A person waits for the command."""

COMMAND_CHECK_SECONDS = 6.0
"""For the version of the schema. Longer than the wait for a connection, so that what refuses one can still be asked."""

SERVICE_CONNECT_SECONDS = 60.0
"""How long a service waits for the database. Then it ends, and its supervisor starts it again. There is no limit while
Postgres starts."""

SERVICE_IDLE_SECONDS = 30.0
"""An agent and workers that have nothing to do close connections after this time: each is 5 MB of the server's memory,
and a new one takes milliseconds."""


def _load_settings() -> Settings:
    """Read the settings, and keep the variables of libpq, such as `PGPORT`, from leading past the embedded database."""
    settings = config.load()
    if settings.local_database:
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
    return settings


def settings_for_command() -> Settings:
    """The settings of a command that a person runs. It reports errors in its output and writes no log."""
    from magicfs.cli import terminal

    logs.setup(level="CRITICAL")
    settings = _load_settings()
    for complaint in config.unknown_variables():
        terminal.remark(f"magicfs: {complaint}")
    return settings


def settings_for_service(role: str) -> Settings:
    """The settings of a part that runs until a signal stops it. It writes a log."""
    settings = _load_settings()
    settings.make_home()
    logs.setup(level=settings.log_level, role=role, log_format=settings.log_format)
    for complaint in config.unknown_variables():
        log.warning("%s", complaint)
    return settings


def supervisor(settings: Settings, *, answer_seconds: float | None = None) -> Supervisor:
    """The supervisor of this machine's parts. It is waited for as long as it may take, or for `answer_seconds`."""
    from magicfs.runtime.supervisor import Supervisor

    return Supervisor(settings.home, answer_seconds=answer_seconds)


@contextmanager
def database_for_command(settings: Settings) -> Iterator[Database]:
    """The database, with the schema of this version.

    Raises `ServerError` at once when the embedded one does not run, `DatabaseUnavailable` when none answers, and
    `SchemaError` when an older or a newer version has made the index: a command does not migrate.
    """
    with _database_of_any_version(settings) as database:
        require_schema(settings, database)
        yield database


@contextmanager
def _database_of_any_version(settings: Settings) -> Iterator[Database]:
    from magicfs.db.pool import Database

    require_server(settings)
    with Database(
        settings.database_dsn, application="command", size=2, connect_seconds=COMMAND_CONNECT_SECONDS
    ) as database:
        yield database


def require_server(settings: Settings) -> None:
    """Raise `ServerError` when the database is the embedded one and does not run."""
    if settings.local_database:
        require_embedded_server(settings)


def require_embedded_server(settings: Settings) -> None:
    """Raise `ServerError` when the embedded Postgres does not run: with its reason if it is to run and does not."""
    from magicfs.runtime.processes import is_listening

    if is_listening(settings.run_dir / POSTGRES_SOCKET):
        return
    running = supervisor(settings) if settings.run_dir.is_dir() else None
    if running is None or running.part(POSTGRES) is None:
        other = "" if settings.hub else ", or set MAGICFS_DATABASE_URL"
        # `down` forgets the options. A supervisor without Postgres was started with the address of another one.
        if running is not None and running.options() is not None and not running.listens():
            raise ServerError(
                "nothing is running any more: a restart of the machine, or the kernel for lack of memory, has ended "
                f"what 'magicfs up' had started: run it again{other}"
            )
        raise ServerError(f"nothing is running: run 'magicfs up' first{other}")
    from magicfs.cli.part_logs import explain_failure

    log_path = settings.log_dir / f"{POSTGRES}.log"
    raise ServerError(
        f"the database does not run: {explain_failure(POSTGRES, log_path, home=settings.home)}: see {log_path}"
    )


def require_database(settings: Settings) -> None:
    """Raise `DatabaseUnavailable` when no Postgres answers at the address and takes writes, whatever it holds."""
    from magicfs.db.storage import require_writable

    with _database_of_any_version(settings) as database, database.transaction() as connection:
        require_writable(connection)


@contextmanager
def database_for_service(settings: Settings, *, role: str, size: int) -> Iterator[Database]:
    """The database, with the schema of this version: see `prepare_schema`.

    Waits for the database up to SERVICE_CONNECT_SECONDS, then raises `DatabaseUnavailable` unless it starts. Raises
    `ServerError` at once when the database is embedded and nothing here runs it.
    """
    from magicfs.db.pool import Database

    if settings.local_database:
        _require_embedded_server_or_supervisor(settings)
    with Database(settings.database_dsn, application=role, size=size, idle_seconds=SERVICE_IDLE_SECONDS) as database:
        prepare_when_reachable(settings, database)
        yield database


def _require_embedded_server_or_supervisor(settings: Settings) -> None:
    """Raise `ServerError` when the embedded Postgres does not run and no supervisor is about to start it."""
    try:
        require_embedded_server(settings)
    except ServerError:
        # Only then, because a service would keep what the client of the supervisor imports.
        if not supervisor(settings).running():
            raise


def prepare_schema(settings: Settings, database: Database) -> None:
    """Migrate the index to the schema of this version, or require that the hub has: it upgrades its own index.

    Raises `SchemaError`, and `DatabaseUnavailable`.
    """
    from magicfs.db.migrate import migrate

    if settings.hub is None:
        migrate(database)
    else:
        require_schema(settings, database)


def require_schema(settings: Settings, database: Database) -> None:
    """Raise `SchemaError` unless the index has the schema of this version. It names the machine that is to upgrade it.

    Raises `DatabaseUnavailable` when no database answers.
    """
    from magicfs.db.migrate import require_migrated
    from magicfs.db.schema import IndexOutdated
    from magicfs.domain.deadline import Deadline

    try:
        require_migrated(database, Deadline(COMMAND_CHECK_SECONDS))
    except IndexOutdated as error:
        if settings.hub is None:
            raise
        raise SchemaError(
            f"the hub {settings.hub} has an older version of MagicFS: update it, and run 'magicfs up' there"
        ) from error


def prepare_when_reachable(settings: Settings, database: Database) -> None:
    """Prepare the schema once the database answers. Raises `DatabaseError` if it does not for SERVICE_CONNECT_SECONDS.

    One that starts is waited for without an end.
    """
    deadline = time.monotonic() + SERVICE_CONNECT_SECONDS
    is_logged = False
    while True:
        try:
            prepare_schema(settings, database)
        except DatabaseUnavailable as error:
            if isinstance(error, DatabaseStarting):
                deadline = time.monotonic() + SERVICE_CONNECT_SECONDS
            elif time.monotonic() > deadline:
                raise
            if not is_logged:
                log.warning("waiting for the database: %s", error)
            is_logged = True
            time.sleep(1.0)
        else:
            return
