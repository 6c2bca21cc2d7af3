"""The entry point: runs a command, and ends with an exit code and, on failure, one line on standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Used by the script `magicfs` and by `python -m
magicfs.cli`.
"""

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
    """Run a command and return its exit code."""
    from magicfs.cli.application import app

    try:
        code = app(arguments, prog_name="magicfs", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  `_unexpected` writes it to a log
        return _report(error)
    return code if isinstance(code, int) else DONE


def _report(error: BaseException) -> int:
    """Print the error, and return the exit code for it."""
    match error:
        case BrokenPipeError():
            return _discard_output()
        case KeyboardInterrupt() | typer.Abort():
            return INTERRUPTED
        case typer.TyperException():
            return _wrong_usage(error)
        case MagicFSError():
            return _print_error(str(error), WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    return _print_error(_unexpected(error), FAILED)


def _print_error(message: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"magicfs: {' '.join(message.split())}\n")
    return code


def _wrong_usage(error: typer.TyperException) -> int:
    """Print typer's complaint about options or arguments in one line. It is empty when typer has shown the help."""
    message = error.format_message()
    if not message:
        return WRONG_USAGE
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "magicfs"
    return _print_error(f"{message.rstrip('.')}: see '{command} --help'", WRONG_USAGE)


def _discard_output() -> int:
    """Discard the rest of the output and succeed: its reader, such as `head`, has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _unexpected(error: BaseException) -> str:
    """A message about an error that nobody raised on purpose. Its traceback goes to a log."""
    lines = traceback.format_exception(error)
    for folder in (_log_dir(), Path(tempfile.gettempdir())):
        path = folder / "magicfs-error.log"
        with contextlib.suppress(OSError):
            # Everybody can write to the temporary directory: follow no link, and let nobody else read the log.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(path, flags, 0o600), "a", encoding="utf-8", errors="replace") as log:
                log.writelines(["\n", *lines])
            return f"unexpected {type(error).__name__}: {error}: the details are in {path}"
    return f"unexpected {type(error).__name__}: {error}"


def _log_dir() -> Path:
    """The folder of the logs; the temporary directory when the settings cannot be read."""
    try:
        from magicfs.config import load

        return load().log_dir
    except Exception:  # noqa: BLE001  broken settings
        return Path(tempfile.gettempdir())
