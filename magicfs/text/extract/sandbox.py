"""Parses files in a child process (`child`), which is started when a file needs it and replaced when it fails.

Used by `FileExtractor`. Not thread-safe: a sandbox belongs to the thread that uses it first, and the kernel kills the
child when that thread ends. The child is a new program, not a fork, so it inherits no threads, locks or descriptors.
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
from collections.abc import Iterator, Sequence

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.errors import ServerError
from magicfs.framing import Disconnected, FramingError, Message, receive, send
from magicfs.text.extract.answers import Answers
from magicfs.text.extract.options import Limits, Ocr, Wall

log = logging.getLogger(__name__)

_START_SECONDS = 60.0
"""The child imports a large library from a disk that may be busy."""

_EXIT_SECONDS = 5.0

_OUT_OF_MEMORY = (b"memory allocation of", b"out of memory", b"memoryerror", b"cannot allocate memory", b"bad_alloc")
"""Messages of libraries that abort because an allocation has failed, in lower case."""

_INHERITED_VARIABLES = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
)
"""The child gets no other variable: passwords and server addresses stay out of it."""

_PDF = "application/pdf"

_MAX_OUTPUT_BYTES = 64 * 1024


class Sandbox:
    """Parses files in a child process, one at a time."""

    def __init__(self, *, limits: Limits, ocr: Ocr | None = None, command: Sequence[str] | None = None) -> None:
        """Start no process yet; the first `parse` does.

        `command` is a program that speaks the protocol of `child.serve`; the default is `magicfs.text.extract.child`.
        """
        self._limits = limits
        self._environment = _environment(ocr)
        self._shares_pdf = ocr is not None
        self._command = list(command) if command is not None else _command(limits, ocr)
        self._child: _Child | None = None
        self._walls_are_logged = False

    def missing_walls(self) -> list[Wall]:
        """The walls that do not stand around the child, which is started if none runs.

        Raises `ServerError` when no child can be started.
        """
        return self._running_child().missing_walls

    def parse(self, content: bytes, *, mime_type: str) -> Document | Unreadable:
        """The text of a file of this type, or why there is none. A document may be partly read: see `Document`.

        Raises `ServerError` when no child can be started.
        """
        request = Message({"mime_type": mime_type}, content)
        outcome, is_worth_a_retry = self._parse_once(request)
        if is_worth_a_retry:
            outcome, is_worth_a_retry = self._parse_once(request)
        if is_worth_a_retry and isinstance(outcome, Unreadable):
            return Unreadable(SkipReason.CRASHED, "the parser was killed twice")
        return outcome

    def close(self) -> None:
        """Kill the child, if one runs. The next `parse` starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _running_child(self) -> _Child:
        if self._child is None or not self._child.alive():
            self.close()
            self._child = _Child(self._command, self._environment, shares_pdf=self._shares_pdf)
            self._log_walls(self._child.missing_walls)
        return self._child

    def _log_walls(self, missing: list[Wall]) -> None:
        """Log once whether the child is confined as it should be."""
        if self._walls_are_logged:
            return
        self._walls_are_logged = True
        if missing:
            log.warning("no wall keeps parsers from %s: see 'magicfs doctor'", ", ".join(missing))
        else:
            log.info("walls keep parsers from %s", ", ".join(Wall))

    def _parse_once(self, request: Message) -> tuple[Document | Unreadable, bool]:
        """The outcome, and whether a new child should try again.

        That is so when the cause may be an earlier file of this child, or another process that killed the child.
        """
        child = self._running_child()
        served_before = child.served
        answers = Answers()
        try:
            for answer in child.exchange(request, limits=self._limits):
                answers.add(answer)
                if answers.complete:
                    break
        except TimeoutError:
            self.close()
            return answers.outcome() or self._timed_out(), False
        except FramingError as error:
            unreadable, was_killed = child.cause_of_failure(error)
            self.close()
            log.info("the parser failed (%s) on a %s", unreadable.detail, request.head["mime_type"])
            return answers.outcome() or unreadable, was_killed or served_before > 0
        child.finish_file()
        outcome = answers.outcome() or self._timed_out()
        is_worth_a_retry = isinstance(outcome, Unreadable) and outcome.reason is SkipReason.BOMB and served_before > 0
        if answers.is_last or is_worth_a_retry:
            self.close()
        return outcome, is_worth_a_retry

    def _timed_out(self) -> Unreadable:
        return Unreadable(SkipReason.TIMEOUT, f"not read after {self._limits.seconds:g} seconds")


