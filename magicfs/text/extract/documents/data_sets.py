"""What a data set of a program for statistics says of its variables, as a document.

Used by `spss_files` and `stata_files`: names and labels of variables, labels of values, notes, and no data. The values
of a label stand below the first variable that has them. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.plain.plain_text import clean, decode
from magicfs.text.extract.plain.text_bytes import CONTROLS

DAMAGE: Final = (struct.error, LookupError, ValueError)
"""What reading a damaged data set raises."""


class Variable(NamedTuple):
    """A variable, its texts as they are stored."""

    name: bytes
    label: bytes
    values: bytes | int
    """What its labels of values are found by."""


class DataSet(NamedTuple):
    """What a data set says, its texts as they are stored."""

    title: bytes
    notes: Sequence[bytes]
    variables: Sequence[Variable]
    values: Mapping[bytes | int, Sequence[tuple[bytes, bytes]]]
    """Values and what they mean."""
    charset: str | None
    """Python's codec; None where the texts show it together, because the file states none."""


def document_of(data: DataSet, mime_type: str) -> Document | Unreadable:
    """A line for each variable, and for each of its values that has a label."""
    title = _in_one_line(data.title)
    lines = [title, *map(_in_one_line, data.notes)]
    shown: set[bytes | int] = set()
    for variable in data.variables:
        lines.append(b": ".join(filter(None, map(_in_one_line, (variable.name, variable.label)))))
        if variable.values not in shown:
            shown.add(variable.values)
            lines += [b" = ".join(map(_in_one_line, pair)) for pair in data.values.get(variable.values, ())]
    stored = b"\n".join(filter(None, lines))
    said = (stored.decode(data.charset, "replace") if data.charset else decode(stored)) or stored.decode("latin-1")
    said = clean(said)
    if not said:
        return Unreadable(SkipReason.NO_TEXT)
    return Document(said, mime_type=mime_type, title=said.partition("\n")[0] if title else None)


def _in_one_line(stored: bytes) -> bytes:
    return b" ".join(stored.translate(None, CONTROLS).split())
