"""The parser process as its parent sees it: started with little around it, talked to, and killed.

Used by `file_reading`, which says what is asked and what follows from a failure. Not thread-safe: the kernel kills the
child when the thread that started it ends. It is a new program, not a fork, so it inherits no threads, locks or
descriptors.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.errors import ServerError
from magicfs.ipc.framing import Disconnected, FramingError, Message, receive, send, send_descriptor
from magicfs.linux.starvation import Starvation
from magicfs.text.extract.options import Limits, Ocr, OcrEngine, Wall
from magicfs.text.extract.process.time_limit import TimeLimit

PROMPT_SECONDS = 0.25
"""Most answers come sooner. To measure for how long a process waits for a processor takes as long as a small file."""
_SHORTEST_WAIT_SECONDS = 0.001
"""A timeout of 0 would mean not to wait at all, and to fail otherwise."""

_INHERITED_VARIABLES = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "TMPDIR",
)
"""The child gets no other variable: passwords and server addresses stay out of it."""

START_SECONDS = 60.0
"""The child imports a large library from a disk that may be busy. What it waits for a processor is not counted."""

_ANSWER_SECONDS = 60.0
"""For an answer of which the first bytes are there."""

_EXIT_SECONDS = 5.0

_OUT_OF_MEMORY = (b"memory allocation of", b"out of memory", b"memoryerror", b"cannot allocate memory", b"bad_alloc")
"""Messages of libraries that abort because an allocation has failed, in lower case."""

_MAX_OUTPUT_BYTES = 64 * 1024


def command_of(limits: Limits, ocr: Ocr | None, *, recognises: bool) -> list[str]:
    """The command line of `child`. `-P` keeps the working directory out of its import path."""
    arguments = [json.dumps(ocr and dataclasses.asdict(ocr)), json.dumps(recognises)]
    arguments = [json.dumps(dataclasses.asdict(limits)), *arguments]
    return [sys.executable, "-P", "-m", "magicfs.text.extract.process.child", *arguments]


def environment_of(ocr: Ocr | None) -> dict[str, str]:
    """The environment variables of a child."""
    environment = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "2"  # one arena per thread would use up the address space
    # libarchive gives only names that the locale has signs for, and messages of libraries are told by their words.
    environment["LC_ALL"] = "C.UTF-8"
    if ocr is not None and ocr.engine is OcrEngine.TESSERACT:
        environment["TESSDATA_PREFIX"] = ocr.data_dir
    return environment


class ParserProcess:
    """A child process, the connection to it, and its output. Kill it in the end."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], limit: TimeLimit) -> None:
        """Start the process. It gets the descriptor of a file in memory as its last argument.

        The file holds each PDF file while it is parsed: the library draws pages of files only, and the child may write
        none. `limit` says how long the start may wait for a processor, and moves on by that. Raises `ServerError`.
        """
        self.served = 0
        """The number of files that were answered."""
        self._pdf = os.memfd_create("magicfs-pdf")
        ours, theirs = socket.socketpair()
        self._connection = ours
        self._output = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115  (closed by kill)
        # While the library loads, it makes a cache directory. It gets a private one until the child is ready.
        self._directory = tempfile.mkdtemp(prefix="magicfs-")
        environment = environment | dict.fromkeys(("TMPDIR", "HOME", "XDG_CACHE_HOME"), self._directory)
        try:
            self._process = subprocess.Popen(
                [*command, str(self._pdf)],
                stdin=theirs.fileno(),
                stdout=self._output,
                stderr=self._output,
                env=environment,
                cwd="/",
                pass_fds=[self._pdf],
            )
        except OSError as error:
            ours.close()
            self._close_files()
            raise ServerError(
                f"no process for reading files can be started ({error}): free memory, or raise the limit of processes"
            ) from error
        finally:
            theirs.close()
        try:
            self._wait_for_answer(time.monotonic() + START_SECONDS, limit)
            ready = receive(ours, max_body_bytes=0, deadline=time.monotonic() + _ANSWER_SECONDS)
        except (TimeoutError, FramingError) as error:
            last_line = self._printed().decode("utf-8", errors="replace").strip().rpartition("\n")[2]
            self.kill()
            raise ServerError(f"the process for reading files does not start: {last_line or error}") from error
        standing = ready.head.get("walls", ())
        self.missing_walls = [wall for wall in Wall if wall not in standing]
        self._remove_directory()

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def share(self, content: bytes) -> None:
        """Put a file where the child can read it."""
        _overwrite(self._pdf, content)

    def send(self, request: Message, *, deadline: float, descriptor: int | None = None) -> None:
        """Send a request about its body, or about the open PDF file of a descriptor, which the child reads itself.

        Raises `TimeoutError` at `deadline` (monotonic seconds), or `FramingError`.
        """
        self._output.truncate(0)
        if descriptor is None:
            send(self._connection, request, deadline=deadline)
        else:
            send(self._connection, Message({**request.head, "opened": True}), deadline=deadline)
            send_descriptor(self._connection, descriptor, deadline=deadline)

    def receive(self, *, max_body_bytes: int, due: float, limit: TimeLimit) -> Message:
        """Wait for an answer. Raises `TimeoutError`, or `FramingError`.

        It is `due` at that moment (monotonic seconds), or later by what the process has waited for a processor; `limit`
        says how much that may be, and moves on.
        """
        self._wait_for_answer(due, limit)
        return receive(self._connection, max_body_bytes=max_body_bytes, deadline=max(due, limit.end))

    def _wait_for_answer(self, due: float, limit: TimeLimit) -> None:
        if self._has_answer(min(due - time.monotonic(), PROMPT_SECONDS)):
            return
        starvation, counted = Starvation(self._process.pid), 0.0
        while (left := due - time.monotonic()) > 0:
            has_answer = self._has_answer(left)
            waited = starvation.seconds()
            due += limit.put_off(max(waited - counted, 0.0))
            counted = max(counted, waited)
            if has_answer:
                return
        raise TimeoutError("timed out")

    def _has_answer(self, seconds: float) -> bool:
        """Whether an answer begins within these seconds, or the connection fails, for which receiving it raises."""
        self._connection.settimeout(max(seconds, _SHORTEST_WAIT_SECONDS))
        with contextlib.suppress(OSError):
            try:
                self._connection.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                return False
        return True

    def finish_file(self) -> None:
        """Count a file whose answers are complete, and free its copy."""
        self.served += 1
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


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
