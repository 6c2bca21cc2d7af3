"""Reads what pictures say of themselves: date, camera, place, captions and keywords.

Runs in the child process, called by `document_parser`. Pillow does not decode the picture here.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import struct
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final
from xml.etree import ElementTree as ET

from PIL import ExifTags, Image, IptcImagePlugin, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.xml_elements import parse_xml
from magicfs.text.extract.file_types import PHOTOSHOP_TYPE, RAW_TYPE
from magicfs.text.extract.media.camera_files import HEIC_TYPE, camera_data
from magicfs.text.extract.media.metadata_lines import date_line, one_line, place_line
from magicfs.text.extract.media.photoshop_files import layer_lines, xmp_of
from magicfs.text.extract.media.xmp_packets import stated_lines, xmp_lines
from magicfs.text.extract.plain.plain_text import decode

SIDECAR_TYPE: Final = "application/rdf+xml"
"""An XMP file beside a picture."""

_PICTURE_FORMATS: Final = ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "JPEG2000", "AVIF")
"""The formats that Pillow opens, as it calls them. `camera_files` and `photoshop_files` have others."""
_PICTURE_READERS: Final = ("Png", "Jpeg", "Mpo", "Gif", "Tiff", "Bmp", "WebP", "Jpeg2K", "Avif")
"""Pillow's modules for them; a JPEG file of several pictures needs two. All others would take longer than these."""

_BASE: Final = ExifTags.Base
_EXIF_TEXTS: Final = (
    ("Title", (_BASE.XPTitle,)),
    ("Description", (_BASE.ImageDescription, _BASE.UserComment, _BASE.XPComment, _BASE.XPSubject)),
    ("Keywords", (_BASE.XPKeywords,)),
    ("Author", (_BASE.Artist, _BASE.XPAuthor)),
    ("Copyright", (_BASE.Copyright,)),
    ("Camera", (_BASE.Make, _BASE.Model, _BASE.LensModel)),
)
_WINDOWS_TAGS: Final = frozenset({_BASE.XPTitle, _BASE.XPComment, _BASE.XPAuthor, _BASE.XPKeywords, _BASE.XPSubject})
"""Fields that Windows writes, in UTF-16."""
_EXIF_DATES: Final = (_BASE.DateTimeOriginal, _BASE.DateTimeDigitized, _BASE.DateTime)

_IPTC_TEXTS: Final = (
    ("Title", (2, 5)), ("Headline", (2, 105)), ("Description", (2, 120)), ("Keywords", (2, 25)), ("Author", (2, 80)),
    ("Place", (2, 92)), ("City", (2, 90)), ("Region", (2, 95)), ("Country", (2, 101)),
    ("Credit", (2, 110)), ("Copyright", (2, 116)),
)  # fmt: skip
_IPTC_DATE: Final = (2, 55)
_INFO_TEXTS: Final = ("Title", "Description", "Comment", "comment", "Author", "Keywords", "Copyright")
"""Text chunks of PNG that are usual, comments of GIF and JPEG."""
_MAX_INFO_TEXTS: Final = 50
_INFO_DATA: Final = ("xmp", "exif", "icc", "raw profile")
"""Beginnings of names of PNG chunks that hold no text."""

_SAID_ONCE: Final = re.compile(r"(Camera|Place): (?:(?<=Camera: )|-?\d+\.\d{5}, -?\d+\.\d{5}$)")
_DATED: Final = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")
_DEGREES: Final = 3
_DAMAGE: Final = (
    *(UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError),
    *(KeyError, TypeError, struct.error),
)
"""What the library raises at pictures that are damaged or large."""


def warm_up() -> None:
    """Load the readers of pictures, which Pillow does only when it meets one."""
    for name in _PICTURE_READERS:
        importlib.import_module(f"PIL.{name}ImagePlugin")


def read_picture(content: bytes, mime_type: str) -> Document | None:
    """What a picture says of itself, a line each; None if it says nothing, or cannot be read."""
    lines = dict.fromkeys(_once(_until_damage(_lines(content, mime_type))))
    return _document(lines, mime_type) if lines else None


def _lines(content: bytes, mime_type: str) -> Iterator[str]:
    if mime_type in {HEIC_TYPE, RAW_TYPE}:
        yield from _camera_lines(content)
    elif mime_type == PHOTOSHOP_TYPE:
        yield from _photoshop_lines(content)
    else:
        try:
            image = Image.open(io.BytesIO(content), formats=_PICTURE_FORMATS)
        except UnidentifiedImageError:
            # Raw files in TIFF, some of whose pictures Pillow does not know.
            yield from _camera_lines(content)
            return
        with image:
            yield from _picture_lines(image)


