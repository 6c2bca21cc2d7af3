"""Talk to supervisord: XML-RPC over its unix socket. One client a thread."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from magicfs.errors import ServerError

ANSWER_SECONDS = 10.0
"""It answers in milliseconds; while it starts a dozen processes on a busy machine, in a second or two."""

NOT_RUNNING = 70
BAD_NAME = 10
"""Faults of supervisord's interface that are no errors to us: somebody else was quicker."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """A connection for each request: supervisord may have been replaced in between."""
        connection = _Connection(self._path)
        self._connection = host, connection
        return connection


class SupervisorClient:
    """The calls of supervisord's interface that we use.

    Raises `ServerError` when it does not answer, or refuses.
    """

    def __init__(self, path: Path) -> None:
        self._proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(str(path)))

    def answers(self) -> bool:
        """Whether supervisord lives and is not on its way out."""
        try:
            return str(self._call("getState")["statename"]) == "RUNNING"
        except ServerError:
            return False

    def pid(self) -> int:
        """Its pid."""
        return int(self._call("getPID"))

    def processes(self) -> list[dict[str, Any]]:
        """What `getAllProcessInfo` says."""
        return list(self._call("getAllProcessInfo"))

    def reload(self) -> tuple[list[str], list[str], list[str]]:
        """Read the configuration again; names of parts that are new, different, and no longer there."""
        ((added, changed, removed),) = self._call("reloadConfig")
        return list(added), list(changed), list(removed)

    def add(self, name: str) -> None:
        """Take a part from the configuration and start it."""
        self._call("addProcessGroup", name)

    def remove(self, name: str) -> None:
        """Forget a part that is stopped."""
        with _harmless(BAD_NAME):
            self._call("removeProcessGroup", name)

    def stop(self, name: str) -> None:
        """Tell a part to stop; returns at once."""
        wait = False
        with _harmless(NOT_RUNNING, BAD_NAME):
            self._call("stopProcess", name, wait)

    def shutdown(self) -> None:
        """Tell supervisord to stop what still runs, and to leave."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: str | bool) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise _Refused(fault.faultCode, f"the supervisor refuses {method}: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise ServerError(f"the supervisor does not answer ({error}): run 'magicfs down', then 'up'") from error
        finally:
            self._proxy("close")()


class _Refused(ServerError):
    """A fault that supervisord reports."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def _harmless(*codes: int) -> Iterator[None]:
    try:
        yield
    except _Refused as fault:
        if fault.code not in codes:
            raise
