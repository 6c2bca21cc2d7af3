"""The other hosts of the cluster, as a mount knows them: which serve their files, and whether they know this one.

Used by the composition root. `read` is called with each heartbeat of the mount, in its transaction and by one thread.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from magicfs.config import Settings
from magicfs.db.cluster.host_certificates import list_certificates, request_admission
from magicfs.db.pool import Connection
from magicfs.errors import DatabaseError, MagicFSError
from magicfs.gateway.remote_files import PeerFiles

if TYPE_CHECKING:
    from magicfs.gateway.identity import Identity

log = logging.getLogger(__name__)


class OtherHosts:
    """The hosts that this one can ask for their files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._has_asked = False
        self.files = PeerFiles(self._identity, host=settings.host)

    def read(self, connection: Connection) -> None:
        """Read which hosts serve. This one asks once for admission, as soon as there is a host that serves."""
        certificates = list_certificates(connection)
        self.files.set_hosts(certificates)
        if not self._has_asked and self.files.hosts():
            self._has_asked = True
            if all(entry.host != self._settings.host for entry in certificates):
                self._ask(connection)

    def _ask(self, connection: Connection) -> None:
        try:
            own = self._identity()
            request_admission(
                connection, host=self._settings.host, fingerprint=own.fingerprint, certificate=own.certificate
            )
        except DatabaseError:
            raise
        except MagicFSError as error:
            log.warning("files of other hosts cannot be read: %s", error)
        else:
            log.info(
                "files of other hosts can be read after 'magicfs hosts admit %s --fingerprint %s'",
                self._settings.host,
                own.fingerprint,
            )

    def _identity(self) -> Identity:
        from magicfs.gateway.identity import host_identity

        return host_identity(self._settings.home)
