"""Takes out of the running text of `.docx` what a person does not see, before kreuzberg reads it.

Runs in the child process, called by `document_parser`. kreuzberg leaves out what tracked changes delete, but not what
they move away nor hidden text, and it joins words at a hyphen that does not break. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.part_count import DAMAGE
from magicfs.text.extract.repacking import with_members
from magicfs.text.extract.xml_texts import OF_ANOTHER, SHOWN_AGAIN

DOCUMENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_RUNNING_TEXT: Final = "word/document.xml"
_MAX_BYTES: Final = 128 << 20
"""A document all of whose members unpack to more stays as it is."""
_OF_INTEREST: Final = re.compile(rb"<w:(?:moveFrom|vanish|noBreakHyphen)\b")
_TAG: Final = re.compile(rb"<(/?)w:(moveFrom|r|t|vanish|noBreakHyphen|rPrChange|pPr)(?=[\s/>])([^<>]*?)(/?)>")
_OF_ANOTHER: Final = frozenset(name.encode() for name in OF_ANOTHER)
_VALUE: Final = re.compile(rb"\bw:val=\"([^\"]*)\"")
_HYPHEN: Final = b"<w:t>-</w:t>"


def as_seen(content: bytes) -> bytes:
    """A document without that text; the same bytes where it has none, and where it is large or damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as document:
            if sum(member.file_size for member in document.infolist()) > _MAX_BYTES:
                return content
            text = document.read(_RUNNING_TEXT)
            if not _OF_INTEREST.search(text):
                return content
            return with_members(document, {_RUNNING_TEXT: b"".join(_seen(text))})
    except DAMAGE:
        return content


def _seen(text: bytes) -> Iterator[bytes]:
    """Yield the pieces of the running text that remain: elements stay, and what they hold goes."""
    place = moved = elsewhere = 0
    hidden_runs: list[bool] = []
    for tag in _TAG.finditer(text):
        is_end, name, attributes, is_empty = bool(tag[1]), tag[2], tag[3], bool(tag[4])
        is_unseen = moved > 0 or any(hidden_runs[-1:])
        if not (is_end and name == b"t" and is_unseen):
            yield text[place : tag.start()]
        yield tag[0] if name != b"noBreakHyphen" else b"" if is_unseen or is_end else _HYPHEN
        place = tag.end()
        if name == b"vanish" and hidden_runs and not elsewhere:
            value = _VALUE.search(attributes)
            hidden_runs[-1] = value is None or value[1].decode("ascii", "replace") not in SHOWN_AGAIN
        elif name == b"moveFrom" and not is_empty:
            moved += -1 if is_end else 1
        elif name in _OF_ANOTHER and not is_empty:
            elsewhere += -1 if is_end else 1
        elif name == b"r" and not is_empty:
            if not is_end:
                hidden_runs.append(False)
            elif hidden_runs:
                hidden_runs.pop()
    yield text[place:]
