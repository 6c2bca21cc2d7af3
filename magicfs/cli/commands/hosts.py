"""`magicfs hosts`: the machines of the cluster, who is admitted to it, and the end of one."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.cli.help import Commands
from magicfs.cli.options import AsJson
from magicfs.cli.terminal import named

if TYPE_CHECKING:
    from magicfs.config import Settings
    from magicfs.db.pool import Database
    from magicfs.domain.host_certificates import HostCertificate

app = Commands(
    help="See the machines of the cluster, admit one, and forget one that is gone for good.",
    epilog="""
Examples:
    magicfs hosts list
    magicfs hosts admit laptop
    magicfs hosts retire old-laptop""",
)

CUT_OFF_SECONDS = 60.0
"""A host whose connections are cut falls silent within this time: its lease runs out."""

POLL_SECONDS = 1.0


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the hosts with their agents, roots, files and workers, where they serve, and who waits for admission."""
    from magicfs.cli import environment, terminal
    from magicfs.cli.host_list import hosts_of, show_hosts
    from magicfs.cli.hub_services import known_certificates
    from magicfs.db.status import read_status

    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database, database.transaction() as connection:
        hosts = hosts_of(read_status(connection), known_certificates(settings, connection))
    if as_json:
        terminal.print_json({"hosts": [host.as_json() for host in hosts]})
    else:
        show_hosts(hosts)


@app.command()
def admit(
    name: Annotated[str, typer.Argument(parser=named, metavar="NAME", help="As 'magicfs hosts list' shows it.")],
    fingerprint: Annotated[
        str | None, typer.Option(metavar="SHA256:...", help="Admit that certificate and no other, without a question.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: admit the one certificate that was shown under that name.")
    ] = False,
) -> None:
    """Let a host take part: other hosts trust its certificate from now on, and it reaches what they offer.

    It can read the index and the files that other hosts serve.
    Compare the fingerprint with the one that the machine itself shows when it joins, or in its log.
    In a cluster with a hub, run this on the hub.
    """
    from magicfs.cli import environment, terminal
    from magicfs.cli.hub_services import admit_host, known_certificates

    settings = environment.settings_for_command()
    _require_deciding(settings)
    with environment.database_for_command(settings) as database:
        with database.transaction() as connection:
            certificates = known_certificates(settings, connection)
        found = _certificate_of(name, certificates, fingerprint=fingerprint)
        if found.admitted:
            terminal.say(f"{terminal.shown(name)} is admitted already")
            return
        if fingerprint is None and not yes:
            shown = terminal.shown(found.fingerprint)
            _ask(f"Admit {terminal.shown(name)} with the certificate {shown}?", f"admit --yes {name}")
        with database.transaction() as connection:
            admit_host(settings, connection, found)
    terminal.say(f"{terminal.shown(name)} is admitted")


def _certificate_of(name: str, certificates: Sequence[HostCertificate], *, fingerprint: str | None) -> HostCertificate:
    """The certificate of a host, which has that fingerprint if one is given. Raises `HostUnknown` and `UsageError`."""
    from magicfs.errors import HostUnknown, UsageError

    shown = [entry for entry in certificates if entry.host == name]
    if not shown:
        raise HostUnknown(f"{name} has not asked: run 'magicfs serve', 'mount' or 'cluster join' there")
    # Nobody takes the place of a host that is admitted.
    candidates = [entry for entry in shown if entry.admitted] or shown
    found = [entry for entry in candidates if fingerprint in {None, entry.fingerprint}]
    if not found:
        others = " and ".join(entry.fingerprint for entry in candidates)
        raise UsageError(f"{name} has another certificate, {others}: compare it with what {name} shows")
    if len(found) > 1:
        raise UsageError(f"{len(found)} machines ask as {name}: name the right one, with the --fingerprint it shows")
    return found[0]


def _require_deciding(settings: Settings) -> None:
    """Raise `UsageError` on a host that has joined a hub: the hub decides itself which hosts it admits."""
    from magicfs.errors import UsageError

    if settings.hub is not None:
        raise UsageError(f"the hub {settings.hub} decides who is admitted: run this command there")


def _ask(question: str, otherwise: str) -> None:
    """Ask a person, and end the command if the answer is no. Raises `UsageError` where nobody can be asked."""
    from magicfs.cli import terminal
    from magicfs.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(f"nobody can be asked here: run 'magicfs hosts {otherwise}'")
    if not typer.confirm(question, err=True):
        terminal.remark("nothing was changed")
        raise typer.Exit(1)


