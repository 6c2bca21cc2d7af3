"""Copies a zip container with other bytes or names for some members, for readers of whole documents. Pure."""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

BACKSLASHED: Final = b"_rels\\.rels"
"""The name of a member of a document of Office that a program has written with the separators of Windows."""
IN_PIECES: Final = b"_rels/.rels/[0]."
"""The name of the first piece of a member that each document of Office and XPS has."""
_PIECE: Final = re.compile(r"(?P<name>.+)/\[(?P<number>\d{1,9})\](?:\.last)?\.piece", re.IGNORECASE)
_CONTENT_TYPES: Final = "[Content_Types].xml"
_MAX_BYTES: Final = 256 << 20
"""A container whose members unpack to more stays as it is."""


def repacked(
    container: zipfile.ZipFile, *, changed: Mapping[str, bytes] | None = None, renamed: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of a container with these members changed, and these under other names. Raises one of `DAMAGE`."""
    changed, renamed = changed or {}, renamed or {}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as copy:
        for member in container.infolist():
            name = member.filename
            copy.writestr(renamed.get(name, name), changed[name] if name in changed else container.read(member))
    return data.getvalue()


def with_slashes(content: bytes) -> bytes:
    """A document of Office with the separators that the format asks for, and its list of types under its name.

    The same bytes where its members unpack to a lot. Raises one of `DAMAGE`.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        if sum(member.file_size for member in container.infolist()) > _MAX_BYTES:
            return content
        renamed = {name: name.replace("\\", "/") for name in container.namelist()}
        types = {name: _CONTENT_TYPES for name in renamed if name.lower() == _CONTENT_TYPES.lower()}
        return repacked(container, renamed=renamed | types)


def with_joined_pieces(content: bytes) -> bytes:
    """A document whose members are in pieces, as Windows prints to XPS, with each of them in one.

    The same bytes where its members unpack to a lot. Raises one of `DAMAGE`.
    """
    data = io.BytesIO()
    pieces: dict[str, dict[int, zipfile.ZipInfo]] = defaultdict(dict)
    with zipfile.ZipFile(io.BytesIO(content)) as container, zipfile.ZipFile(data, "w") as joined:
        if sum(member.file_size for member in container.infolist()) > _MAX_BYTES:
            return content
        for member in container.infolist():
            if piece := _PIECE.fullmatch(member.filename):
                pieces[piece["name"]][int(piece["number"])] = member
            else:
                joined.writestr(member.filename, container.read(member))
        for name, numbered in pieces.items():
            joined.writestr(name, b"".join(container.read(numbered[number]) for number in sorted(numbered)))
    return data.getvalue()
