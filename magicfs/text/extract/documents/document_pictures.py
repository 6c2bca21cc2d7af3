"""The pictures in office documents, books and messages that may show text: which there are, and their recognition.

Runs in the child process: `document_parser` lists them, and `page_reader` reads them one by one, as scanned pages.
Left out are drawings of lines (SVG, WMF, EMF), icons and rules, what headers, footers, masters and layouts show on
every page, and repetitions. Untrusted bytes. One thread.
"""

from __future__ import annotations

import io
import re
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple

import xxhash
from PIL import Image

from magicfs.domain.contents import Document, Picture, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import Digest
from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.ocr.recognised_words import is_text
from magicfs.text.extract.ocr.seen_pictures import as_seen, is_long
from magicfs.text.extract.ocr.strips import text_in_strips
from magicfs.text.extract.office.presentations import SLIDES_TYPE, slide_names
from magicfs.text.extract.office.refused_documents import BOOK_TYPE
from magicfs.text.extract.office.relationships import targets_of
from magicfs.text.extract.office.sheet_formats import WORKBOOK_TYPE
from magicfs.text.extract.office.word_xml import DOCUMENT_TYPE
from magicfs.text.extract.pdf.page_pictures import is_noise, may_show_text

MAX_PICTURES: Final = 50
"""Those of a document that are recognised, the first ones: they take about two minutes of one core."""
_MAX_LOOKED_AT: Final = 2000
"""Those that are looked at for their size: a book of mathematics has one for each sign, and ten take a millisecond."""
_MIN_SIDES: Final = (40, 100)
"""The shorter and the longer side, in pixels, of a picture that has more text than a label."""
_MAX_PIXELS: Final = 50_000_000
MAX_PICTURE_BYTES: Final = 32 << 20
HEAD_BYTES: Final = 64 << 10
"""What is read of a picture to tell it from others, and for its size."""
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_SUFFIX: Final = re.compile(r"\.(?:png|jpe?g|jfif|gif|bmp|tiff?|webp)\Z", re.IGNORECASE)
_MEDIA: Final = {
    DOCUMENT_TYPE: re.compile(r"word/media/"),
    WORKBOOK_TYPE: re.compile(r"xl/media/"),
    BOOK_TYPE: re.compile(""),
}
"""The folder of the pictures of a document that are not told by its pages."""
_BESIDE_TEXT: Final = re.compile(r"word/(?:header|footer)\d*\.xml")
_WORD_BODY: Final = re.compile(r"word/document\d*\.xml")
_OPENDOCUMENT: Final = "application/vnd.oasis.opendocument."
_ODF_CONTENT: Final = "content.xml"
_ODF_PAGE_OR_PICTURE: Final = re.compile(rb"<draw:page[\s>]|xlink:href=\"(?:\./)?(Pictures/[^\"]{1,200})\"")
_NUMBERS: Final = re.compile(r"(\d+)")

_MAX_SIDE: Final = 3000
"""The longer side of a picture that is recognised, in pixels, as that of a page."""
_PREVIEW_SIDE: Final = 1000


class _Found(NamedTuple):
    name: str
    picture: Picture


def with_pictures(outcome: Document | Unreadable, content: bytes, exact_type: str) -> Document | Unreadable:
    """The outcome with the pictures of a document that may show text. One that has nothing else has empty pages."""
    if isinstance(outcome, Unreadable) and outcome.reason is not SkipReason.NO_TEXT:
        return outcome
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            found = list(_pictures(container, exact_type))
    except DAMAGE:
        return outcome
    if not found:
        return outcome
    document = outcome if isinstance(outcome, Document) else Document(text="", mime_type=exact_type)
    if not document.text.strip() and not document.page_starts:
        pages = max((picture.page or 0 for _, picture in found), default=0)
        document = replace(document, text="", page_starts=(0,) * pages)
    return replace(document, pictures=tuple(picture for _, picture in found))


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
            with Image.open(io.BytesIO(self._read(number)), formats=_FORMATS) as image:
                if image.width * image.height > _MAX_PIXELS:
                    raise MemoryError(f"{image.width} x {image.height} pixels")
                self._opened = number, as_seen(image, max_side=_MAX_SIDE)
        return self._opened[1]


def reader_of_pictures(content: bytes, exact_type: str | Unreadable) -> Callable[[int], bytes]:
    """What gives the bytes of a picture of a document in a zip container, by its number from 0.

    The document is in the form and of the type in which its pictures were listed. Raises `DAMAGE`.
    """
    container = zipfile.ZipFile(io.BytesIO(content))
    names = [] if isinstance(exact_type, Unreadable) else [name for name, _ in _pictures(container, exact_type)]
    return lambda number: container.read(names[number])


def _pictures(container: zipfile.ZipFile, exact_type: str) -> Iterator[_Found]:
    """Yield the pictures that may show text, each once, in the order in which they are read."""
    infos = {info.filename: info for info in container.infolist()}
    seen: set[Digest] = set()
    for name, page in islice(_candidates(container, exact_type), _MAX_LOOKED_AT):
        info = infos.pop(name, None)
        if info is None or not _SUFFIX.search(name) or not 0 < info.file_size <= MAX_PICTURE_BYTES:
            continue
        try:
            with container.open(info) as member:
                head = member.read(HEAD_BYTES)
        except DAMAGE:
            continue
        # Its checksum is at hand: to read all of a picture would take longer than the text of the document.
        picture = picture_by(head, size=info.file_size, checksum=info.CRC, page=page)
        if picture is not None and picture.digest not in seen:
            seen.add(picture.digest)
            yield _Found(name, picture)
            if len(seen) == MAX_PICTURES:
                return


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


def picture_by(head: bytes, *, size: int, checksum: int, page: int | None) -> Picture | None:
    """A picture by its first bytes, its size and its checksum, if it is large enough for a text."""
    if not _is_large_enough(head):
        return None
    return Picture(Digest(xxhash.xxh3_128_digest(head + struct.pack("<QI", size, checksum))), page)


def _is_large_enough(head: bytes) -> bool:
    """Whether a picture may have a text by its size. One that does not say it in its first bytes may."""
    try:
        with Image.open(io.BytesIO(head), formats=_FORMATS) as image:
            width, height = image.size
    except Exception:  # its reader decides, or it is no picture
        return len(head) == HEAD_BYTES
    least, longest = _MIN_SIDES
    return min(width, height) >= least and max(width, height) >= longest and width * height <= _MAX_PIXELS


def png_of(image: Image.Image) -> bytes:
    """A picture in the format PNG, hardly compressed."""
    target = io.BytesIO()
    image.save(target, "PNG", compress_level=1)
    return target.getvalue()
