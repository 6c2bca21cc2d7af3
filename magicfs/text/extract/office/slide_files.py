"""Reads the slides of PowerPoint presentations of before 2007 as a person sees them, with notes and comments.

Runs in the child process, called by `old_office`. kreuzberg reads each text of such a file, those of earlier
versions and of the empty places of masters too (`Click to edit Master title style`), and no notes. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.office.drawn_words import drawn_words
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.slide_records import (
    LIST,
    MASTER_LIST,
    NARROW_TEXT,
    NOTES_LIST,
    NUMBER,
    SLIDE_LIST,
    WIDE_TEXT,
    Presentation,
    Record,
    all_records,
    listed_in,
    records,
    text_of,
)

OLD_SLIDES_TYPE: Final = "application/vnd.ms-powerpoint"

_SLIDE, _NOTES, _NOTES_ATOM = 1006, 1008, 1009
_PLACEHOLDER, _OUTLINE_TEXT, _STRING = 3011, 3998, 4026
_HEADERS, _COMMENT = 4057, 12000
_SHAPE, _PROPERTIES = 0xF004, 0xF00B
_HEAD_BYTES: Final = 8


def read_slides(ole: OleFile) -> list[str]:
    """The text of each slide; the last one ends with what all slides show. Raises `struct.error` or `KeyError`."""
    presentation = Presentation(ole)
    data, lists = presentation.data, presentation.lists
    shared: list[str] = []
    for record in records(data, *presentation.document):
        if record.kind == _HEADERS:
            shared += _strings(data, record)
    if not lists.get(SLIDE_LIST):
        return _slides_as_they_stand(data)
    notes = _notes(presentation)
    pages: list[str] = []
    for listed in lists[SLIDE_LIST]:
        start, end = presentation.span(listed)
        shown = list(_shape_texts(data, start, end, listed.outline))
        of_slide = [*shown, *missing_texts(listed.outline, in_text="\n".join(shown))]
        pages.append("\n".join([*of_slide, *notes.get(listed.slide, []), *_comments(data, start, end)]))
    for listed in lists.get(MASTER_LIST, ()):
        shared += _shape_texts(data, *presentation.span(listed), [], with_placeholders=False)
    pages[-1] = "\n".join([pages[-1], *missing_texts(shared, in_text="\n".join(pages))])
    return pages


def _shape_texts(
    data: bytes, start: int, end: int, outline: list[str], *, with_placeholders: bool = True
) -> Iterator[str]:
    """Yield the texts of the shapes of a slide, in their order; without those of placeholders, what a master adds."""
    for shape in all_records(data, start, end, closed=_SHAPE):
        if shape.kind != _SHAPE:
            continue
        records = list(all_records(data, shape.start, shape.end))
        if not with_placeholders and any(record.kind == _PLACEHOLDER for record in records):
            continue
        for record in records:
            if record.kind == _PROPERTIES:
                yield from drawn_words(data[record.start - _HEAD_BYTES : record.end])
            elif record.kind in {WIDE_TEXT, NARROW_TEXT} and (text := text_of(data, record)):
                yield text
            elif record.kind == _OUTLINE_TEXT and record.size >= NUMBER.size:
                (number,) = NUMBER.unpack_from(data, record.start)
                if number < len(outline) and outline[number]:
                    yield outline[number]


def _notes(presentation: Presentation) -> dict[int, list[str]]:
    """The notes of the speaker, by the number of their slide."""
    data, notes = presentation.data, dict[int, list[str]]()
    for entry in presentation.lists.get(NOTES_LIST, ()):
        start, end = presentation.span(entry, kind=_NOTES)
        for record in records(data, start, end):
            if record.kind == _NOTES_ATOM and record.size >= NUMBER.size:
                (slide,) = NUMBER.unpack_from(data, record.start)
                notes.setdefault(slide, []).extend(_shape_texts(data, start, end, entry.outline))
    return notes


def _comments(data: bytes, start: int, end: int) -> Iterator[str]:
    """Yield the comments on a slide, each after its author."""
    for record in all_records(data, start, end, closed=_SHAPE):
        if record.kind == _COMMENT:
            texts = {
                part.instance: text_of(data, part)
                for part in records(data, record.start, record.end)
                if part.kind == _STRING
            }
            yield ": ".join(filter(None, (texts.get(0), texts.get(1))))


def _strings(data: bytes, headers: Record) -> list[str]:
    texts = (text_of(data, record) for record in records(data, headers.start, headers.end) if record.kind == _STRING)
    return [text for text in texts if text]


def _slides_as_they_stand(data: bytes) -> list[str]:
    """The texts of all slides of a presentation that does not say where its slides are."""
    outlines = [
        "\n".join(filter(None, listed.outline))
        for record in all_records(data, 0, len(data))
        if record.kind == LIST and record.instance == SLIDE_LIST
        for listed in listed_in(data, record)
    ]
    slides = [
        "\n".join(_shape_texts(data, record.start, record.end, []))
        for record in records(data, 0, len(data))
        if record.kind == _SLIDE
    ]
    return ["\n".join(texts) for texts in (outlines, slides) if texts]
