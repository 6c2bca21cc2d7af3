"""Reads documents in zip containers that kreuzberg does not: Visio, Hangul (HWPX), XMind, InDesign, maps.

It also reads the previews in those of iWork of before 2013. Runs in the child process, called by `own_readers` after
`container` has looked for bombs and passwords. Damaged members are left out, and counted. Pure functions.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Final, NamedTuple

from magicfs.domain.contents import Document
from magicfs.text.extract.archives.zip_excerpt import MAX_NAMES
from magicfs.text.extract.documents.container import IWORK_PREVIEW, KMZ, VISIO, XMIND
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.xml_elements import local_name, parse_xml
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

_PREVIEW: Final = "QuickLook/Preview.pdf"
_NUMBER: Final = re.compile(r"\d+")
_MAX_MEMBER_BYTES: Final = 32 << 20
_SEPARATOR: Final = "\n\n"


class _Format(NamedTuple):
    members: re.Pattern[str]
    paragraphs: frozenset[str]
    """The local names of elements that begin a line."""
    texts: frozenset[str]
    """Those of elements that hold the text."""


_FORMATS: Final = {
    VISIO: _Format(re.compile(r"visio/pages/page\d+\.xml"), frozenset({"Text"}), frozenset({"Text"})),
    "application/hwp+zip": _Format(re.compile(r"Contents/section\d+\.xml"), frozenset({"p"}), frozenset({"t"})),
    "application/vnd.adobe.indesign-idml-package": _Format(
        re.compile(r"Stories/Story_\w+\.xml"), frozenset({"ParagraphStyleRange", "Br"}), frozenset({"Content"})
    ),
    XMIND: _Format(re.compile(r"content\.json"), frozenset(), frozenset()),
}
ZIPPED_PAGES_TYPES: Final = frozenset({*_FORMATS, IWORK_PREVIEW})


def read_zipped_pages(content: bytes, mime_type: str, *, parts: FileParts) -> Document:
    """The texts of the pages, sections or maps in their order. Raises one of `DAMAGE` for a broken container."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if mime_type == IWORK_PREVIEW:
            return Document(text=parts.read(archive.read(_PREVIEW), b"Preview.pdf"), mime_type=mime_type)
        form = _FORMATS[mime_type]
        names = sorted(filter(form.members.fullmatch, archive.namelist()), key=_numbers)
        texts = [_text(archive, name, form, parts) for name in names]
    return Document(text=clean(_SEPARATOR.join(filter(None, texts))), mime_type=mime_type)


def read_map(content: bytes, *, parts: FileParts) -> Document:
    """The text of the places on a map (KMZ), and the names of the pictures beside it.

    Damaged places are left out, and counted.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        places = next(name for name in names if name.lower().endswith(".kml") and "/" not in name)
        try:
            text = parts.read(archive.read(places), places.encode("utf-8", "replace"))
        except DAMAGE:
            parts.add_unread(places)
            text = ""
    others = "\n".join(clean(name) for name in names[:MAX_NAMES] if name != places)
    return Document(text=f"{text}{PAGE_SEPARATOR}{others}", mime_type=KMZ)


def _numbers(name: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(name)]


def _text(archive: zipfile.ZipFile, name: str, form: _Format, parts: FileParts) -> str:
    try:
        if archive.getinfo(name).file_size > _MAX_MEMBER_BYTES:
            raise ValueError("too large")
        data = archive.read(name)
        pieces = _titles(json.loads(data)) if name.endswith(".json") else _pieces(data, form)
        text = "".join(pieces).strip()
    except (*DAMAGE, RecursionError):
        parts.add_unread(name)
        return ""
    parts.add()
    return text


def _pieces(data: bytes, form: _Format) -> Iterator[str]:
    for element in parse_xml(data).iter():
        name = local_name(element)
        if name in form.paragraphs:
            yield "\n"
        if name in form.texts:
            yield "".join(element.itertext()).strip("\n")


def _titles(value: object) -> Iterator[str]:
    """Yield the titles, labels and notes in the content of a map of XMind, each in a line."""
    if isinstance(value, list):
        for item in value:
            yield from _titles(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in {"title", "content"} and isinstance(item, str):
                yield f"{item}\n"
            elif key == "labels" and isinstance(item, list):
                yield "".join(f"{label}\n" for label in item if isinstance(label, str))
            else:
                yield from _titles(item)
