"""The output of commands: results on standard output, progress and remarks on standard error.

Used by every command. `execution` decides on errors that end one. On a terminal, names, paths and texts that come from
files are `shown`, so that they disturb no other part of a line; programs get them as they are. Main thread.
"""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, TextIO

from magicfs.cli.bidi import isolate, isolate_runs

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.measure import Measurement
    from rich.text import Text


class Style(Enum):
    """How a part of a line is shown. The value is what a terminal is sent."""

    BOLD = "1"
    DIM = "2"
    GREEN = "32"
    YELLOW = "33"
    CYAN = "36"
    WHITE = "37"


_ESCAPED = "magicfs-escaped"
"""The error handler of streams whose encoding does not have every character."""

_WHOLE_LINE = 100_000
"""The cells of a line where a program reads the results: more than a row of any table has."""
_COLOURS = {Style.GREEN, Style.YELLOW, Style.CYAN, Style.WHITE}


def open_streams() -> None:
    """Let what is printed to a closed stream be dropped, and a character that the encoding lacks be escaped.

    The escape is that of JSON, which an object that is printed remains that way.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Otherwise the next file that is opened would be the stream.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  as long as the process
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and (stream.errors == "strict" or stream.encoding.lower() != "utf-8"):
        codecs.register_error(_ESCAPED, _escape)
        stream.reconfigure(errors=_ESCAPED)


def _escape(error: UnicodeError) -> tuple[str, int]:
    """The characters that cannot be encoded, as JSON escapes them, and where encoding goes on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end


def directory(text: str) -> Path:
    """Parse an argument that names a directory. An empty name, as from an unset variable, is wrong usage."""
    from pathlib import Path

    from typer import BadParameter

    if not text.strip():
        raise BadParameter("an empty name is no directory")
    from magicfs.cli.disk_probe import wait_for_disk

    wait_for_disk(text)
    return Path(text)


def named(text: str) -> str:
    """Parse an argument that names something. An empty name, as from an unset variable, is wrong usage."""
    from typer import BadParameter

    if not text.strip():
        raise BadParameter("an empty name names nothing")
    return text


def results() -> Console:
    """The console for results. Colours only on a terminal, and not with NO_COLOR; lines are cut there alone, too."""
    from rich.console import Console

    width = None if is_terminal() else _WHOLE_LINE
    return Console(highlight=False, soft_wrap=True, emoji=False, markup=False, width=width)


def remarks() -> Console:
    """The console for progress and remarks, on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False, markup=False)


def is_terminal() -> bool:
    """Whether a person reads the results, and no program."""
    return sys.stdout.isatty()


def shown(text: str) -> str:
    """A name, path or text from a file as a part of a line of the result; as it is where a program reads it."""
    return isolate(text) if is_terminal() else text


def shown_line(text: str) -> str:
    """A line of the result that may have right-to-left parts; as it is where a program reads it."""
    return isolate_runs(text) if is_terminal() else text


def has_styles() -> bool:
    """Whether bold, dim and coloured text is shown as such."""
    return is_terminal() and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}


def styled(text: str, style: Style) -> str:
    """A part of a line of the result in a style. There is no colour with NO_COLOR.

    `rich` is for tables: it takes a fifth of the time of a command.
    """
    if not text or not has_styles() or (style in _COLOURS and os.environ.get("NO_COLOR")):
        return text
    return f"\x1b[{style.value}m{text}\x1b[0m"


def emphasised(text: str, places: Iterable[tuple[int, int]]) -> str:
    """A line of a text from a file, `shown`, with the characters of some places in bold and the rest dim."""
    line = shown(text)
    offset = line.find(text)
    parts, end = [], 0
    for first, last in places if offset >= 0 else ():
        parts += [
            styled(line[end : first + offset], Style.DIM),
            styled(line[first + offset : last + offset], Style.BOLD),
        ]
        end = last + offset
    return "".join([*parts, styled(line[end:], Style.DIM)])


def width() -> int | None:
    """The number of cells of a line of the terminal; None where a program reads the results."""
    if not is_terminal():
        return None
    import shutil

    return shutil.get_terminal_size().columns


class Cell:
    """A name or path in a table of rich. It is never cut off, and each line of it is `shown`."""

    def __init__(self, text: str) -> None:
        """Show `text`, on as many lines as its column needs."""
        self._content = text

    @property
    def _text(self) -> Text:
        from rich.text import Text

        return Text(self._content, overflow="fold")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """The widths that the column may have, in cells."""
        from rich.measure import Measurement

        return Measurement.get(console, options, self._text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines for the width of the column."""
        for line in self._text.wrap(console, options.max_width, overflow="fold", no_wrap=False):
            line.plain = shown(line.plain.rstrip())
            yield line


def say(text: str) -> None:
    """Print a line of the result, without buffering."""
    _write(sys.stdout, shown_line(text))


def write(line: str) -> None:
    """Print a line of the result whose parts are `shown` and `styled` already."""
    _write(sys.stdout, line)


def remark(text: str) -> None:
    """Print a line about the command's progress, on standard error. It is dropped when the terminal has closed."""
    try:
        _write(sys.stderr, isolate_runs(text) if sys.stderr.isatty() else text)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # So is what the stream still holds.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()


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
    _write(sys.stdout, f"]{fields}}}")


def print_json(data: Mapping[str, Any]) -> None:
    """Print one object on standard output, and nothing else."""
    _write(sys.stdout, json.dumps(data, ensure_ascii=False, indent=2))


def counted(number: int, noun: str) -> str:
    """A number of things for people: `1 file`, `2 files`. The plural of the noun has an `s`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def counted_pages(number: int) -> str:
    """A number of what OCR is to read: `1 scanned page or picture`, `2 scanned pages or pictures`."""
    return "1 scanned page or picture" if number == 1 else f"{number} scanned pages or pictures"


def duration(seconds: float) -> str:
    """Seconds for people: `42 s`, `3 min`, `2 h 5 min`, `4 d`."""
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{whole} s"
