"""Runs `magicfs serve`: builds the services that this host offers to others, and says in the index where they are.

Used by the command and by the part of `magicfs up`. Main thread; the index is read in another one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING

from magicfs.cli import environment
from magicfs.cli.hub_services import admissions, hub_services, own_list, record_certificate, wrong_in_index
from magicfs.config import Settings
from magicfs.db.cluster import host_certificates
from magicfs.db.cluster.roots import list_roots
from magicfs.domain.host_certificates import HostCertificate
from magicfs.domain.roots import encloses
from magicfs.errors import HostUnknown, MagicFSError, UsageError
from magicfs.gateway.file_protocol import FILES_SERVICE
from magicfs.gateway.files_service import FilesService
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.peers import PeerAddress
from magicfs.gateway.serve import REFRESH_SECONDS, Server, Service
from magicfs.ingest.roots import limit_roots
from magicfs.linux.process import raise_open_file_limit
from magicfs.logs import Outage
from magicfs.state_directory.allowed_roots import AllowedRoots

if TYPE_CHECKING:
    from magicfs.db.pool import Database

log = logging.getLogger(__name__)

CONNECTIONS = 2
"""The connections to the database: one reads the roots, every two seconds."""

EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  they are compared, nothing listens on them
"""What means every address of a machine, and no machine can connect to."""


def run_serve(settings: Settings, *, listen: str | None = None, advertise: str | None = None) -> None:
    """Serve the files of this host until a signal stops it; the arguments take the place of settings.

    Raises `UsageError` without an address, `HostTaken` if another machine is admitted under the name of this host, and
    `ServerError` when nothing can listen there.
    """
    listen = listen or settings.listen
    if listen is None:
        raise UsageError("name the address of this machine that others reach: magicfs serve --listen 10.8.0.2")
    address = PeerAddress.parse(listen)
    told = advertised(address, advertise or settings.advertise)
    settings = settings.replace(listen=str(address))
    identity = host_identity(settings.home)
    # Other hosts open many.
    raise_open_file_limit()
    with environment.database_for_service(settings, role="serve", size=CONNECTIONS) as database:
        record = HostRecord(settings, database, identity, told)
        record.begin()
        try:
            files = FilesService()
            services = {**hub_services(settings), FILES_SERVICE: Service(files.handle)}
            server = Server(identity, services, load=admissions(settings, database, identity))
            asyncio.run(_serve(server, address, record, files))
        finally:
            record.end()


def advertised(address: PeerAddress, told: str | None) -> PeerAddress:
    """The address that others are told: `told`, or that on which we listen. Raises `UsageError`."""
    if told is not None:
        return PeerAddress.parse(told)
    return PeerAddress(socket.gethostname(), address.port) if address.host in EVERY_ADDRESS else address


class HostRecord:
    """What the index has of this host as one that serves, and what it says of others."""

    def __init__(self, settings: Settings, database: Database, identity: Identity, told: PeerAddress) -> None:
        self._settings = settings
        self._database = database
        self._identity = identity
        self._told = str(told)
        self._allowed = AllowedRoots(settings.home)
        self._admitted = own_list(settings)
        self._outage = Outage(log, beginning="no file is served", end="files are served again")

    def begin(self) -> None:
        """Ask for admission, and limit what other hosts can have read here to the roots that there are now.

        Raises `MagicFSError`.
        """
        limit_roots(self._settings, self._database)
        own = self._record()
        if own.admitted:
            log.info("this host is %s", own.fingerprint)
        else:
            log.warning(
                "other hosts trust this one after 'magicfs hosts admit %s --fingerprint %s'",
                self._settings.host,
                own.fingerprint,
            )

    def read(self) -> list[bytes]:
        """The paths of the roots that may be read. Puts right what the index has of this host. Raises `DatabaseError`.

        Other hosts write to the index too. On a hub, it also puts right whom the index calls admitted.
        """
        with self._database.transaction() as connection:
            certificates = host_certificates.list_certificates(connection)
            roots = [registered.root.path for registered in list_roots(connection, host=self._settings.host)]
        own = next((entry for entry in certificates if entry.host == self._settings.host), None)
        try:
            is_recorded = own is not None and (own.fingerprint, own.address) == (self._identity.fingerprint, self._told)
            if not is_recorded or (self._admitted is not None and wrong_in_index(self._admitted, certificates)):
                self._record()
            allowed = [path for path in roots if self._may_be_read(path)]
        except MagicFSError as error:
            self._outage.began("record", error)
            return []
        self._outage.ended("record")
        return allowed

    def _may_be_read(self, root: bytes) -> bool:
        """Whether other hosts may read a root: one that was added here, and does not have the key of this host."""
        state = os.fsencode(self._settings.home.resolve())
        return self._allowed.allows(root) and not encloses(root, state) and not encloses(state, root)

    def end(self) -> None:
        """Say that this host does not serve any more."""
        try:
            with self._database.transaction() as connection:
                host_certificates.set_address(
                    connection, host=self._settings.host, fingerprint=self._identity.fingerprint, address=None
                )
        except MagicFSError as error:
            log.warning("the index still says that this host serves: %s", error)

    def _record(self) -> HostCertificate:
        """Let the index know the certificate of this host and where it serves. Raises `HostTaken`."""
        record_certificate(self._settings, self._database, self._identity)
        host, fingerprint = self._settings.host, self._identity.fingerprint
        with self._database.transaction() as connection:
            host_certificates.set_address(connection, host=host, fingerprint=fingerprint, address=self._told)
            found = host_certificates.find_certificate(connection, host=host)
        if found is None:
            raise HostUnknown(f"{host} has just been retired")
        return found


async def _serve(server: Server, address: PeerAddress, record: HostRecord, files: FilesService) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reading = asyncio.ensure_future(_keep_roots(record, files))
    try:
        await server.run(address, stop, ready=lambda: log.info("serving at %s", address))
    finally:
        reading.cancel()


async def _keep_roots(record: HostRecord, files: FilesService) -> None:
    """Let `files` know the roots that may be read, and the index what it has of this host, until it is cancelled."""
    outage = Outage(log, beginning="the roots of this host are not known anew", end="the roots of this host are known")
    while True:
        try:
            files.set_roots(await asyncio.to_thread(record.read))
        except MagicFSError as error:
            outage.began("roots", error)
        else:
            outage.ended("roots")
        await asyncio.sleep(REFRESH_SECONDS)
