"""Copies a zip container with other bytes or names for some members, for readers of whole documents. Pure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping


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
