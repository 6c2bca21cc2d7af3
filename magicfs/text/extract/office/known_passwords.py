"""Decrypts documents of Office whose password every program tries by itself, so that it opens them without asking.

Runs in the child process, called by `readable_form`. Excel encrypts with it where a person has protected only the
structure of a workbook, or its changes. One thread.
"""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Final

from msoffcrypto import OfficeFile
from msoffcrypto.format import doc97, ooxml, ppt97, xls97

_PASSWORD: Final = "VelvetSweatshop"  # noqa: S105  (known to everybody)

_IN_MEMORY: Final = SimpleNamespace(TemporaryFile=io.BytesIO)
for _module in (doc97, ppt97, xls97):
    _module.tempfile = _IN_MEMORY  # the process may write no file


def decrypted(content: bytes) -> bytes | None:
    """The document in an encrypted one; None where it has another password."""
    try:
        document = OfficeFile(io.BytesIO(content))
        if isinstance(document, ooxml.OOXMLFile):
            document.load_key(password=_PASSWORD, verify_password=True)
        else:
            document.load_key(password=_PASSWORD)
        found = io.BytesIO()
        document.decrypt(found)
    except Exception:
        return None
    return found.getvalue()
