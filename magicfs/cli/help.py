"""The help of commands. typer draws it in columns, or it is one column where the terminal is narrow.

`application` and the modules of groups register commands through `Commands`. Main thread.
"""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from magicfs.cli import terminal

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

NARROWEST = 72
"""Cells of a line, below which the columns of typer would be a few letters wide each."""


class Command(TyperCommand):
    """A command with a readable help."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """What the line of usage has behind the name: `QUERY...`, and not `{QUERY}...`."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Print the help."""
        if not _print_help(self, ctx):
            super().format_help(ctx, formatter)


class Group(TyperGroup):
    """A group of commands with a readable help."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Print the help."""
        if not _print_help(self, ctx):
            super().format_help(ctx, formatter)


class Commands(typer.Typer):
    """A group whose commands have a readable help, and which shows its own when it is called without one."""

    def __init__(self, **options: Any) -> None:
        """Take the options of typer."""
        super().__init__(cls=Group, no_args_is_help=True, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        """Register a command, with the options of typer."""
        return super().command(name, cls=Command, **options)


def _print_help(command: Command | Group, ctx: Context) -> bool:
    """Print the help in one column; False on a terminal that has room for more."""
    for parameter in command.get_params(ctx):
        if isinstance(parameter, TyperArgument) or (isinstance(parameter, TyperOption) and parameter.is_flag):
            # The type would be that of Python. That of a switch, `<bool>`, looks like a value that it takes.
            parameter.display_type_rich = _no_type  # type: ignore[method-assign]
    width = shutil.get_terminal_size().columns
    if width >= NARROWEST:
        return False
    # As typer does: what a command without arguments were to print of it would be an error in one line.
    terminal.say("\n".join(_in_one_column(command, ctx, width)))
    return True


def _no_type(ctx: Context) -> None:
    del ctx


def _in_one_column(command: Command | Group, ctx: Context, width: int) -> Iterator[str]:
    yield from _wrapped(command.get_usage(ctx), width, indent="")
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield ""
        yield from _wrapped(paragraph, width, indent="")
    for title, entries in _sections(command, ctx).items():
        yield ""
        yield f"{title}:"
        for name, text in entries:
            yield from _wrapped(name, width, indent="  ")
            yield from _wrapped(text, width, indent="    ")
    if command.epilog:
        # The lines of examples are not broken, so that they can be copied.
        yield command.epilog.replace("\n    ", "\n  ")


def _sections(command: Command | Group, ctx: Context) -> dict[str, list[tuple[str, str]]]:
    """The names and the meanings of what can be typed, by the titles above them."""
    sections = defaultdict(list)
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            sections["Arguments" if isinstance(parameter, TyperArgument) else "Options"].append(record)
    for name, inner in command.commands.items() if isinstance(command, Group) else ():
        summary = inspect.cleandoc(inner.help or "").split("\n\n")[0]
        sections[getattr(inner, "rich_help_panel", None) or "Commands"].append((name, summary))
    return sections


def _wrapped(text: str, width: int, *, indent: str) -> list[str]:
    """The lines of a paragraph."""
    wrapper = textwrap.TextWrapper(
        width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(" ".join(text.split()))
