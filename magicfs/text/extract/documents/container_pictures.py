"""Finds the pictures that the pages of a document in a zip container show: of Office, OpenDocument, iWork or EPUB.

Runs in the child process, called by `document_pictures`. Left out is what headers, footers, masters and layouts show on
every page. Untrusted bytes; pure functions.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

from magicfs.domain.contents import Picture
from magicfs.domain.ids import Digest
from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.found_pictures import (
    HEAD_BYTES,
    MAX_LOOKED_AT,
    MAX_PICTURE_BYTES,
    MAX_PICTURES,
    picture_by,
)
from magicfs.text.extract.office.drawings import is_drawing, read_drawing
from magicfs.text.extract.office.drawn_bitmaps import pictures_of_drawing
from magicfs.text.extract.office.iwork_files import IWORK_TYPES
from magicfs.text.extract.office.presentations import SLIDES_TYPE, slide_names
from magicfs.text.extract.office.refused_documents import BOOK_TYPE
from magicfs.text.extract.office.relationships import targets_of
from magicfs.text.extract.office.sheet_formats import WORKBOOK_TYPE
from magicfs.text.extract.office.word_xml import DOCUMENT_TYPE

_SUFFIX: Final = re.compile(r"\.(?:png|jpe?g|jfif|gif|bmp|tiff?|webp)\Z", re.IGNORECASE)
_MEDIA: Final = {
    DOCUMENT_TYPE: re.compile(r"word/media/"),
    WORKBOOK_TYPE: re.compile(r"xl/media/"),
    BOOK_TYPE: re.compile(""),
    **dict.fromkeys(IWORK_TYPES, re.compile(r"Data/(?!.*-small-\d+\.)")),
}
"""The folder of the pictures of a document that are not told by its pages."""
_BESIDE_TEXT: Final = re.compile(r"word/(?:header|footer)\d*\.xml")
_WORD_BODY: Final = re.compile(r"word/document\d*\.xml")
_OPENDOCUMENT: Final = "application/vnd.oasis.opendocument."
_ODF_CONTENT: Final = "content.xml"
_ODF_PAGE_OR_PICTURE: Final = re.compile(rb"<draw:page[\s>]|xlink:href=\"(?:\./)?(Pictures/[^\"]{1,200})\"")
_NUMBERS: Final = re.compile(r"(\d+)")
_MAX_DRAWINGS: Final = 200
"""The drawings of a document in which pictures are looked for: all of each is read."""


class FoundPicture(NamedTuple):
    """A picture in a container."""

    picture: Picture
    read: Callable[[], bytes]
    """Gives its bytes. Raises one of `DAMAGE`, or `StopIteration`."""


def pictures_in_container(container: zipfile.ZipFile, exact_type: str) -> Iterator[FoundPicture]:
    """Yield the pictures that may show text, each once, in the order in which they are read.

    May raise one of `DAMAGE`.
    """
    seen: set[Digest] = set()
    for found in islice(_looked_at(container, exact_type), MAX_LOOKED_AT):
        if found is not None and found.picture.digest not in seen:
            seen.add(found.picture.digest)
            yield found
            if len(seen) == MAX_PICTURES:
                return


def _looked_at(container: zipfile.ZipFile, exact_type: str) -> Iterator[FoundPicture | None]:
    """Yield the pictures of a document; None for one that is too small for a text."""
    infos = {info.filename: info for info in container.infolist()}
    drawings = 0
    for name, page in islice(_candidates(container, exact_type), MAX_LOOKED_AT):
        info = infos.pop(name, None)
        if info is None:
            continue
        drawings += is_drawing(info)
        if drawings > _MAX_DRAWINGS and is_drawing(info):
            continue
        yield from _pictures_of_member(container, info, page)


def _pictures_of_member(
    container: zipfile.ZipFile, member: zipfile.ZipInfo, page: int | None
) -> Iterator[FoundPicture | None]:
    """Yield a picture, or those in a drawing, as above; none of a damaged member."""
    with contextlib.suppress(*DAMAGE):
        if is_drawing(member):
            for number, content in enumerate(pictures_of_drawing(read_drawing(container, member))):
                size, checksum = len(content), zlib.crc32(content)
                picture = picture_by(content[:HEAD_BYTES], size=size, checksum=checksum, page=page)
                read = partial(_picture_of_drawing, container, member, number)
                yield None if picture is None else FoundPicture(picture, read)
        elif _SUFFIX.search(member.filename) and 0 < member.file_size <= MAX_PICTURE_BYTES:
            with container.open(member) as opened:
                head = opened.read(HEAD_BYTES)
            # Its checksum is at hand: to read all of a picture would take longer than the text of the document.
            picture = picture_by(head, size=member.file_size, checksum=member.CRC, page=page)
            yield None if picture is None else FoundPicture(picture, partial(container.read, member))


def _picture_of_drawing(container: zipfile.ZipFile, member: zipfile.ZipInfo, number: int) -> bytes:
    return next(islice(pictures_of_drawing(read_drawing(container, member)), number, None))


def _candidates(container: zipfile.ZipFile, exact_type: str) -> Iterator[tuple[str, int | None]]:
    """Yield the names of members that a page shows, with the number of the page if there are pages."""
    if exact_type == SLIDES_TYPE:
        for page, slide in enumerate(slide_names(container), 1):
            for name in _shown_by(container, slide):
                yield name, page
    elif exact_type.startswith(_OPENDOCUMENT):
        page = 0
        for match in _ODF_PAGE_OR_PICTURE.finditer(container.read(_ODF_CONTENT)):
            if match[1] is None:
                page += 1
            else:
                yield match[1].decode("utf-8", "replace"), page or None
    elif exact_type in _MEDIA:
        names = container.namelist()
        beside = {shown for name in names if _BESIDE_TEXT.fullmatch(name) for shown in _shown_by(container, name)}
        inside = {shown for name in names if _WORD_BODY.fullmatch(name) for shown in _shown_by(container, name)}
        for name in sorted(filter(_MEDIA[exact_type].match, names), key=_natural):
            if name not in beside - inside:
                yield name, None


def _shown_by(container: zipfile.ZipFile, name: str) -> list[str]:
    """The members with the pictures that another one shows."""
    try:
        return [target for kind, target in targets_of(container, name).values() if kind == "image"]
    except DAMAGE:
        return []


def _natural(name: str) -> list[tuple[int, str]]:
    """The order of names in which `image2` is before `image10`."""
    return [(int(part) if part.isdecimal() else -1, part) for part in _NUMBERS.split(name)]
