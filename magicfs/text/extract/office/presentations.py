"""Reads the slides of `.pptx` in their order, each with the notes of its speaker.

Runs in the child process, called by `running_text`. kreuzberg states offsets at which slides begin, which are others
than those in its text as soon as there are notes, and it divides words where their format changes. A
paragraph or a row of a table is a line. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.xml_elements import attribute, local_name, named, parse_xml
from magicfs.text.extract.documents.xml_texts import SLIDE_NUMBER
from magicfs.text.extract.office.relationships import targets_of
from magicfs.text.extract.parsed import Parsed
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

SLIDES_TYPE: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

_SLIDE: Final = re.compile(r"ppt/slides/[^/]+\.xml")
_PRESENTATION: Final = "ppt/presentation.xml"
_BREAKS: Final = {"br": " ", "tab": "\t"}
_OTHER_FORM: Final = "Fallback"
"""What a program shows that does not know the element beside it: the same texts once more."""
_MAX_BYTES: Final = 64 << 20
"""A member that unpacks to more is not read."""


def with_slides(outcome: Parsed, content: bytes, mime_type: str, *, parts: FileParts) -> Parsed:
    """What kreuzberg says of a presentation, with its slides, each of which is a page.

    Missing slides are counted, and those for which there is no time; `office_parts` counts damaged ones.
    """
    if isinstance(outcome, Unreadable) and outcome.reason not in {SkipReason.CORRUPT, SkipReason.NO_TEXT}:
        return outcome
    try:
        pages = [page + PAGE_SEPARATOR for page in _slides(content, parts=parts)]
    except DAMAGE:
        return outcome
    if not pages or (isinstance(outcome, Document) and not any(map(str.strip, pages))):
        return outcome
    if not any(map(str.strip, pages)):
        return Unreadable(SkipReason.NO_TEXT)
    document = outcome if isinstance(outcome, Document) else Document(text="", mime_type=mime_type)
    starts = tuple(accumulate((len(page) for page in pages[:-1]), initial=0))
    return replace(document, text="".join(pages), page_starts=starts, headings=())


def _slides(content: bytes, *, parts: FileParts) -> list[str]:
    """The clean text of each slide in the order of the presentation; empty for a damaged or missing one."""
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        names = frozenset(container.namelist())
        pages: list[str] = []
        for name in slide_names(container):
            if parts.is_time_over:
                parts.add_unread(name, SkipReason.TIMEOUT)
                break
            if name not in names:
                parts.add_unread(name)
            try:
                lines = list(_lines(_parsed(container, name)))
            except DAMAGE:
                lines = []
            lines += _notes(container, name)
            pages.append(clean("\n".join(filter(None, map(str.strip, lines)))))
        return pages


def slide_names(container: zipfile.ZipFile) -> list[str]:
    """The names of the slides in the order of the presentation; some may be missing."""
    return _stated_slides(container) or sorted(filter(_SLIDE.fullmatch, container.namelist()), key=_number)


def _parsed(container: zipfile.ZipFile, name: str) -> ET.Element:
    if container.getinfo(name).file_size > _MAX_BYTES:
        raise ValueError("a member that is too large")
    return parse_xml(container.read(name))


def _number(name: str) -> int:
    match = re.search(r"(\d+)\.\w+\Z", name)
    return int(match[1]) if match else 0


def _stated_slides(container: zipfile.ZipFile) -> list[str]:
    """The names of the slides that a presentation says it has; none where it is damaged itself."""
    try:
        targets = targets_of(container, _PRESENTATION)
        presentation = _parsed(container, _PRESENTATION)
    except DAMAGE:
        return []
    ids = [value for element in named(presentation, "sldId") for key, value in element.attrib.items() if "}" in key]
    return [name for _, name in (targets.get(key, ("", "")) for key in ids) if _SLIDE.fullmatch(name)]


def _notes(container: zipfile.ZipFile, slide: str) -> list[str]:
    """The lines of the notes of a slide; none where they are damaged, or the slide does not say that it has any."""
    try:
        notes = [name for kind, name in targets_of(container, slide).values() if kind == "notesSlide"]
        return [line for name in notes for line in _lines(_parsed(container, name))]
    except DAMAGE:
        return []


def _lines(root: ET.Element) -> Iterator[str]:
    """Yield each paragraph outside of tables, and each row of a table, in their order."""
    pending = [root]
    while pending:
        element = pending.pop()
        name = local_name(element)
        if name == "p":
            yield "".join(_pieces(element))
        elif name == "tr":
            yield "\t".join(" ".join(_cell(cell)) for cell in element if local_name(cell) == "tc")
        elif name != _OTHER_FORM:
            pending.extend(reversed(element))


def _cell(cell: ET.Element) -> Iterator[str]:
    return filter(None, ("".join(_pieces(paragraph)).strip() for paragraph in named(cell, "p")))


def _pieces(paragraph: ET.Element) -> Iterator[str]:
    pending = [paragraph]
    while pending:
        element = pending.pop()
        name = local_name(element)
        if name == "t":
            yield element.text or ""
        elif name in _BREAKS:
            yield _BREAKS[name]
        elif name != _OTHER_FORM and not (name == "fld" and attribute(element, "type") == SLIDE_NUMBER):
            pending.extend(reversed(element))
