"""Parse the command lines of configuration files as the program would, without running them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]


def parse(words: list[str]) -> list[str]:
    """The names of the commands in a command line whose first word is `magicfs`.

    Raises the error that a user would see for an unknown command, an unknown option or a missing argument.
    """
    import typer.main

    from magicfs.cli.application import app

    assert Path(words[0]).name == "magicfs", f"not a command of ours: {words}"
    return _descend(typer.main.get_command(app), name="magicfs", arguments=words[1:], parent=None)


def _descend(command: Any, *, name: str, arguments: list[str], parent: Any) -> list[str]:
    """Parse one level; a group names the command for the next."""
    with command.make_context(name, list(arguments), parent=parent) as context:
        if not hasattr(command, "resolve_command"):
            return []
        rest = [*getattr(context, "_protected_args", []), *context.args]
        chosen, subcommand, remaining = command.resolve_command(context, rest)
        assert subcommand is not None, f"no command {rest}"
        return [chosen, *_descend(subcommand, name=chosen, arguments=remaining, parent=context)]
