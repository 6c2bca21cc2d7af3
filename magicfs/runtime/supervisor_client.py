"""The calls of supervisord's XML-RPC interface that `supervisor` makes, over the unix socket in the state directory.

The transport is supervisor's own, with a time limit. `supervisor` imports this module when a socket is there:
the package is an optional dependency, which a host of a cluster does without. One client a thread.
"""

from __future__ import annotations

import http.client
import socket
import struct
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport, UnixStreamHTTPConnection

from magicfs.config import PATIENCE_SECONDS
from magicfs.errors import ServerError
from magicfs.linux.starvation import Starvation

ANSWER_SECONDS = 10.0
"""supervisord answers in milliseconds; while it starts a dozen processes on a busy machine, in a second or two. What it
waits for a processor is not counted, up to `PATIENCE_SECONDS`."""


class _Socket(socket.socket):
    """A socket whose time limit is put off while the process at its other end waits for a processor."""

    def __init__(self, seconds: float, patience_s: float) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self.settimeout(seconds)
        self._seconds = seconds
        self._patience_s = patience_s
        self._starvation: Starvation | None = None

    def connect(self, address: Any) -> None:
        super().connect(address)
        credentials = self.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, _, _ = struct.unpack("3i", credentials)
        self._began, self._starvation = time.monotonic(), Starvation(pid)

    def recv_into(self, *arguments: Any) -> int:
        while True:
            try:
                return super().recv_into(*arguments)
            except TimeoutError:
                waited = self._starvation.seconds() if self._starvation is not None else 0.0
                if time.monotonic() > self._began + self._seconds + min(waited, self._patience_s):
                    raise


class _Connection(UnixStreamHTTPConnection):
    """supervisor's connection with a time limit: a supervisord that hangs must not hang a command."""

    def __init__(self, path: str, seconds: float, patience_s: float) -> None:
        super().__init__("localhost")
        self.socketfile = path
        self._limits = seconds, patience_s

    def connect(self) -> None:
        self.sock = _Socket(*self._limits)
        self.sock.connect(self.socketfile)


class _Transport(SupervisorTransport):
    def __init__(self, path: str, seconds: float, patience_s: float) -> None:
        super().__init__(serverurl=f"unix://{path}")
        self._get_connection = lambda: _Connection(path, seconds, patience_s)


class SupervisorClient:
    """A client of supervisord; each method is one call. Raises `ServerError` when supervisord refuses or is silent."""

    def __init__(self, path: Path, *, seconds: float | None = None) -> None:
        """`path` is the socket that supervisord listens on.

        A call waits for `seconds`, or for `ANSWER_SECONDS`, and longer on a machine with too much to do: for as long
        again, or for `PATIENCE_SECONDS`.
        """
        limits = (ANSWER_SECONDS, PATIENCE_SECONDS) if seconds is None else (seconds, seconds)
        transport = _Transport(str(path), *limits)
        self._proxy = xmlrpc.client.ServerProxy("http://localhost", transport=transport)

    def answers(self) -> bool:
        """Whether supervisord runs and is not shutting down."""
        try:
            return str(self._call("getState")["statename"]) == "RUNNING"
        except ServerError:
            return False

    def pid(self) -> int:
        """The pid of supervisord."""
        return int(self._call("getPID"))

    def processes(self) -> list[dict[str, Any]]:
        """The answer of `getAllProcessInfo`."""
        return list(self._call("getAllProcessInfo"))

    def reload(self) -> tuple[list[str], list[str], list[str]]:
        """Read the configuration again; the names of the parts that were added, changed and removed in it."""
        ((added, changed, removed),) = self._call("reloadConfig")
        return list(added), list(changed), list(removed)

    def add(self, name: str) -> None:
        """Start a part that is in the configuration."""
        self._call("addProcessGroup", name)

    def start(self, name: str) -> None:
        """Start a part that has stopped, without waiting until it runs. One that runs is no error."""
        wait = False
        with _ignoring(Faults.ALREADY_STARTED):
            self._call("startProcess", name, wait)

    def remove(self, name: str) -> None:
        """Remove a stopped part. One that another command has removed is no error."""
        with _ignoring(Faults.BAD_NAME):
            self._call("removeProcessGroup", name)

    def stop(self, name: str) -> None:
        """Signal a part to stop, without waiting for its end. One that has ended is no error."""
        wait = False
        with _ignoring(Faults.NOT_RUNNING, Faults.BAD_NAME):
            self._call("stopProcess", name, wait)

    def shutdown(self) -> None:
        """Make supervisord stop the parts that still run, and exit."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: str | bool) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise _Refused(fault.faultCode, _refusal(method, fault.faultString)) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise ServerError(f"the supervisor does not answer ({error}): run 'magicfs down', then 'up'") from error
        finally:
            # The next call connects anew: another supervisord may have taken the place of this one.
            self._proxy("close")()


def _refusal(method: str, reason: str) -> str:
    """The line for a person. The state directory may have been moved or deleted while its supervisor ran."""
    return f"the supervisor refuses {method} ({reason}): run 'magicfs down', then 'magicfs up'"


class _Refused(ServerError):
    """A fault that supervisord reports."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def _ignoring(*codes: int) -> Iterator[None]:
    try:
        yield
    except _Refused as fault:
        if fault.code not in codes:
            raise
