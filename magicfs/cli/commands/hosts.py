"""`magicfs hosts`: the machines of the cluster, and the end of one."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from magicfs.domain.status import IndexStatus

app = typer.Typer(
    help="See the machines of the cluster, and forget one that is gone for good.",
    no_args_is_help=True,
    epilog="""Examples:

    magicfs hosts list

    magicfs hosts retire old-laptop""",
)


@dataclass(frozen=True, slots=True)
class Host:
    """A host as `magicfs hosts list` shows it. The fields are the keys of its JSON."""

    name: str
    agent: bool
    """Whether an agent works it."""
    machine: str | None
    """The machine that has the host, or had it when its agent fell silent; None after the agent was stopped."""
    heartbeat: float | None
    """When its agent last reported, in seconds since the epoch."""
    files: int
    roots: list[str]
    workers: int
    mounts: int

    def as_json(self) -> dict[str, Any]:
        """The object of this host that `--json` prints."""
        return {name: getattr(self, name) for name in self.__slots__}


def hosts_of(index: IndexStatus) -> list[Host]:
    """The hosts of an index by name: those with an agent or roots, and those with workers or mounts alone."""
    known = {host.name: host for host in index.hosts}
    others = {root.host for root in index.roots} | {worker.host for worker in index.workers}
    others |= {mount.host for mount in index.mounts}
    found = []
    for name in sorted(known.keys() | others):
        host = known.get(name)
        roots = [root for root in index.roots if root.host == name]
        found.append(
            Host(
                name=name,
                agent=host is not None and host.has_agent,
                machine=host.machine if host else None,
                heartbeat=host.heartbeat if host else None,
                files=sum(root.files.total for root in roots),
                roots=[root.name for root in roots],
                workers=sum(worker.host == name for worker in index.workers),
                mounts=sum(mount.host == name for mount in index.mounts),
            )
        )
    return found


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List the hosts with their agents, roots, files and workers."""
    from rich.table import Table

    from magicfs.cli import environment, terminal
    from magicfs.db.status import read_status

    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database, database.transaction() as connection:
        hosts = hosts_of(read_status(connection))
    if as_json:
        terminal.print_json({"hosts": [host.as_json() for host in hosts]})
        return
    if not hosts:
        terminal.remark("no hosts: start one with 'magicfs up' or 'magicfs agent'")
        return
    table = Table("host", "agent", "files", "workers", "roots", "machine", box=None, padding=(0, 2, 0, 0))
    for host in hosts:
        numbers = (str(host.files), str(host.workers))
        names = (terminal.Cell(text) for text in (", ".join(host.roots) or "-", host.machine or "-"))
        table.add_row(terminal.Cell(host.name), _agent(host, now=time.time()), *numbers, *names)
    terminal.results().print(table)


def _agent(host: Host, *, now: float) -> str:
    """The state of a host's agent, in words."""
    from magicfs.cli.terminal import duration

    if host.agent:
        return "at work"
    if host.heartbeat is None:
        return "none yet"
    # The clock of Postgres may be ahead of this one.
    return f"silent for {duration(max(0.0, now - host.heartbeat))}"


@app.command()
def retire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'magicfs hosts list' shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a host that is gone for good: its roots and files leave the index.

    No file on any disk is touched, and files that other hosts have too stay found there. It is refused while the agent
    of the host is at work. A host that comes back starts anew, without roots.
    """
    from magicfs.cli import environment, terminal
    from magicfs.db.status import read_status
    from magicfs.errors import UsageError
    from magicfs.ingest.hosts import require_silent, retire_host

    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database:
        with database.transaction() as connection:
            require_silent(connection, name=name)
            host = next(host for host in hosts_of(read_status(connection)) if host.name == name)
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError(f"nobody can be asked here: magicfs hosts retire --yes {name}")
            roots = ", ".join(map(terminal.shown, host.roots)) or "no root"
            question = f"Forget {terminal.shown(name)} with {host.files} files ({roots})?"
            if not typer.confirm(question, err=True):
                terminal.remark("nothing was changed")
                raise typer.Exit(1)
        retire_host(database, name=name)
    terminal.say(f"{terminal.shown(name)} is retired: {host.files} files are no longer in the index")
