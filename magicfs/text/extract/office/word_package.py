"""Gives the parts of `.docx` the names under which they are looked for.

Runs in the child process, called by `readable_form`. A package may name its parts as it likes, and says in a list of
relationships which one is the document: Word in a browser writes `word/document2.xml`. Pure functions.
"""

from __future__ import annotations

import posixpath
import zipfile
from io import BytesIO
from typing import Final

from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.xml_elements import parse_xml
from magicfs.text.extract.office.repacking import repacked

_FOLDER: Final = "word"
_DOCUMENT: Final = f"{_FOLDER}/document.xml"
_RELATIONSHIPS: Final = "_rels/.rels"
_OF_DOCUMENT: Final = "/officeDocument"
_MAX_BYTES: Final = 128 << 20
"""A document all of whose members unpack to more stays as it is."""


def with_usual_names(content: bytes) -> bytes:
    """The document with its running text in `word/document.xml`, and what belongs to it in the same folder.

    The same bytes where that is so, and where the document is large or damaged.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as package:
            names = package.namelist()
            if _DOCUMENT in names or sum(member.file_size for member in package.infolist()) > _MAX_BYTES:
                return content
            stated = _stated_document(package.read(_RELATIONSHIPS))
            if stated not in names:
                return content
            return repacked(package, renamed=_renamed(names, stated))
    except DAMAGE:
        return content


def _stated_document(relationships: bytes) -> str:
    for element in parse_xml(relationships):
        if (element.get("Type") or "").endswith(_OF_DOCUMENT):
            return posixpath.normpath(element.get("Target") or "").lstrip("/")
    return ""


def _renamed(names: list[str], document: str) -> dict[str, str]:
    """The other names of the members beside the document, of its relationships, and of the document itself."""
    folder, base = posixpath.split(document)
    renamed = {name: f"{_FOLDER}{name[len(folder) :]}" for name in names if folder and name.startswith(f"{folder}/")}
    relationships = posixpath.join(folder, "_rels", f"{base}.rels")
    return renamed | {document: _DOCUMENT, relationships: f"{_FOLDER}/_rels/document.xml.rels"}
