"""Reads XMP, in which programs write what a picture shows, who and where, and when and with what it was taken.

Runs in the child process, called by `picture_metadata`. Programs that leave EXIF out, such as those that develop raw
files or make pictures for the web, keep this. Pure functions.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.text.extract.documents.xml_elements import parse_xml, without_namespace
from magicfs.text.extract.media.metadata_lines import date_line, one_line, place_line

_TEXTS: Final = frozenset(
    {
        *("title", "description", "subject", "creator", "Headline", "City", "State", "Country", "Location"),
        *("Sublocation", "ProvinceState", "CountryName", "LocationName", "Event", "Credit"),
        *("hierarchicalSubject", "TagsList", "PersonInImage", "PersonDisplayName", "LayerText"),
        *("UserComment", "AltTextAccessibility", "ExtDescrAccessibility"),
    }
)
_LABELS: Final = {"rights": "Copyright", "UserComment": "Description"}
_REGION: Final = "{http://www.metadataworkinggroup.com/schemas/regions/}Name"
"""The name of the person whose face is in a part of a picture."""
_EXIF: Final = "{http://ns.adobe.com/exif/1.0/}"
_CAMERA: Final = (
    *("{http://ns.adobe.com/tiff/1.0/}Make", "{http://ns.adobe.com/tiff/1.0/}Model"),
    "{http://cipa.jp/exif/1.0/}LensModel",
)
_DATES: Final = (
    f"{_EXIF}DateTimeOriginal", "{http://ns.adobe.com/photoshop/1.0/}DateCreated", f"{_EXIF}DateTimeDigitized",
    "{http://ns.adobe.com/xap/1.0/}CreateDate",
)  # fmt: skip
"""From when it was taken to when the file was made: the first one counts."""
_PLACE: Final = (f"{_EXIF}GPSLatitude", f"{_EXIF}GPSLongitude")
_TECHNICAL: Final = frozenset({*_CAMERA, *_DATES, *_PLACE})
_WHOLE_DAY: Final = 10
_ANGLE: Final = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d{1,20})?)(?:,(\d{1,2}(?:\.\d{1,20})?))?([NSEW])", re.ASCII)


def xmp_lines(packet: object) -> Iterator[str]:
    """Yield the texts of an XMP packet; none for a malformed one."""
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    if not isinstance(packet, bytes):
        return
    with contextlib.suppress(ET.ParseError):
        yield from stated_lines(parse_xml(packet.strip(b"\0 \r\n\t")))


def stated_lines(root: ET.Element) -> Iterator[str]:
    """Yield what XMP says for people, a line each: texts, then the camera, the time and the place."""
    technical: dict[str, str] = {}
    for element in root.iter():
        stated = {element.tag: list(element.itertext())} if isinstance(element.tag, str) else {}
        # Simple values may be attributes.
        for tag, values in (stated | {name: [value] for name, value in element.attrib.items()}).items():
            texts = dict.fromkeys(filter(None, map(one_line, values)))
            if not texts:
                continue
            if tag in _TECHNICAL:
                technical.setdefault(tag, next(iter(texts)))
            elif (name := without_namespace(tag)) in _TEXTS or name in _LABELS or tag == _REGION:
                yield f"{_LABELS.get(name, name.capitalize())}: {', '.join(texts)}"
    yield from filter(None, (_camera(technical), _date(technical), _place(technical)))


def _camera(stated: Mapping[str, str]) -> str:
    names = dict.fromkeys(filter(None, map(stated.get, _CAMERA)))
    return f"Camera: {', '.join(map(str, names))}" if names else ""


def _date(stated: Mapping[str, str]) -> str:
    """The first date that is one. Of a scanned picture, people often know the year alone."""
    for text in filter(None, map(stated.get, _DATES)):
        if re.fullmatch(r"\d{4}(?:-\d\d)?", text):
            return f"Date: {text}"
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(text)
            return date_line(moment if len(text) > _WHOLE_DAY else moment.date())
    return ""


def _place(stated: Mapping[str, str]) -> str:
    """Coordinates in degrees and minutes, `48,8.25N`, or degrees, minutes and seconds, as maps take them."""
    angles = [_ANGLE.fullmatch(stated.get(tag, "")) for tag in _PLACE]
    values = [
        (int(angle[1]) + float(angle[2]) / 60 + float(angle[3] or 0) / 3600) * (-1 if angle[4] in "SW" else 1)
        for angle in angles
        if angle
    ]
    return place_line(*values) if len(values) == len(_PLACE) else ""
