"""The disposable process that parses files, seen from outside: started when needed, killed when it misbehaves.

Used by `FileExtractor`. One thread at a time; a sandbox belongs to the process and thread that use it first (the
kernel ends the child with that thread). The child is started afresh, never forked from this process, so it
inherits no threads, locks or descriptors.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.errors import ServerError
from magicfs.text.extract.decode import clean
from magicfs.text.extract.limits import Limits
from magicfs.text.extract.ocr import Ocr
from magicfs.text.extract.wire import Disconnected, Message, WireError, receive, send

log = logging.getLogger(__name__)

_START_SECONDS = 60.0
"""A child imports a large library from a disk that may be busy."""

_END_SECONDS = 5.0

_OUT_OF_MEMORY = (b"memory allocation of", b"out of memory", b"memoryerror", b"cannot allocate memory", b"bad_alloc")
"""What libraries say, in lower case, before they abort for want of memory."""

_KEPT_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
"""The child gets no more: it needs no password and no address of a server."""


class Sandbox:
    """Parses files in a child process, one after another."""

    def __init__(self, *, limits: Limits, ocr: Ocr | None = None, command: Sequence[str] | None = None) -> None:
        """Prepare; the child starts with the first file.

        `command` starts a child that speaks the protocol of `child.serve`; by default the one that reads real files.
        """
        self._limits = limits
        self._environment = _environment(ocr)
        self._command = list(command) if command is not None else _command(limits, ocr)
        self._child: _Child | None = None

    def parse(self, content: bytes, *, mime_type: str) -> Document | Unreadable:
        """Return the text of a file of this type, or why there is none.

        Raises `ServerError` if no child can be started, which says nothing about the file.
        """
        request = Message({"mime_type": mime_type}, content)
        outcome = self._attempt(request)
        if outcome is None:
            outcome = self._attempt(request)
        return outcome or Unreadable(SkipReason.CRASHED, "the parser was killed twice")

    def close(self) -> None:
        """End the child, if there is one. The sandbox can be used again afterwards."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _attempt(self, request: Message) -> Document | Unreadable | None:
        """Try once. None: it failed for reasons that may lie outside the file, so that it deserves another child."""
        if self._child is None or not self._child.alive():
            self.close()
            self._child = _Child(self._command, self._environment)
        child = self._child
        served_before = child.served
        try:
            answer = child.exchange(request, limits=self._limits)
        except TimeoutError:
            self.close()
            return Unreadable(SkipReason.TIMEOUT, f"not read after {self._limits.seconds:g} seconds")
        except WireError as error:
            verdict, is_its_own_fault = child.post_mortem(error)
            self.close()
            log.info("the parser ended (%s) on a %s", verdict.detail, request.head["mime_type"])
            return verdict if is_its_own_fault and not served_before else None
        if answer.head.get("last"):
            self.close()
        outcome = _understood(answer)
        if served_before and isinstance(outcome, Unreadable) and outcome.reason is SkipReason.BOMB:
            self.close()
            return None
        return outcome


class _Child:
    """One child process with its connection and its last words."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.served = 0
        ours, theirs = socket.socketpair()
        self._connection = ours
        self._output = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115  (closed by kill)
        # The library unpacks a part of itself into a directory whose name anybody could have taken before, and wants to
        # make one for a cache. It is given a directory of its own, needs it only now, and what it has loaded stays.
        self._private = tempfile.mkdtemp(prefix="magicfs-", dir=_place_for_programs())
        environment = environment | dict.fromkeys(("TMPDIR", "HOME", "XDG_CACHE_HOME"), self._private)
        try:
            self._process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=self._output, stderr=self._output, env=environment, cwd="/"
            )
        except OSError as error:
            ours.close()
            self._output.close()
            self._remove_private()
            raise ServerError(f"no process for reading files can be started ({error})") from error
        finally:
            theirs.close()
        try:
            receive(ours, most_body_bytes=0, deadline=time.monotonic() + _START_SECONDS)
        except (TimeoutError, WireError) as error:
            words = self._last_words().decode("utf-8", errors="replace").strip().rpartition("\n")[2]
            self.kill()
            raise ServerError(f"the process for reading files does not start: {words or error}") from error
        self._remove_private()

    def alive(self) -> bool:
        return self._process.poll() is None

    def exchange(self, request: Message, *, limits: Limits) -> Message:
        """Send a request and wait for its answer. Raises `TimeoutError` or `WireError`."""
        self._output.truncate(0)
        deadline = time.monotonic() + limits.seconds
        send(self._connection, request, deadline=deadline)
        answer = receive(self._connection, most_body_bytes=limits.text_bytes, deadline=deadline)
        self.served += 1
        return answer

    def post_mortem(self, error: WireError) -> tuple[Unreadable, bool]:
        """Say what ended the child, and whether it was its own doing rather than a signal from elsewhere."""
        if isinstance(error, Disconnected):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
        code = self._process.poll()
        if code is None:
            return Unreadable(SkipReason.CRASHED, f"the parser broke off: {error}"), True
        if code == -signal.SIGXCPU:
            return Unreadable(SkipReason.TIMEOUT, "used up its processor time"), True
        if any(word in self._last_words().lower() for word in _OUT_OF_MEMORY):
            return Unreadable(SkipReason.BOMB, "needs more memory than a file may"), True
        cause = _signal_name(-code) if code < 0 else f"exit code {code}"
        return Unreadable(SkipReason.CRASHED, cause), code not in (-signal.SIGKILL, -signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once; it holds nothing that needs saving."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._output.close()
        self._remove_private()

    def _remove_private(self) -> None:
        shutil.rmtree(self._private, ignore_errors=True)

    def _last_words(self) -> bytes:
        self._output.seek(0)
        return self._output.read(64 * 1024)


def _place_for_programs() -> str | None:
    """A temporary directory from which a library may be loaded; None where all forbid that, as `noexec` does."""
    for place in (tempfile.gettempdir(), "/var/tmp", "/dev/shm"):  # noqa: S108  what is made in it is private
        if os.access(place, os.W_OK | os.X_OK) and not os.statvfs(place).f_flag & os.ST_NOEXEC:
            return place
    return None


def _command(limits: Limits, ocr: Ocr | None) -> list[str]:
    """The program that reads real files, by this interpreter; `-P` keeps the working directory out of its imports."""
    languages = list(ocr.languages) if ocr else []
    arguments = [json.dumps(dataclasses.asdict(limits)), json.dumps(languages)]
    return [sys.executable, "-P", "-m", "magicfs.text.extract.child", *arguments]


def _environment(ocr: Ocr | None) -> dict[str, str]:
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "2"  # an arena a thread would eat up the address space
    if ocr:
        environment["TESSDATA_PREFIX"] = ocr.data_dir
    return environment


def _understood(answer: Message) -> Document | Unreadable:
    """Take over an answer. The child may have been subverted by a file, so types are checked."""
    head = answer.head
    try:
        if "reason" in head:
            return Unreadable(SkipReason(head["reason"]), clean(str(head.get("detail") or ""))[:300])
        return Document(
            text=clean(answer.body.decode("utf-8", errors="replace")),
            mime_type=str(head["mime_type"])[:200],
            title=_text(head.get("title")),
            author=_text(head.get("author")),
            language=_text(head.get("language")),
            page_starts=tuple(int(start) for start in head["page_starts"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        return Unreadable(SkipReason.CRASHED, f"the parser's answer makes no sense: {error}"[:300])


def _text(value: Any) -> str | None:
    return None if value is None else clean(str(value))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