@app.command()
def retire(
    name: Annotated[str, typer.Argument(parser=named, metavar="NAME", help="As 'magicfs hosts list' shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a host that is gone for good: its roots, its files and its certificate leave the index.

    No file on any disk is touched, and copies on other hosts stay in the index.
    An admitted host is cut off first; any other one is not retired while its agent is at work.
    In a cluster with a hub, run this on the hub.
    """
    from magicfs.cli import environment, terminal
    from magicfs.cli.hub_services import own_list
    from magicfs.db.cluster.hosts import end_long_statements

    settings = environment.settings_for_command()
    _require_deciding(settings)
    admitted = own_list(settings)
    is_cut_off = admitted is not None and name != settings.host and admitted.find(name) is not None
    # Before anything asks the index, which the host may have locked.
    if admitted is not None and is_cut_off:
        if not yes:
            _ask(f"Cut {terminal.shown(name)} off, and forget its files?", f"retire --yes {name}")
        admitted.remove(name)
        terminal.remark(f"{terminal.shown(name)} is cut off: its files leave the index")
        _wait_for_servers()
        with environment.database_for_command(settings) as database, database.transaction() as connection:
            # One of the host may hold a lock, and not notice that its connection has ended.
            end_long_statements(connection, seconds=POLL_SECONDS)
    with environment.database_for_command(settings) as database:
        _forget(settings, database, name, is_cut_off=is_cut_off, yes=yes)


def _forget(settings: Settings, database: Database, name: str, *, is_cut_off: bool, yes: bool) -> None:
    """Let a host leave the index. Asks before, unless it is cut off, or `yes`."""
    from magicfs.cli import terminal
    from magicfs.cli.host_list import hosts_of
    from magicfs.cli.hub_services import known_certificates, own_list
    from magicfs.db.status import read_status
    from magicfs.errors import HostUnknown
    from magicfs.gateway.join_requests import JoinRequests
    from magicfs.ingest.hosts import require_known, retire_host

    admitted, requests = own_list(settings), JoinRequests(settings.home)
    # Whoever is not in the list of a hub does not reach its index, whatever that says.
    is_out = admitted is not None and admitted.exists and name != settings.host
    # The index need not know who was cut off, nor who asks the hub.
    is_known = is_cut_off or any(entry.host == name for entry in requests.certificates())
    with database.transaction() as connection:
        if not is_known:
            require_known(connection, name=name, may_cut_off=name != settings.host, is_out=is_out)
        hosts = hosts_of(read_status(connection), known_certificates(settings, connection))
    host = next((host for host in hosts if host.name == name), None)
    files = terminal.counted(host.files if host else 0, "file")
    if not yes and not is_cut_off:
        roots = ", ".join(map(terminal.shown, host.roots if host else ())) or "no root"
        _ask(f"Forget {terminal.shown(name)} with {files} ({roots})?", f"retire --yes {name}")
    requests.remove(name)
    if host is not None and host.agent and not is_out:
        _cut_off(database, name)
    try:
        retire_host(database, name=name, is_out=is_out)
    except HostUnknown:
        if not is_known:
            raise
    if host is not None and host.admitted:
        _wait_for_servers()
    _delete_queue(settings, name)
    terminal.say(f"{terminal.shown(name)} is retired: the index has forgotten {files}")


def _delete_queue(settings: Settings, name: str) -> None:
    """Delete the queue of a host that has left the index. Where no Redis answers it stays, and does no harm."""
    from magicfs.cli import wiring

    if wiring.probe_broker(settings).ok:
        wiring.job_queue(settings).delete_extract(name)


def _wait_for_servers() -> None:
    """Wait until the hosts that serve have looked who is admitted."""
    from magicfs.gateway.serve import REFRESH_SECONDS

    time.sleep(REFRESH_SECONDS + POLL_SECONDS)


def _cut_off(database: Database, name: str) -> None:
    """Take the admission of a host back, and wait until its agent is silent. Raises `HostAtWork` if it is not."""
    from magicfs.cli import terminal
    from magicfs.db.cluster.heartbeats import has_agent
    from magicfs.db.cluster.host_certificates import delete_certificate
    from magicfs.errors import HostAtWork

    with database.transaction() as connection:
        delete_certificate(connection, host=name)
    terminal.remark(f"{terminal.shown(name)} is cut off: waiting until its agent is silent")
    deadline = time.monotonic() + CUT_OFF_SECONDS
    while True:
        with database.transaction() as connection:
            if not has_agent(connection, host=name):
                return
        if time.monotonic() > deadline:
            raise HostAtWork(
                f"the agent of {name} still reaches the database: stop it there, or change the password of the database"
            )
        time.sleep(POLL_SECONDS)