class _Child:
    """A child process, the connection to it, and its output."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], *, shares_pdf: bool) -> None:
        """Start the process. With `shares_pdf`, it gets the descriptor of a file in memory as its last argument.

        The file holds each PDF file while it is parsed: the library draws pages of files only, and the child may write
        none.
        """
        self.served = 0
        """The number of files that were answered."""
        self._pdf = os.memfd_create("magicfs-pdf") if shares_pdf else None
        shared = [] if self._pdf is None else [self._pdf]
        ours, theirs = socket.socketpair()
        self._connection = ours
        self._output = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115  (closed by kill)
        # While the library loads, it unpacks a shared object into the temporary directory, under a name that any user
        # could have taken, and makes a cache directory. A private directory serves for both until the child is ready.
        self._directory = tempfile.mkdtemp(prefix="magicfs-", dir=_temporary_directory_without_noexec())
        environment = environment | dict.fromkeys(("TMPDIR", "HOME", "XDG_CACHE_HOME"), self._directory)
        try:
            self._process = subprocess.Popen(
                [*command, *map(str, shared)],
                stdin=theirs.fileno(),
                stdout=self._output,
                stderr=self._output,
                env=environment,
                cwd="/",
                pass_fds=shared,
            )
        except OSError as error:
            ours.close()
            self._close_files()
            raise ServerError(f"no process for reading files can be started ({error})") from error
        finally:
            theirs.close()
        try:
            ready = receive(ours, max_body_bytes=0, deadline=time.monotonic() + _START_SECONDS)
        except (TimeoutError, FramingError) as error:
            last_line = self._printed().decode("utf-8", errors="replace").strip().rpartition("\n")[2]
            self.kill()
            raise ServerError(f"the process for reading files does not start: {last_line or error}") from error
        standing = ready.head.get("walls", ())
        self.missing_walls = [wall for wall in Wall if wall not in standing]
        self._remove_directory()

    def alive(self) -> bool:
        return self._process.poll() is None

    def exchange(self, request: Message, *, limits: Limits) -> Iterator[Message]:
        """Send a request and yield its answers, without an end. Raises `TimeoutError` or `FramingError`."""
        self._output.truncate(0)
        deadline = time.monotonic() + limits.seconds
        if self._pdf is not None and request.head["mime_type"] == _PDF:
            _overwrite(self._pdf, request.body)
        send(self._connection, request, deadline=deadline)
        room = limits.text_bytes
        while True:
            answer = receive(self._connection, max_body_bytes=room, deadline=deadline)
            room -= len(answer.body)
            yield answer

    def finish_file(self) -> None:
        """Count a file whose answers are complete, and free its copy."""
        self.served += 1
        if self._pdf is not None:
            os.ftruncate(self._pdf, 0)

    def cause_of_failure(self, error: FramingError) -> tuple[Unreadable, bool]:
        """Why the child gave no answer, and whether another process may have killed it."""
        if isinstance(error, Disconnected):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_EXIT_SECONDS)
        code = self._process.poll()
        if code is None:
            return Unreadable(SkipReason.CRASHED, f"the parser's answer is malformed: {error}"), False
        if code == -signal.SIGXCPU:
            return Unreadable(SkipReason.TIMEOUT, "used up its processor time"), False
        printed = self._printed().lower()
        if any(message in printed for message in _OUT_OF_MEMORY):
            return Unreadable(SkipReason.BOMB, "needs more memory than one file may use"), False
        cause = _signal_name(-code) if code < 0 else f"exit code {code}"
        return Unreadable(SkipReason.CRASHED, cause), code in (-signal.SIGKILL, -signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and free its resources. Killing loses nothing: the child keeps no state."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._close_files()

    def _close_files(self) -> None:
        self._output.close()
        if self._pdf is not None:
            os.close(self._pdf)
        self._remove_directory()

    def _remove_directory(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def _printed(self) -> bytes:
        """The output of the child to stdout and stderr since its last request."""
        self._output.seek(0)
        return self._output.read(_MAX_OUTPUT_BYTES)


def _overwrite(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, memoryview(content)[written:], written)


def _temporary_directory_without_noexec() -> str | None:
    """A temporary directory from which shared objects can be loaded; None when all are mounted `noexec`."""
    for path in (tempfile.gettempdir(), "/var/tmp", "/dev/shm"):  # noqa: S108  (mkdtemp makes a private one in it)
        if os.access(path, os.W_OK | os.X_OK) and not os.statvfs(path).f_flag & os.ST_NOEXEC:
            return path
    return None


def _command(limits: Limits, ocr: Ocr | None) -> list[str]:
    """The command line of `child`. `-P` keeps the working directory out of its import path."""
    languages = list(ocr.languages) if ocr else []
    arguments = [json.dumps(dataclasses.asdict(limits)), json.dumps(languages)]
    return [sys.executable, "-P", "-m", "magicfs.text.extract.child", *arguments]


def _environment(ocr: Ocr | None) -> dict[str, str]:
    environment = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "2"  # one arena per thread would use up the address space
    if ocr:
        environment["TESSDATA_PREFIX"] = ocr.data_dir
    return environment


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