def _until_damage(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines until the library fails at the picture."""
    with contextlib.suppress(*_DAMAGE):
        yield from lines


def _once(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines, of several about the camera or the coordinates the first: others say the same in other words."""
    said: set[str] = set()
    for line in lines:
        about = _SAID_ONCE.match(line)
        if about is None:
            yield line
        elif about[1] not in said:
            said.add(about[1])
            yield line


def read_sidecar(content: bytes) -> Document | Unreadable:
    """What an XMP file beside a picture says of it, a line each, without the settings with which it is developed."""
    try:
        lines = dict.fromkeys(stated_lines(parse_xml(content.strip())))
    except ET.ParseError:
        return Unreadable(SkipReason.CORRUPT, "no XML")
    if not lines:
        return Unreadable(SkipReason.NO_TEXT, "nothing but settings for a picture")
    return _document(lines, SIDECAR_TYPE)


def _document(lines: Mapping[str, None], mime_type: str) -> Document:
    title = next((line.partition(": ")[2] for line in lines if line.startswith("Title: ")), None)
    return Document(text="\n".join(lines), mime_type=mime_type, title=title)


def _picture_lines(image: ImageFile) -> Iterator[str]:
    yield from _exif_lines(image.getexif())
    yield from _iptc_lines(image)
    yield from _info_lines(image.info)
    yield from xmp_lines(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))


def _camera_lines(content: bytes) -> Iterator[str]:
    """Yield what is known of a picture that Pillow does not open."""
    data = camera_data(content)
    if data.picture:
        with Image.open(io.BytesIO(data.picture), formats=("JPEG",)) as image:
            yield from _picture_lines(image)
    exif = Image.Exif()
    for part in data.exif:
        more = Image.Exif()
        more.load(part)
        if exif:
            exif.update({tag: more[tag] for tag in more if tag not in exif})
        else:
            exif = more
    yield from _exif_lines(exif)
    if data.place:
        gps = Image.Exif()
        gps.load(data.place)
        yield from filter(None, [_place(gps)])
    yield from xmp_lines(data.xmp)


def _photoshop_lines(content: bytes) -> Iterator[str]:
    yield from xmp_lines(xmp_of(content))
    yield from filter(None, map(one_line, layer_lines(content)))


def _exif_lines(exif: Image.Exif) -> Iterator[str]:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    for label, tags in _EXIF_TEXTS:
        values = dict.fromkeys(filter(None, (_field(tag, exif.get(tag) or details.get(tag)) for tag in tags)))
        if values:
            yield f"{label}: {', '.join(values)}"
    for tag in _EXIF_DATES:
        text = _exif_text(exif.get(tag) or details.get(tag))
        if _DATED.fullmatch(text):
            with contextlib.suppress(ValueError):
                yield date_line(datetime.fromisoformat(text.replace(":", "-", 2)))
                break
    place = _place(exif.get_ifd(ExifTags.IFD.GPSInfo))
    if place:
        yield place


def _info_lines(info: Mapping[Any, Any]) -> Iterator[str]:
    """Yield comments, and the text chunks of PNG, in which programs write what they like."""
    others = [
        name for name, value in info.items()
        if isinstance(name, str) and isinstance(value, str) and name not in _INFO_TEXTS
        and not name.lower().startswith(("xml:", *_INFO_DATA))
    ]  # fmt: skip
    for name in (*_INFO_TEXTS, *others[:_MAX_INFO_TEXTS]):
        value = _exif_text(info.get(name))
        if value:
            yield f"{one_line(name).capitalize()}: {value}"


def _iptc_lines(image: ImageFile) -> Iterator[str]:
    try:
        iptc = IptcImagePlugin.getiptcinfo(image) or {}
    except (SyntaxError, OSError, ValueError, KeyError, TypeError):
        return
    for label, key in _IPTC_TEXTS:
        value: Any = iptc.get(key)
        texts = [_exif_text(item) for item in (value if isinstance(value, list) else [value])]
        if any(texts):
            yield f"{label}: {', '.join(filter(None, texts))}"
    with contextlib.suppress(ValueError):
        yield date_line(date.fromisoformat(_exif_text(iptc.get(_IPTC_DATE))))


def _field(tag: int, value: object) -> str:
    if tag in _WINDOWS_TAGS and isinstance(value, bytes):
        value = value.decode("utf-16-le", "replace")
    return _exif_text(value)


def _exif_text(value: object) -> str:
    """A value of EXIF as one line; empty for anything but text. A comment begins with its charset."""
    if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
        value = bytes(item & 0xFF for item in value)
    if isinstance(value, bytes):
        for prefix in (b"ASCII\0\0\0", b"UNICODE\0", b"\0" * 8):
            is_unicode = value.startswith(b"UNICODE\0")
            value = value.removeprefix(prefix)
            if is_unicode:
                return one_line(_utf16(value))
        value = decode(value.rstrip(b"\0")) or ""
    return one_line(value) if isinstance(value, str) else ""


def _utf16(value: bytes) -> str:
    """UTF-16 of either byte order: letters of most scripts have fewer different high bytes than low ones."""
    little, big = len(set(value[1::2])), len(set(value[0::2]))
    return value.decode("utf-16-le" if little <= big else "utf-16-be", "replace")


def _place(gps: Mapping[int, Any]) -> str:
    """The place of a picture as decimal degrees, as maps take it; empty without one."""
    try:
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], negative="S")
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], negative="W")
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return ""
    return place_line(latitude, longitude)


def _degrees(parts: Any, reference: Any, *, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in tuple(parts)[:_DEGREES])
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(reference).strip("\0 ").upper() == negative else value
