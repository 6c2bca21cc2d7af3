"""Puts empty slides in the place of damaged ones, so that a damaged slide does not cost a whole presentation.

Runs in the child process, called by `document_parser` for a presentation that kreuzberg refuses: it reads all slides or
none. Pure functions.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.text.extract.part_count import DAMAGE, PartCount

SLIDES_TYPE: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

_SLIDE: Final = re.compile(r"ppt/slides/slide\d+\.xml")
_RELATIONS: Final = "ppt/_rels/presentation.xml.rels"
_READ: Final = (".xml", ".rels")
"""The extensions of members with text; pictures are not copied."""
_EMPTY: Final = (
    b'<p:sld xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"><p:cSld><p:spTree/></p:cSld></p:sld>'
)


def with_empty_slides(content: bytes, *, parts: PartCount) -> bytes | None:
    """A presentation with empty slides instead of damaged and missing ones; None if all slides are as they should be.

    Missing slides are counted; `office_parts` counts damaged ones. Raises one of `DAMAGE` for a damaged container.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as container, zipfile.ZipFile(data, "w") as copy:
        names = set(container.namelist())
        missing = sorted(_stated_slides(container) - names)
        damaged = False
        for name in sorted(filter(lambda name: name.endswith(_READ), names)):
            member, is_whole = _member(container, name)
            damaged |= not is_whole
            copy.writestr(name, member)
        for name in missing:
            parts.add_unread(name)
            copy.writestr(name, _EMPTY)
    return data.getvalue() if damaged or missing else None


def _member(container: zipfile.ZipFile, name: str) -> tuple[bytes, bool]:
    """The bytes of a member, and whether it is none of the damaged slides."""
    try:
        member = container.read(name)
        if _SLIDE.fullmatch(name):
            ET.fromstring(member)  # noqa: S314  (expat stops entities that expand without end)
    except DAMAGE:
        return (_EMPTY, False) if _SLIDE.fullmatch(name) else (b"", True)
    return member, True


def _stated_slides(container: zipfile.ZipFile) -> set[str]:
    """The names of the slides that a presentation says it has."""
    root = ET.fromstring(container.read(_RELATIONS))  # noqa: S314
    targets = (element.get("Target") or "" for element in root)
    names = {posixpath.normpath(posixpath.join("/ppt", target))[1:] for target in targets}
    return {name for name in names if _SLIDE.fullmatch(name)}
