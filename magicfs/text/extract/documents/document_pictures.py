"""The pictures in office documents, books and messages that may show text: which there are, and their recognition.

Runs in the child process: `document_parser` lists them, and `page_reader` reads them one by one, as scanned pages.
Of drawings (WMF, EMF), there are the pictures in them. Left out are SVG, icons and rules, what headers, footers,
masters and layouts show on every page, and repetitions. Untrusted bytes. One thread.
"""

from __future__ import annotations

import contextlib
import io
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Final, NamedTuple

from PIL import Image

from magicfs.domain.contents import Document, Picture, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import Digest
from magicfs.text.extract.documents.djvu_documents import DJVU_TYPE, scanned_pages
from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.found_pictures import (
    FORMATS,
    HEAD_BYTES,
    MAX_LOOKED_AT,
    MAX_PICTURE_BYTES,
    MAX_PICTURES,
    MAX_PIXELS,
    FoundPictures,
    picture_by,
)
from magicfs.text.extract.documents.inline_pictures import pictures_in_text
from magicfs.text.extract.documents.mobipocket import MOBIPOCKET_TYPE, pictures_of_book
from magicfs.text.extract.ocr.recognised_words import is_text
from magicfs.text.extract.ocr.seen_pictures import as_seen, is_long, png_of
from magicfs.text.extract.ocr.strips import text_in_strips
from magicfs.text.extract.office.drawings import is_drawing, read_drawing
from magicfs.text.extract.office.drawn_bitmaps import pictures_in_drawings, pictures_of_drawing
from magicfs.text.extract.office.drawn_pictures import pictures_of_old_office, pictures_of_slides
from magicfs.text.extract.office.excel_files import OLD_WORKBOOK_TYPE
from magicfs.text.extract.office.iwork_files import IWORK_TYPES
from magicfs.text.extract.office.presentations import SLIDES_TYPE, slide_names
from magicfs.text.extract.office.refused_documents import BOOK_TYPE
from magicfs.text.extract.office.relationships import targets_of
from magicfs.text.extract.office.rtf_files import RTF_TYPE
from magicfs.text.extract.office.rtf_pictures import rtf_pictures
from magicfs.text.extract.office.sheet_formats import WORKBOOK_TYPE
from magicfs.text.extract.office.slide_files import OLD_SLIDES_TYPE
from magicfs.text.extract.office.word_files import WORD_TYPE
from magicfs.text.extract.office.word_xml import DOCUMENT_TYPE
from magicfs.text.extract.pdf.page_pictures import is_noise, may_show_text

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
_ZIP_SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06")
_FINDERS: Final[dict[str, Callable[[bytes], Iterator[tuple[bytes, int | None]]]]] = {
    WORD_TYPE: pictures_of_old_office,
    OLD_WORKBOOK_TYPE: pictures_of_old_office,
    OLD_SLIDES_TYPE: pictures_of_slides,
    RTF_TYPE: rtf_pictures,
    MOBIPOCKET_TYPE: pictures_of_book,
}
"""What finds the pictures of a document that is no container of files, each with its page if there are pages."""

_MAX_SIDE: Final = 3000
"""The longer side of a picture that is recognised, in pixels, as that of a page."""
_PREVIEW_SIDE: Final = 1000
_MAX_DRAWINGS: Final = 200
"""The drawings of a document in which pictures are looked for: all of each is read."""


class _Found(NamedTuple):
    picture: Picture
    read: Callable[[], bytes]
    """Gives its bytes. Raises one of `DAMAGE`, or `StopIteration`."""


def with_pictures(outcome: Document | Unreadable, content: bytes, exact_type: str) -> Document | Unreadable:
    """The outcome with the pictures of a document that may show text. One that has nothing else has empty pages."""
    if isinstance(outcome, Unreadable) and outcome.reason is not SkipReason.NO_TEXT:
        return outcome
    found = _found_pictures(content, exact_type)
    if not found:
        return outcome
    document = outcome if isinstance(outcome, Document) else Document(text="", mime_type=exact_type)
    if not document.text.strip() and not document.page_starts:
        pages = max((picture.page or 0 for picture in found), default=0)
        document = replace(document, text="", page_starts=(0,) * pages)
    return replace(document, pictures=found)


def _found_pictures(content: bytes, exact_type: str) -> tuple[Picture, ...]:
    """The pictures of a document that may show text, as far as it is not damaged."""
    if not content.startswith(_ZIP_SIGNATURES):
        return _inside_of(content, exact_type, keeps_bytes=False).found
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            return tuple(found.picture for found in _pictures(container, exact_type))
    except DAMAGE:
        return ()


def _inside_of(content: bytes, exact_type: str, *, keeps_bytes: bool) -> FoundPictures:
    """The pictures of a document that is no zip container."""
    pictures = FoundPictures(keeps_bytes=keeps_bytes)
    if exact_type == DJVU_TYPE:
        for scan, read in scanned_pages(content):
            pictures.add_listed(scan, read)
            if pictures.is_full:
                break
        return pictures
    with contextlib.suppress(*DAMAGE):
        found = _FINDERS.get(exact_type, partial(_in_text, mime_type=exact_type))(content)
        for picture, page in chain(found, pictures_in_drawings(content, exact_type)):
            pictures.add(picture, page=page)
            if pictures.is_full:
                break
    return pictures


