"""`magicfs cluster`: several machines share one index, without servers to administer."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.cli.help import Commands
from magicfs.cli.terminal import named

if TYPE_CHECKING:
    from magicfs.config import Settings
    from magicfs.gateway.hub import Hub
    from magicfs.gateway.identity import Identity

app = Commands(
    help="Let several machines share one index: one is the hub, the others join it.",
    epilog="""
Examples:
    magicfs cluster init --listen 10.8.0.1           on the hub
    magicfs cluster join 10.8.0.1:7420 SHA256:...    elsewhere
    magicfs hosts admit laptop                       on the hub
    mkdir -p ~/MagicFS                               everywhere
    magicfs up ~/Documents --mount ~/MagicFS         everywhere""",
)

ASK_SECONDS = 10.0
POLL_SECONDS = 2.0
"""Pause between two questions whether the host is admitted."""


@app.command()
def init(
    listen: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where the others reach this machine: HOST or HOST:PORT.")
    ] = None,
    advertise: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The address that the others use, if it is another one.")
    ] = None,
) -> None:
    """Make this machine the hub. Without options on one that is the hub, it says again what to run on the others.

    The connections between the machines are encrypted, and only hosts that you admit get further. There is no password.
    """
    from magicfs.cli import config_file, environment, terminal
    from magicfs.cli.serving import advertised
    from magicfs.errors import UsageError
    from magicfs.gateway.identity import host_identity
    from magicfs.gateway.peers import PeerAddress

    settings = environment.settings_for_command()
    if settings.hub is not None:
        raise UsageError(f"this machine has joined the hub {settings.hub}: run 'magicfs cluster leave' first")
    if not settings.embedded_database or not settings.embedded_broker:
        raise UsageError("a hub has the embedded servers: unset MAGICFS_DATABASE_URL and MAGICFS_BROKER_URL")
    if listen is None:
        if settings.listen is None:
            raise UsageError(
                "name the address of this machine that others reach: magicfs cluster init --listen 10.8.0.1"
            )
        listen, advertise = settings.listen, advertise or settings.advertise
    address = PeerAddress.parse(listen)
    told = advertised(address, advertise)
    settings.make_home()
    identity = host_identity(settings.home)
    config_file.write_setting(settings.home, "listen", str(address))
    config_file.write_setting(settings.home, "advertise", None if told == address else str(told))
    terminal.say(f"hub    {settings.host}, {identity.fingerprint}")
    terminal.say("here   magicfs up --detach")
    terminal.say(f"there  magicfs cluster join {told} {identity.fingerprint}")


@app.command()
def join(
    address: Annotated[str, typer.Argument(parser=named, metavar="HOST[:PORT]", help="Where the hub serves.")],
    fingerprint: Annotated[str, typer.Argument(metavar="SHA256:...", help="Of its certificate, as 'init' prints it.")],
) -> None:
    """Use the index of a hub on this machine from now on. It waits until the hub has admitted this host.

    Files stay here; the hub keeps their text and vectors.
    A machine with an index of its own has to give it up first.
    Where the hub has got another address, this tells it to a machine that has joined.
    """
    from magicfs.cli import config_file, environment, terminal
    from magicfs.gateway.hub import Hub, write_fingerprint
    from magicfs.gateway.identity import host_identity
    from magicfs.gateway.peers import PeerAddress
    from magicfs.state_directory.allowed_roots import AllowedRoots

    settings = environment.settings_for_command()
    hub = Hub(PeerAddress.parse(address), fingerprint)
    has_moved = settings.hub is not None and _has_moved(settings, hub)
    if not has_moved:
        _require_free(settings, hub)
    settings.make_home()
    identity = host_identity(settings.home)
    _wait_for_admission(settings, hub, identity)
    write_fingerprint(settings.home, hub.fingerprint)
    # What the index says of a host of this name is no reason to read it here.
    AllowedRoots(settings.home).limit([])
    config_file.write_setting(settings.home, "hub", str(hub.address))
    if has_moved:
        terminal.say(f"{settings.host} finds its hub at {hub.address} from now on")
        terminal.say("next   magicfs up --detach")
        return
    terminal.say(f"{settings.host} has joined the hub {hub.address}")
    terminal.say("next   mkdir -p ~/MagicFS && magicfs up ~/Documents --mount ~/MagicFS --detach")


def _has_moved(settings: Settings, hub: Hub) -> bool:
    """Whether the hub that this host has joined is this one at another address. Raises `UsageError`."""
    from magicfs.errors import ConfigError, UsageError
    from magicfs.gateway.hub import read_hub

    try:
        known = read_hub(settings)
    except ConfigError:
        return False
    if known.fingerprint != hub.fingerprint or known.address == hub.address:
        return False
    if "MAGICFS_HUB" in os.environ:
        raise UsageError(f"MAGICFS_HUB is {known.address}: set it to {hub.address}, or unset it and run this again")
    return True


def _require_free(settings: Settings, hub: Hub) -> None:
    """Raise `UsageError` when this machine works with another index."""
    from magicfs.cli import environment
    from magicfs.errors import UsageError

    if not settings.local_database or not settings.local_broker:
        raise UsageError("this machine has servers by MAGICFS_DATABASE_URL or MAGICFS_BROKER_URL: unset them first")
    if settings.hub not in {None, str(hub.address)}:
        raise UsageError(f"this machine has joined the hub {settings.hub}: run 'magicfs cluster leave' first")
    own = settings.home / "postgres"
    if settings.hub is None and own.exists():
        raise UsageError(
            f"this machine has an index of its own: run 'magicfs down', and delete {own} to give it up; the files are "
            "indexed anew then"
        )
    if settings.run_dir.is_dir() and environment.supervisor(settings).running() and settings.hub is None:
        raise UsageError("MagicFS runs here: run 'magicfs down' first")


def _wait_for_admission(settings: Settings, hub: Hub, identity: Identity) -> None:
    """Wait until the hub lets this host in. Raises `PeerUnavailable` when it cannot be asked at first."""
    from magicfs.cli import terminal
    from magicfs.errors import DeadlineExceeded, PeerUnavailable

    if _is_admitted(settings, hub, identity):
        return
    terminal.remark(f"waiting until the hub admits {settings.host}; on the hub, run")
    terminal.remark(f"  magicfs hosts admit {settings.host} --fingerprint {identity.fingerprint}")
    with terminal.remarks().status("waiting"):
        while True:
            time.sleep(POLL_SECONDS)
            # A hub that restarts meanwhile comes back.
            with suppress(PeerUnavailable, DeadlineExceeded):
                if _is_admitted(settings, hub, identity):
                    return


def _is_admitted(settings: Settings, hub: Hub, identity: Identity) -> bool:
    """Ask the hub for admission; whether it lets this host in. Raises `PeerUnavailable` and `DeadlineExceeded`."""
    from magicfs.domain.deadline import Deadline
    from magicfs.errors import PeerUnavailable
    from magicfs.gateway.hub import ask_admission, require_admission

    if not ask_admission(hub, identity, host=settings.host, deadline=Deadline(ASK_SECONDS)):
        return False
    # Its `serve` hears of the admission two seconds later than the index.
    with suppress(PeerUnavailable):
        require_admission(hub, identity, Deadline(ASK_SECONDS))
        return True
    return False


@app.command()
def leave() -> None:
    """Do not use the hub any more. What the hub has of this host stays there until 'magicfs hosts retire' there."""
    from magicfs.cli import config_file, environment, terminal
    from magicfs.errors import UsageError
    from magicfs.state_directory.allowed_roots import FILE_NAME

    settings = environment.settings_for_command()
    if settings.hub is None:
        terminal.say("this machine has joined no hub")
        return
    if settings.run_dir.is_dir() and environment.supervisor(settings).running():
        raise UsageError("MagicFS runs here: run 'magicfs down' first")
    config_file.write_setting(settings.home, "hub", None)
    if settings.listen is None:
        (settings.home / FILE_NAME).unlink(missing_ok=True)
    terminal.say(
        f"{settings.host} has left the hub {settings.hub}: "
        f"on the hub, run 'magicfs hosts retire {shlex.quote(settings.host)}'"
    )
    if "MAGICFS_HUB" in os.environ:
        terminal.remark("MAGICFS_HUB is still set in the environment: unset it")
