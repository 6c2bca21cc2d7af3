"""The parts that `magicfs up` runs on a machine: how each one is started and stopped, and the options of `up`.

Starts nothing. `cli.starting` chooses the parts, `supervisor` stores and runs them, `launch` starts each one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from magicfs.domain.parts import (
    AGENT,
    EMBED_WORKER,
    EXTRACT_WORKER,
    HUB_LINK,
    MOUNT,
    POSTGRES,
    QUERY_EMBEDDER,
    REDIS,
    SEARCH_SERVER,
    SERVE,
    Part,
    UpOptions,
)
from magicfs.runtime.processes import dies_with_parent
from magicfs.runtime.program import program_version

EXTRACT_WORKERS = 2
"""While one reads a large file or a picture, the other one reads what was just saved."""

DATABASE_PLACE, BROKER_PLACE, SERVICE_PLACE, WORKER_PLACE, MOUNT_PLACE = 10, 20, 50, 60, 90
"""Parts start in the order of their places and stop in the reverse order; parts of one place stop together."""

PRELOADED = (
    "magicfs.runtime.postgres",
    *("magicfs.cli.part", "magicfs.cli.wiring", "magicfs.cli.index_model", "magicfs.cli.worker_services"),
    *("magicfs.db.migrate", "magicfs.db.vectors.models", "magicfs.models.store"),
    *("tasks.worker", "tasks.consumer", "tasks.extract", "tasks.embed", "tasks.maintenance"),
    *("magicfs.pipeline.extract", "magicfs.pipeline.maintenance", "magicfs.text.extract", "magicfs.text.chunking"),
    *("magicfs.search.service", "magicfs.embedding.query_client", "pgvector.psycopg"),
    *("magicfs.cli.search_server", "magicfs.cli.search_output", "magicfs.cli.grep_output"),
)
"""Modules that several parts import, each with what it imports: supervisord does it for all. None starts a thread. The
first one supervisord needs to stop Postgres: after an update, what is on the disk may not fit what is in memory."""

STEADY_SECONDS = 10
"""`steady_seconds` of our services. One that cannot start has ended within this time, even on a busy machine."""


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module of ours. With `-P`, nothing is imported from the working directory."""
    return (sys.executable, "-P", "-m", module, *arguments)


def server_parts(home: Path, *, database: bool, broker: bool, connections: int | None = None) -> list[Part]:
    """The embedded servers: Postgres with `database`, Redis with `broker`.

    `connections` is the number that Postgres takes, if it is not that for one machine.
    """
    parts = []
    if database:
        # INT ends connections and writes a checkpoint; TERM waits until every client has disconnected.
        parts.append(
            Part(
                name=POSTGRES,
                command=module_command(
                    "magicfs.runtime.postgres", str(home), *([] if connections is None else [str(connections)])
                ),
                place=DATABASE_PLACE,
                stop_signal="INT",
                stop_seconds=60,
            )
        )
    if broker:
        parts.append(Part(name=REDIS, command=module_command("magicfs.runtime.redis", str(home)), place=BROKER_PLACE))
    return parts


def hub_link_part(environment: Mapping[str, str]) -> Part:
    """What stands in the place of the servers on a host whose servers are those of a hub."""
    command = _guarded(module_command("magicfs.cli.part", HUB_LINK))
    return Part(name=HUB_LINK, command=command, place=DATABASE_PLACE, environment=environment)


def service_parts(
    options: UpOptions,
    *,
    embedder: Sequence[str],
    environment: Mapping[str, str],
    mount_environment: Mapping[str, str],
    search_environment: Mapping[str, str],
    time_zone: str | None = None,
    serve_environment: Mapping[str, str] | None = None,
) -> list[Part]:
    """The parts that need the servers. `embedder` holds the arguments of the query embedder's module.

    The mount, the search server and `serve` have environments of their own: a changed setting that they do not read
    must not restart them. The search server has the `time_zone` of the command, because it answers those that have the
    same one. All are started anew when the program on the disk has changed.
    Without one for `serve`, no other host reads files of this one.
    """
    own_environments = {MOUNT: mount_environment, SERVE: serve_environment or {}}
    program = program_version()
    zone = () if time_zone is None else (f"--time-zone={time_zone}",)

    def part(name: str, *arguments: str, place: int, stop_seconds: int = 10) -> Part:
        command = _guarded(module_command("magicfs.cli.part", *arguments))
        return Part(
            name=name,
            command=command,
            place=place,
            environment=own_environments.get(name, environment),
            stop_seconds=stop_seconds,
            steady_seconds=STEADY_SECONDS,
            program=program,
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
            program=program,
        ),
        Part(
            name=SEARCH_SERVER,
            command=_guarded(module_command("magicfs.cli.search_server", *zone)),
            place=SERVICE_PLACE,
            environment=search_environment,
            program=program,
        ),
        # A worker that is told to stop finishes its batch.
        *(
            part(name, "worker", "--queue", kind, "--name", name, place=WORKER_PLACE, stop_seconds=15)
            for name, kind in workers
        ),
    ]
    if serve_environment is not None:
        parts.append(part(SERVE, SERVE, place=SERVICE_PLACE))
    if options.mount is not None:
        parts.append(part(MOUNT, "mount", str(options.mount), place=MOUNT_PLACE))
    return parts


def _guarded(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command of a part that ends with its supervisor. The commands of the servers have this prefix already."""
    return tuple(dies_with_parent(list(command), signal_name="TERM"))