def _in_text(content: bytes, mime_type: str) -> Iterator[tuple[bytes, None]]:
    return ((picture, None) for picture in pictures_in_text(content, mime_type))


def pictures_inside(content: bytes, exact_type: str) -> Iterator[tuple[Picture, Callable[[], bytes]]]:
    """Yield the pictures that may show text of a document inside of a file, each with what gives its bytes.

    The document is in the form that its readers understand, as far as it is not damaged.
    """
    if not content.startswith(_ZIP_SIGNATURES):
        pictures = _inside_of(content, exact_type, keeps_bytes=True)
        yield from ((picture, partial(pictures.read, number)) for number, picture in enumerate(pictures.found))
        return
    with contextlib.suppress(*DAMAGE):
        container = zipfile.ZipFile(io.BytesIO(content))
        yield from _pictures(container, exact_type)


class DocumentPictures:
    """The pictures of a document, by number from 0, as `page_reader` reads pages. Calls may raise any exception."""

    def __init__(
        self, read: Callable[[int], bytes], *, recognise: Callable[[Image.Image], str] | None, seconds: float
    ) -> None:
        """`read` gives the bytes of a picture, `recognise` the clean text in one; None without OCR.

        Of a long picture, strips are begun for so many `seconds`.
        """
        self._read = read
        self._recognise = recognise
        self._seconds = seconds
        self._opened: tuple[int, Image.Image] | None = None

    def shows_more(self, number: int, *, known_letters: int) -> bool:
        """Whether a picture may show text. A smooth one does not, nor does noise."""
        preview = self._picture(number).copy()
        side = _PREVIEW_SIDE if not is_long(preview.size) else max(preview.size) // 2
        preview.thumbnail((side, side))
        png = png_of(preview)
        return may_show_text(png, known_letters=known_letters) and not is_noise(png)

    def recognise(self, number: int) -> str:
        """The recognised text of a picture; empty if it is hardly one. Raises `RuntimeError` without OCR."""
        if self._recognise is None:
            raise RuntimeError("there is no OCR")
        picture = self._picture(number)
        if is_long(picture.size):
            text, _ = text_in_strips(picture, self._recognise, until=time.monotonic() + self._seconds)
        else:
            text = self._recognise(picture).strip()
        return text if is_text(text) else ""

    def document(self) -> Document:
        """Raises `RuntimeError`: only PDF files are read page by page."""
        raise RuntimeError("a document has no layers")

    def layer(self, number: int) -> str:
        """Raises `RuntimeError`, as `document` does."""
        raise RuntimeError(f"picture {number} has no layer")

    def _picture(self, number: int) -> Image.Image:
        """The picture as a person sees it: upright, on white, and not larger than it is read."""
        if self._opened is None or self._opened[0] != number:
            with Image.open(io.BytesIO(self._read(number)), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise MemoryError(f"{image.width} x {image.height} pixels")
                self._opened = number, as_seen(image, max_side=_MAX_SIDE)
        return self._opened[1]


def reader_of_pictures(content: bytes, exact_type: str | Unreadable) -> Callable[[int], bytes]:
    """What gives the bytes of a picture of a document, by its number from 0.

    The document is in the form and of the type in which its pictures were listed. Raises `DAMAGE`.
    """
    if not content.startswith(_ZIP_SIGNATURES) and isinstance(exact_type, str):
        return _inside_of(content, exact_type, keeps_bytes=True).read
    container = zipfile.ZipFile(io.BytesIO(content))
    found = [] if isinstance(exact_type, Unreadable) else list(_pictures(container, exact_type))
    return lambda number: found[number].read()


def _pictures(container: zipfile.ZipFile, exact_type: str) -> Iterator[_Found]:
    """Yield the pictures that may show text, each once, in the order in which they are read."""
    seen: set[Digest] = set()
    for found in islice(_looked_at(container, exact_type), MAX_LOOKED_AT):
        if found is not None and found.picture.digest not in seen:
            seen.add(found.picture.digest)
            yield found
            if len(seen) == MAX_PICTURES:
                return


def _looked_at(container: zipfile.ZipFile, exact_type: str) -> Iterator[_Found | None]:
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
) -> Iterator[_Found | None]:
    """Yield a picture, or those in a drawing, as above; none of a damaged member."""
    with contextlib.suppress(*DAMAGE):
        if is_drawing(member):
            for number, content in enumerate(pictures_of_drawing(read_drawing(container, member))):
                size, checksum = len(content), zlib.crc32(content)
                picture = picture_by(content[:HEAD_BYTES], size=size, checksum=checksum, page=page)
                read = partial(_picture_of_drawing, container, member, number)
                yield None if picture is None else _Found(picture, read)
        elif _SUFFIX.search(member.filename) and 0 < member.file_size <= MAX_PICTURE_BYTES:
            with container.open(member) as opened:
                head = opened.read(HEAD_BYTES)
            # Its checksum is at hand: to read all of a picture would take longer than the text of the document.
            picture = picture_by(head, size=member.file_size, checksum=member.CRC, page=page)
            yield None if picture is None else _Found(picture, partial(container.read, member))


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
