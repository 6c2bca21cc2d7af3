"""Writes the blanks of texts of OpenDocument as signs: kreuzberg joins words at those that are elements.

Runs in the child process, called by `running_text`. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.office.repacking import repacked

TEXT_DOCUMENT_TYPE: Final = "application/vnd.oasis.opendocument.text"

_CONTENT: Final = "content.xml"
_BLANKS: Final = re.compile(rb"<text:s(?:\s[^<>]*)?/>")
_MAX_BYTES: Final = 128 << 20
"""A document all of whose members unpack to more stays as it is."""


def with_blanks(content: bytes) -> bytes:
    """The document with blanks as signs; the same bytes where there are none, and where it is large or damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as document:
            if sum(member.file_size for member in document.infolist()) > _MAX_BYTES:
                return content
            text = document.read(_CONTENT)
            blank = _BLANKS.sub(b" ", text)
            return repacked(document, changed={_CONTENT: blank}) if blank != text else content
    except DAMAGE:
        return content
