"""Runs a command, and makes an exit code and, on failure, one line on standard error of how it ends.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted; of `grep` 1 says that nothing is found, and 2 is any
failure. Used by `main`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

from magicfs.cli import searching, terminal
from magicfs.cli.main import INTERRUPTED
from magicfs.errors import MagicFSError, UsageError

if TYPE_CHECKING:
    import typer

DONE, FAILED, WRONG_USAGE = 0, 1, 2

_PLAIN_WORDS = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "it must be a whole number",
    "Input should be greater than or equal to": "it must be at least",
    "Input should be less than or equal to": "it must be at most",
}
"""What stands in place of what typer says of a value: the words in which settings are refused."""

_DISK_REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "mount its disk to be written",
}


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    # What is made for its owner alone must be open to the owner: with a umask of 777 it would be to nobody.
    os.umask(os.umask(0) & ~stat.S_IRWXU)
    terminal.open_streams()
    try:
        code = _execute(arguments)
        sys.stdout.flush()
    except SystemExit as end:
        # typer and rich make one of a reader that has closed the output.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        return _discard_output()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  `_report_unexpected` writes it to a log
        failure = _report(error, arguments)
        return WRONG_USAGE if failure == FAILED and arguments[:1] == ["grep"] else failure
    return code if isinstance(code, int) else DONE


def _execute(arguments: list[str]) -> object:
    """Run a command. A plain search, which people wait for, needs no typer."""
    options = searching.plain_options(arguments)
    if options is not None:
        searching.run(options)
        return DONE
    from magicfs.cli.application import app

    return app(arguments, prog_name="magicfs", standalone_mode=False)


def _report(error: BaseException, arguments: list[str]) -> int:
    """Print the error, and return the exit code for it."""
    match error:
        case BrokenPipeError():
            return _discard_output()
        case KeyboardInterrupt():
            return INTERRUPTED
        case MagicFSError():
            return _print_error(str(error), WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    if "typer" in sys.modules:
        import typer

        if isinstance(error, typer.Abort):
            return INTERRUPTED
        if isinstance(error, typer.TyperException):
            return _wrong_usage(error, arguments)
    return _report_unexpected(error)


def _report_unexpected(error: BaseException) -> int:
    """Print what no code here has raised on purpose.

    Of a disk that takes nothing, and of a current directory that is gone, that says what to do itself.
    """
    if isinstance(error, FileNotFoundError) and not _has_current_directory():
        return _print_error("the current directory was removed: change to another one, then try again", FAILED)
    if isinstance(error, OSError) and error.errno in _DISK_REMEDIES:
        # It may be that of the output.
        _discard_output()
        place = f" for {error.filename}" if error.filename else ""
        remedy = _DISK_REMEDIES[error.errno]
        return _print_error(f"{os.strerror(error.errno).lower()}{place}: {remedy}, then try again", FAILED)
    from magicfs.cli import error_log

    return _print_error(error_log.report(error), FAILED)


def _has_current_directory() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _print_error(message: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        terminal.remark(f"magicfs: {' '.join(message.split())}")
    return code


def _wrong_usage(error: typer.TyperException, arguments: list[str]) -> int:
    """Print typer's complaint about options or arguments in one line. It is empty when typer has shown the help."""
    message = error.format_message()
    if not message:
        return WRONG_USAGE
    for words, plain in _PLAIN_WORDS.items():
        message = message.replace(words, plain)
    context = getattr(error, "ctx", None)
    command = context.command_path if context else _command_of(arguments)
    unknown = getattr(error, "option_name", "")
    # An option that is known and lacks its value, or has one too many, has no context.
    is_unknown = context is not None and unknown and not unknown.startswith("--")
    takes_query = command in {"magicfs search", "magicfs grep"}
    remedy = "write -- before a query with a minus, or " if is_unknown and takes_query else ""
    return _print_error(f"{message.rstrip('.')}: {remedy}see '{command} --help'", WRONG_USAGE)


def _command_of(arguments: list[str]) -> str:
    """The command in a command line, for an error of the parser, which does not say where it was."""
    import typer

    from magicfs.cli.application import app

    names, command = ["magicfs"], typer.main.get_command(app) if arguments else None
    for word in arguments:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        names.append(word)
    return " ".join(names)


def _discard_output() -> int:
    """Discard the rest of the output and succeed: its reader, such as `head`, has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE
