"""Copies a zip container with other bytes or names for some members, for readers of whole documents. Pure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping


def with_members(container: zipfile.ZipFile, changed: Mapping[str, bytes]) -> bytes:
    """The bytes of a container with these members changed. Raises one of `DAMAGE`."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as copy:
        for member in container.infolist():
            copy.writestr(
                member.filename,
                changed[member.filename] if member.filename in changed else container.read(member),
            )
    return data.getvalue()


def with_names(container: zipfile.ZipFile, renamed: Mapping[str, str]) -> bytes:
    """The bytes of a container with these members under other names. Raises one of `DAMAGE`."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as copy:
        for member in container.infolist():
            copy.writestr(renamed.get(member.filename, member.filename), container.read(member))
    return data.getvalue()
