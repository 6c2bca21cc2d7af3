"""How a command ends: exit code 0 done, 1 failed, 2 wrong usage, and one line on standard error that says why."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

import typer

from magicfs.errors import MagicFSError, UsageError

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def main() -> NoReturn:
    """Run the command in `sys.argv` and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    from magicfs.cli.application import app

    try:
        code = app(arguments, prog_name="magicfs", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the last resort: `_unexpected` logs it
        return _failed(error)
    return code if isinstance(code, int) else DONE


def _failed(error: BaseException) -> int:
    """Say what went wrong; the exit code."""
    match error:
        case BrokenPipeError():
            return _reader_is_gone()
        case KeyboardInterrupt() | typer.Abort():
            return INTERRUPTED
        case typer.TyperException():
            return _wrong_usage(error)
        case MagicFSError():
            return _complain(str(error), WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    return _complain(_unexpected(error), FAILED)


def _complain(message: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"magicfs: {' '.join(message.split())}\n")
    return code


def _wrong_usage(error: typer.TyperException) -> int:
    """What typer says of options and arguments, in one line. Without any command it has shown the help."""
    message = error.format_message()
    if not message:
        return WRONG_USAGE
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "magicfs"
    return _complain(f"{message.rstrip('.')}: see '{command} --help'", WRONG_USAGE)


def _reader_is_gone() -> int:
    """Whoever read our output, such as `head`, has seen enough. Nothing is written to it at exit either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _unexpected(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    for folder in (_log_dir(), Path(tempfile.gettempdir())):
        path = folder / "magicfs-error.log"
        with contextlib.suppress(OSError):
            # The temporary directory is everybody's: no link is followed, and nobody else reads it.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(path, flags, 0o600), "a", encoding="utf-8", errors="replace") as log:
                log.writelines(["\n", *lines])
            return f"unexpected {type(error).__name__}: {error}: the details are in {path}"
    return f"unexpected {type(error).__name__}: {error}"


def _log_dir() -> Path:
    """Where the log would be by the settings; they may be what is broken."""
    try:
        from magicfs.config import load

        return load().log_dir
    except Exception:  # noqa: BLE001  see above
        return Path(tempfile.gettempdir())
