"""The output of commands: results on standard output, progress and remarks on standard error.

Used by every command. Errors that end a command are printed by `outcome`. Main thread.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def directory(text: str) -> Path:
    """Parse an argument that names a directory. An empty name, as from an unset variable, is wrong usage."""
    from typer import BadParameter

    if not text.strip():
        raise BadParameter("an empty name is no directory")
    return Path(text)


def results() -> Console:
    """The console for results. Colours only on a terminal, and not with NO_COLOR."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, emoji=False, markup=False)


def remarks() -> Console:
    """The console for progress and remarks, on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False, markup=False)


def say(text: str) -> None:
    """Print a line of the result, without buffering."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Print a line about the command's progress, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_json_list(name: str, items: Iterable[Mapping[str, Any]], rest: Callable[[], Mapping[str, Any]]) -> None:
    """Print one object on standard output with a list that is too long for memory, an item a line.

    `rest` gives what else the object has, and is called after the last item.
    """
    separator = ""
    sys.stdout.write(f"{{{json.dumps(name)}: [")
    for item in items:
        sys.stdout.write(f"{separator}\n  {json.dumps(item, ensure_ascii=False)}")
        separator = ","
    fields = "".join(f",\n{json.dumps(key)}: {json.dumps(value)}" for key, value in rest().items())
    say(f"]{fields}}}")


def print_json(data: Mapping[str, Any]) -> None:
    """Print one object on standard output, and nothing else."""
    say(json.dumps(data, ensure_ascii=False, indent=2))


def duration(seconds: float) -> str:
    """Seconds for people: `42 s`, `3 min`, `2 h 5 min`, `4 d`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:  # noqa: PLR2004
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d"
