"""`magicfs metrics`: the state of the index as metrics of Prometheus."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.cli.terminal import named

if TYPE_CHECKING:
    from magicfs.config import Settings
    from magicfs.domain.status import PartStatus
    from magicfs.gateway.metrics import Observation

log = logging.getLogger(__name__)

MAX_READING_SECONDS = 60.0
"""Far longer than a reading takes. A database that hangs must not hold up the scrapes for ever."""

EXAMPLES = """
Examples:
    magicfs metrics | grep magicfs_files
    magicfs metrics --output /var/lib/node_exporter/magicfs.prom    from cron
    magicfs metrics --listen 127.0.0.1:9464    with MAGICFS_METRICS_PASSWORD
    magicfs metrics --listen /run/user/1000/magicfs-metrics.sock"""


def metrics(
    output: Annotated[
        str | None,
        typer.Option(
            parser=named,
            metavar="FILE",
            help="Write a file for node_exporter's textfile collector, replaced as a whole.",
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Serve them over HTTP at HOST:PORT with a password, or at the path of a unix socket of this user.",
        ),
    ] = None,
) -> None:
    """Show files, chunks, queues, workers and what is wrong as metrics of Prometheus.

    Without options they are printed once. While the database does not answer, magicfs_database_up is 0.
    At HOST:PORT the user is magicfs, and MAGICFS_METRICS_PASSWORD the password.
    """
    from magicfs.cli import environment, terminal
    from magicfs.errors import ConfigError, UsageError
    from magicfs.gateway import metrics as gateway

    if output is not None and listen is not None:
        raise UsageError("name one of --output and --listen")
    if listen is not None:
        _serve(listen)
        return
    observation = observe(environment.settings_for_command())
    if observation.trouble:
        terminal.remark(f"magicfs: {observation.trouble}")
    if output is None:
        terminal.say(gateway.text(observation).rstrip("\n"))
        return
    try:
        gateway.write_file(observation, output)
    except OSError as error:
        raise ConfigError(f"{output} cannot be written ({error.strerror}): name another file") from error


def _serve(listen: str) -> None:
    """Serve the metrics until a signal stops it."""
    from magicfs.cli import environment
    from magicfs.gateway.metrics_server import parse_address, serving
    from magicfs.linux.signals import stop_event

    address = parse_address(listen)
    settings = environment.settings_for_service("metrics")
    logged: str | None = None

    def observe_and_log() -> Observation:
        nonlocal logged
        observation = observe(settings)
        if observation.trouble and observation.trouble != logged:
            log.warning("there is no index to measure: %s", observation.trouble)
        logged = observation.trouble
        return observation

    stop = stop_event()
    with serving(address, observe_and_log, password=settings.metrics_password):
        log.info("metrics are served at %s", address)
        stop.wait()


def observe(settings: Settings) -> Observation:
    """What is known now, even without a database. Takes MAX_READING_SECONDS and a few seconds at most.

    Raises `ConfigError`.
    """
    from magicfs import __version__
    from magicfs.cli import environment, wiring
    from magicfs.db.status import read_measures, read_status
    from magicfs.domain.deadline import Deadline
    from magicfs.errors import DatabaseError, DeadlineExceeded, ServerError
    from magicfs.gateway.metrics import Observation

    index = trouble = None
    try:
        with (
            environment.database_for_command(settings) as database,
            database.transaction(Deadline(MAX_READING_SECONDS)) as connection,
        ):
            index = read_status(connection), read_measures(connection)
    except (DatabaseError, DeadlineExceeded, ServerError) as error:
        trouble = str(error)
    parts: list[PartStatus] = []
    # A supervisor may end while it is asked: it has no parts then.
    with suppress(ServerError):
        parts = environment.supervisor(settings).parts() if settings.run_dir.is_dir() else []
    return Observation(__version__, index, wiring.probe_broker(settings), parts, trouble)
